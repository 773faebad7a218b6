"""Fields of a product, and products as if they had one lot, on both databases."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, movements_of, received
from tests.support.rest_app import Rest, added
from tests.support.stocked import got, stocked

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = {
    "shelfLife": "P5D",
    "afterOpening": "PT8H",
    "afterFreezing": "P2W",
    "afterThawing": "P1D",
}
FIELDS: dict[str, Any] = {
    "name": "Organic Milk",
    "category": "Dairy",
    "barcodes": ["4012345678901", "PZN-1"],
    "unit": "l",
    "notes": "On the left",
    "dateKind": "use_by",
    "externalId": "fridge-17",
    "minimumStock": "1.5",
    **RULES,
}


async def test_a_product_has_the_fields_that_it_is_given(ada: httpx.AsyncClient) -> None:
    product = await added(ada, **FIELDS)

    found = await got(ada, f"/api/products/{product['id']}")
    assert {name: found[name] for name in FIELDS} == FIELDS
    assert found["barcode"] == "4012345678901", "the first of the barcodes"


async def test_a_product_needs_a_name_alone(ada: httpx.AsyncClient) -> None:
    answer = await ada.post("/api/products", json={"name": "Salt"})

    product = answer.json()
    assert answer.status_code == HTTPStatus.CREATED
    assert {product[name] for name in (*RULES, "minimumStock", "externalId")} == {None}
    assert (product["quantity"], product["lotCount"], product["barcodes"]) == ("1", 1, [])
    assert (product["expiryDate"], product["dateKind"]) == (None, "best_before")


@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_is_a_duration_in_whole_days_or_hours(
    ada: httpx.AsyncClient, rule: str
) -> None:
    for value in ("P1Y", "P1M", "5D", "P-5D", "P1.5D", "P1DT8H", "PT30M", "", 5):
        answer = await ada.post("/api/products", json={"name": "Milk", rule: value})

        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, value
        (error,) = answer.json()["errors"]
        assert error["at"] == f"body.{rule}"
        assert "e.g. P" in error["message"]


@pytest.mark.parametrize(("value", "shown"), [("0", "0"), ("2.50", "2.5"), (3, "3"), (None, None)])
async def test_minimum_stock_is_a_decimal_or_null(
    ada: httpx.AsyncClient, value: Any, shown: str | None
) -> None:
    product = await added(ada, minimumStock=value)

    assert product["minimumStock"] == shown


async def test_the_quantity_of_a_product_is_that_of_all_open_lots(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="0.1")
    await received(ada, product["id"], quantity="0.2")
    gone = await received(ada, product["id"], quantity="5")
    await acted(ada, gone["id"], "consume")

    found = await got(ada, f"/api/products/{product['id']}")

    assert (found["quantity"], found["lotCount"]) == ("0.3", 2)


async def test_the_date_of_a_product_is_that_of_the_lot_that_is_taken_next(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20", leadDays=[3])
    soon = await received(ada, product["id"], printedDate="2026-03-04", location="Cellar")
    path = f"/api/products/{product['id']}"
    first = await got(ada, path)
    (late,) = (each for each in await lots_of(ada, product["id"]) if each["id"] != soon["id"])

    await acted(ada, late["id"], "open")
    second = await got(ada, path)

    assert (first["expiryDate"], first["daysLeft"], first["status"]) == (
        "2026-03-04",
        2,
        "expiring",
    )
    assert (second["expiryDate"], second["daysLeft"], second["status"]) == (
        "2026-03-20",
        18,
        "fresh",
    )


async def test_lots_are_in_the_answer_with_include_lots(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"

    assert (await got(ada, path, include="lots"))["lots"] == await lots_of(ada, product["id"])
    assert "lots" not in await got(ada, path)


async def test_a_change_of_the_quantity_of_a_product_is_a_correction_of_its_only_lot(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="2")
    path = f"/api/products/{product['id']}"

    for quantity in ("5", "1.5"):
        await ada.patch(path, json={"quantity": quantity})

    kinds = [(each["kind"], each["quantity"]) for each in await movements_of(ada, product["id"])]
    assert kinds == [("corrected", "3.5"), ("corrected", "3"), ("received", "2")]
    assert (await got(ada, path))["quantity"] == "1.5"


async def test_a_change_that_repeats_what_is_there_is_none_with_several_lots_too(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="2", location="Fridge")
    await received(ada, product["id"], printedDate="2026-09-01")
    path = f"/api/products/{product['id']}"
    now = await got(ada, path)
    same = {name: now[name] for name in ("expiryDate", "quantity", "location")}

    answer = await ada.patch(path, json=same | {"notes": "x"})

    assert answer.status_code == HTTPStatus.OK, answer.text
    assert len(await movements_of(ada, product["id"])) == 2


async def test_a_change_of_one_open_lot_is_possible_beside_closed_ones(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    gone = await received(ada, product["id"], printedDate="2026-03-03")
    await acted(ada, gone["id"], "discard")

    answer = await ada.patch(f"/api/products/{product['id']}", json={"quantity": "7"})

    assert (answer.json()["quantity"], answer.json()["lotCount"]) == ("7", 1)


@pytest.mark.parametrize("change", [{"expiryDate": "2027-01-01"}, {"quantity": "3"}])
async def test_a_date_or_quantity_is_not_silently_put_on_a_closed_lot(
    rest: Rest, ada: httpx.AsyncClient, change: dict[str, str]
) -> None:
    milk = await stocked(rest, ada)
    await milk.after("consume")
    before = await milk.product()

    answer = await ada.patch(f"/api/products/{milk.product_id}", json=change)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert await milk.product() == before


async def test_a_product_with_no_open_lot_has_the_fields_of_the_lot_closed_last(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, location="Fridge", quantity="2")
    other = await received(ada, milk.product_id, printedDate="2026-03-04", quantity="3")
    await acted(ada, other["id"], "consume")
    rest.now += timedelta(hours=1)
    await acted(ada, milk.lot_id, "consume")

    product = await milk.product()

    assert (product["quantity"], product["expiryDate"], product["daysLeft"]) == (
        "2",
        "2026-03-20",
        18,
    )
    assert (product["location"], product["status"]) == ("Fridge", "consumed")


async def test_reopen_undoes_the_last_closing(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada, quantity="2")
    other = await received(ada, milk.product_id, printedDate="2026-03-04", quantity="3")
    await acted(ada, other["id"], "consume")
    rest.now += timedelta(hours=1)
    await acted(ada, milk.lot_id, "discard")

    answer = await ada.post(f"/api/products/{milk.product_id}/reopen")

    product = answer.json()
    assert (product["quantity"], product["lotCount"], product["closedAs"]) == ("2", 1, None)
    newest = (await movements_of(ada, milk.product_id))[0]
    assert (newest["kind"], newest["lotId"]) == ("undone", milk.lot_id)


async def test_reopen_leaves_an_earlier_taking_of_the_same_moment(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, quantity="3")
    await milk.after("consume", quantity="1")
    await milk.after("consume")

    answer = await ada.post(f"/api/products/{milk.product_id}/reopen")

    assert answer.json()["quantity"] == "2"


@pytest.mark.parametrize("date", [None, "2999-12-31", "9999-12-31", ...])
async def test_an_expiry_date_that_is_null_or_absent_means_never(
    ada: httpx.AsyncClient, date: Any
) -> None:
    given = {} if date is ... else {"expiryDate": date}
    answer = await ada.post("/api/products", json={"name": "Salt"} | given)

    (lot,) = await lots_of(ada, answer.json()["id"])
    assert (lot["expiryDate"], lot["printedDate"], lot["dateSource"]) == (None, None, None)
    assert (lot["status"], lot["daysLeft"]) == ("fresh", None)


async def test_an_expiry_date_that_is_null_or_absent_means_shelf_life_if_there_is_one(
    ada: httpx.AsyncClient,
) -> None:
    for given in ({"expiryDate": None}, {}):
        values = {"name": "Bread", "shelfLife": "P5D"} | given
        product = (await ada.post("/api/products", json=values)).json()
        assert product["expiryDate"] == "2026-03-07"
