"""The order in which lots are taken, on both databases."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.rest_app import Rest, added
from tests.support.stocked import stocked

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def taken(client: httpx.AsyncClient, product_id: str, **values: Any) -> list[tuple[str, str]]:
    """Consume of a product; the lots and quantities of its movements."""
    answer = await client.post(f"/api/products/{product_id}/consume", json=values)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return [(each["lotId"], each["quantity"]) for each in answer.json()["movements"]]


async def empty_product(client: httpx.AsyncClient) -> str:
    """A product whose first lot is gone; its id."""
    product = await added(client)
    (lot,) = await lots_of(client, product["id"])
    await client.delete(f"/api/lots/{lot['id']}")
    product_id: str = product["id"]
    return product_id


@pytest.mark.parametrize("route", ["consume", "discard"])
async def test_opened_is_taken_before_thawed_then_sealed_and_frozen_last(
    ada: httpx.AsyncClient, route: str
) -> None:
    product_id = await empty_product(ada)
    # The later the state in the order, the earlier the date.
    frozen = await received(ada, product_id, printedDate="2026-03-03")
    sealed = await received(ada, product_id, printedDate="2026-03-04")
    thawed = await received(ada, product_id, printedDate="2026-03-05")
    opened = await received(ada, product_id, printedDate="2026-03-06")
    await acted(ada, frozen["id"], "freeze")
    await acted(ada, thawed["id"], "freeze")
    await acted(ada, thawed["id"], "thaw")
    await acted(ada, opened["id"], "open")

    answer = await ada.post(f"/api/products/{product_id}/{route}", json={"quantity": "4"})

    order = [each["lotId"] for each in answer.json()["movements"]]
    assert order == [each["id"] for each in (opened, thawed, sealed, frozen)]


async def test_the_earliest_date_is_taken_first_and_never_last(ada: httpx.AsyncClient) -> None:
    product_id = await empty_product(ada)
    never = await received(ada, product_id, receivedOn="2026-02-01")
    late = await received(ada, product_id, printedDate="2026-04-01")
    instant = await received(ada, product_id, printedDate="2026-03-04T10:00:00+01:00")
    day = await received(ada, product_id, printedDate="2026-03-04")

    order = [lot for lot, _ in await taken(ada, product_id, quantity="4")]

    assert order == [each["id"] for each in (instant, day, late, never)]


async def test_of_equal_dates_the_earliest_received_on_is_taken_first_then_the_lower_id(
    ada: httpx.AsyncClient,
) -> None:
    product_id = await empty_product(ada)
    third = await received(ada, product_id, printedDate="2026-04-01")
    fourth = await received(ada, product_id, printedDate="2026-04-01")
    second = await received(ada, product_id, printedDate="2026-04-01", receivedOn="2026-02-28")
    first = await received(ada, product_id, printedDate="2026-04-01", receivedOn="2026-02-27")

    order = [lot for lot, _ in await taken(ada, product_id, quantity="4")]

    assert order == [each["id"] for each in (first, second, third, fourth)]
    assert third["id"] < fourth["id"]


async def test_a_quantity_is_taken_over_lots_and_a_lot_that_is_taken_from_in_part_is_not_split(
    ada: httpx.AsyncClient,
) -> None:
    product_id = await empty_product(ada)
    first = await received(ada, product_id, printedDate="2026-03-05", quantity="1.5")
    second = await received(ada, product_id, printedDate="2026-03-06", quantity="2")

    found = await taken(ada, product_id, quantity="2.25")

    assert found == [(first["id"], "1.5"), (second["id"], "0.75")]
    left, gone = await lots_of(ada, product_id)
    assert (left["id"], left["quantity"]) == (second["id"], "1.25")
    assert (gone["id"], gone["closedAs"]) == (first["id"], "consumed")


async def test_the_rest_of_a_lot_that_is_opened_in_part_is_a_lot_of_its_own(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, quantity="2")

    part = (await acted(ada, milk.lot_id, "open", quantity="0.5"))["part"]

    assert await taken(ada, milk.product_id, quantity="1") == [
        (part["id"], "0.5"),
        (milk.lot_id, "0.5"),
    ]


@pytest.mark.parametrize("route", ["consume", "discard"])
async def test_without_quantity_all_open_lots_are_taken(ada: httpx.AsyncClient, route: str) -> None:
    product_id = await empty_product(ada)
    lots = {(await received(ada, product_id, quantity=each))["id"]: each for each in "123"}

    answer = await ada.post(f"/api/products/{product_id}/{route}")

    product = answer.json()
    assert {each["lotId"]: each["quantity"] for each in product["movements"]} == lots
    assert (product["lotCount"], product["closedAs"]) == (0, f"{route.removesuffix('e')}ed")


async def test_more_than_all_open_lots_have_is_409_and_nothing_is_taken(
    ada: httpx.AsyncClient,
) -> None:
    product_id = await empty_product(ada)
    for _ in range(2):
        await received(ada, product_id, quantity="1")

    answer = await ada.post(f"/api/products/{product_id}/consume", json={"quantity": "2.000001"})

    assert answer.status_code == HTTPStatus.CONFLICT
    assert [each["quantity"] for each in await lots_of(ada, product_id)] == ["1", "1"]


async def test_a_back_dated_taking_leaves_alone_what_was_received_later(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product_id = await empty_product(ada)
    early = await received(ada, product_id, printedDate="2026-04-01")
    rest.now += timedelta(days=2)
    late = await received(ada, product_id, printedDate="2026-03-05")

    assert await taken(ada, product_id, at="2026-03-03") == [(early["id"], "1")]
    assert await taken(ada, product_id) == [(late["id"], "1")]
