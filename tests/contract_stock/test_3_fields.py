"""Fields of a lot, on both databases."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, movements_of, received, undone
from tests.support.rest_app import Rest, added
from tests.support.stocked import got, stocked

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("quantity", ["0", "-1", "x", "1e400", "1.0000001", None])
async def test_the_quantity_of_a_lot_is_greater_than_0(
    ada: httpx.AsyncClient, quantity: str | None
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])

    new = await ada.post(f"/api/products/{product['id']}/lots", json={"quantity": quantity})
    changed = await ada.patch(f"/api/lots/{lot['id']}", json={"quantity": quantity})

    for answer in (new, changed):
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert answer.json()["errors"][0]["at"] == "body.quantity"


async def test_a_closed_lot_has_its_last_quantity_and_how_and_when_it_was_closed(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, quantity="3")
    await milk.after("consume", quantity="1")

    await milk.after("discard", at="2026-03-02T10:00:00Z")

    lot = await milk.lot()
    assert (lot["quantity"], lot["closedAs"], lot["status"]) == ("2", "discarded", "discarded")
    assert lot["closedAt"] == "2026-03-02T10:00:00Z"


@pytest.mark.parametrize("date", [None, "2999-12-31", "9999-12-31"])
async def test_printed_date_null_is_never_and_the_two_far_dates_are_read_as_never(
    ada: httpx.AsyncClient, date: str | None
) -> None:
    product = await added(ada, expiryDate="2026-03-20")

    lot = await received(ada, product["id"], printedDate=date)

    assert (lot["printedDate"], lot["expiryDate"], lot["dateSource"]) == (None, None, None)
    assert (lot["status"], lot["daysLeft"]) == ("fresh", None)
    listed = await lots_of(ada, product["id"])
    assert listed[-1]["id"] == lot["id"], "listed last"
    alerts = (await got(ada, f"/api/products/{product['id']}/alerts"))["items"]
    assert lot["id"] not in {each["lotId"] for each in alerts}, "no alert"


async def test_a_date_of_never_can_be_given_and_taken_back_by_a_change(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, shelfLife="P5D")

    await milk.change(printedDate=None)
    assert await milk.date() == ("2026-03-07", "shelfLife"), "what the rule gives"
    await milk.change(printedDate="2026-04")
    assert await milk.date() == ("2026-04-30", "printed")


async def test_received_on_is_the_day_in_the_zone_of_the_household(rest: Rest) -> None:
    rest.now = datetime(2026, 3, 3, 6, tzinfo=UTC)
    _, east = await rest.person(time_zone="Pacific/Kiritimati")
    _, west = await rest.person(time_zone="America/Los_Angeles")

    for client, day in ((east, "2026-03-03"), (west, "2026-03-02")):
        product = await added(client)
        (lot,) = await lots_of(client, product["id"])
        assert lot["receivedOn"] == day
        late = await client.post(
            f"/api/products/{product['id']}/lots", json={"receivedOn": "2026-03-04"}
        )
        assert late.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_every_decimal_is_a_string(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity=2.50, minimumStock=1, price="1.290")
    (lot,) = await lots_of(ada, product["id"])
    movement = (await movements_of(ada, product["id"]))[0]

    assert (product["quantity"], product["minimumStock"]) == ("2.5", "1")
    assert (lot["quantity"], lot["price"], movement["quantity"]) == ("2.5", "1.29", "2.5")


async def test_a_quantity_of_18_digits_is_kept_exactly(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="999999999998.999999")
    await received(ada, product["id"], quantity="0.000001")

    assert (await got(ada, f"/api/products/{product['id']}"))["quantity"] == "999999999999"
    answer = await ada.post(f"/api/products/{product['id']}/lots", json={"quantity": "1"})
    assert answer.status_code == HTTPStatus.CONFLICT, "a product can have no more"


async def test_state_since_is_the_time_of_the_movement_that_gave_the_state(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada)
    milk.at("2026-03-05T12:00:00Z")
    since = [(await milk.lot())["stateSince"]]
    opened = await acted(ada, milk.lot_id, "open", at="2026-03-04T10:00:00Z")
    since.append(opened["stateSince"])
    await milk.after("move", location="Cellar")
    since.append((await milk.lot())["stateSince"])
    await undone(ada, (await movements_of(ada, milk.product_id))[0]["id"])
    await undone(ada, opened["movements"][0]["id"])
    since.append((await milk.lot())["stateSince"])

    received_at, opened_at = "2026-03-02T12:00:00Z", "2026-03-04T10:00:00Z"
    assert since == [received_at, opened_at, opened_at, received_at]


async def test_the_status_and_days_left_of_each_lot_are_its_own(ada: httpx.AsyncClient) -> None:
    product = await added(ada, expiryDate="2026-03-20")
    await received(ada, product["id"], printedDate="2026-03-01")
    await received(ada, product["id"], printedDate="2026-03-02")

    lots = await lots_of(ada, product["id"])

    assert [(each["status"], each["daysLeft"]) for each in lots] == [
        ("expired", -1),
        ("expiring", 0),
        ("fresh", 18),
    ]


@pytest.mark.parametrize(
    "change", [{"quantity": "9"}, {"location": "Attic"}, {"printedDate": "2027-01-01"}]
)
async def test_a_change_of_a_lot_that_is_closed_is_409(
    rest: Rest, ada: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    milk = await stocked(rest, ada)
    await received(ada, milk.product_id)
    await milk.after("consume")
    before = await milk.lot()

    answer = await ada.patch(f"/api/lots/{milk.lot_id}", json=change)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert await milk.lot() == before


async def test_the_undo_of_a_typed_date_gives_the_date_before(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, afterOpening="P3D")
    await milk.after("open")
    typed = await milk.change(expiryDate="2026-03-25")

    await undone(ada, typed["movements"][0]["id"])

    assert await milk.date() == ("2026-03-05", "opened")
