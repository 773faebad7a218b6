"""Section 9, and what section 11 settles about stats, by examples.

covers: useby.api.stats, useby.schemas.stats, useby.actions.stats
"""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from tests.support.alert_times import send_now
from tests.support.factories import NOON
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.rest_app import Rest, added

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def numbers(client: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    answer = await client.get("/api/stats", params=query)
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def group(client: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    (only,) = (await numbers(client, **query))["groups"]
    found: dict[str, Any] = only
    return found


async def use(client: httpx.AsyncClient, product: Any, how: str = "consume", **body: Any) -> Any:
    answer = await client.post(f"/api/products/{product['id']}/{how}", json=body)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return answer.json()


NOTHING = {"lots": 0, "quantities": {}, "money": None}


async def test_the_numbers_of_a_group_have_all_keys(ada: httpx.AsyncClient) -> None:
    await ada.patch("/api/me", json={"currency": "EUR"})
    milk = {"category": "Dairy", "unit": "l", "price": "1.99", "expiryDate": "2026-03-04"}
    for quantity in ("1", "0.5", "2.5"):
        await use(ada, await added(ada, quantity=quantity, **milk))
    poured = await added(ada, quantity="1.5", **milk)
    await use(ada, poured, quantity="0.5")
    await use(ada, poured, "discard")
    lost = {"lots": 1, "quantities": {"l": "1"}, "money": "1.99"}
    assert await numbers(ada) == {
        "currency": "EUR",
        "groups": [
            {
                "key": "Dairy",
                "name": "Dairy",
                "taken": {"lots": 3, "quantities": {"l": "4.5"}, "money": "8.96"},
                "thrownAway": lost,
                "shareThrownAway": None,
                "averageDaysLeft": "2",
                "takenAfterAlert": 0,
            }
        ],
        "mostThrownAway": [{"productId": poured["id"], "name": poured["name"], **lost}],
    }


async def test_a_share_is_given_from_five_lots_on(ada: httpx.AsyncClient) -> None:
    for how in ("consume", "consume", "consume", "discard"):
        await use(ada, await added(ada), how)
    assert (await group(ada))["shareThrownAway"] is None
    await use(ada, await added(ada))
    assert (await group(ada))["shareThrownAway"] == "0.2"
    await use(ada, await added(ada), "discard")
    assert (await group(ada))["shareThrownAway"] == "0.3333"


async def test_money_is_null_where_no_price_is_known_and_the_rest_counts(
    ada: httpx.AsyncClient,
) -> None:
    await use(ada, await added(ada, category="Tap water"))
    await use(ada, await added(ada, category="Tap water", price="0"))
    await use(ada, await added(ada, category="Wine", quantity="2", price="7.255"))
    await use(ada, await added(ada, category="Wine"))
    await use(ada, await added(ada, category="Air"))
    money = {each["key"]: each["taken"]["money"] for each in (await numbers(ada))["groups"]}
    assert money == {"Air": None, "Tap water": "0.00", "Wine": "14.51"}


async def test_an_undone_taking_does_not_count(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="2")
    await use(ada, product, quantity="1")
    closed = await use(ada, product, "discard")
    before = await group(ada)
    assert (before["thrownAway"]["lots"], before["thrownAway"]["quantities"]) == (1, {"": "1"})
    undone = await ada.post(f"/api/movements/{closed['movements'][0]['id']}/undo")
    assert undone.status_code == HTTPStatus.OK
    after = await group(ada)
    assert after["thrownAway"] == NOTHING
    assert (after["taken"]["lots"], after["taken"]["quantities"]) == (0, {"": "1"})
    assert (await numbers(ada))["mostThrownAway"] == []


async def test_days_are_the_callers_own_and_both_ends_belong_to_a_period(rest: Rest) -> None:
    _, ada = await rest.person(time_zone="Pacific/Kiritimati")  # noon in London is 2 a.m. there
    product = await added(ada, quantity="2", expiryDate="2026-03-04")
    await use(ada, product)
    for query in ({"from": "2026-03-03"}, {"to": "2026-03-03"}):
        assert (await group(ada, **query))["averageDaysLeft"] == "1"
    for query in ({"from": "2026-03-04"}, {"to": "2026-03-02"}):
        assert (await numbers(ada, **query))["groups"] == []
    assert (await group(ada, by="week"))["key"] == "2026-W10"
    assert (await group(ada, by="month"))["key"] == "2026-03"


async def test_the_days_left_of_a_time_follow_the_offset_of_its_own_day(
    ada: httpx.AsyncClient,
) -> None:
    # It is 00:30 on April 1st in Berlin, where summer time has begun by then.
    await use(ada, await added(ada, expiryDate="2026-03-31T22:30:00Z"))
    assert (await group(ada))["averageDaysLeft"] == "30"


async def test_a_taking_counts_on_the_day_on_which_it_happened(ada: httpx.AsyncClient) -> None:
    product = await added(ada, receivedOn="2026-01-02", quantity="2")
    await use(ada, product, quantity="1", at="2026-01-02")
    await use(ada, product, at="2026-02-28")
    groups = (await numbers(ada, by="month"))["groups"]
    assert [(each["key"], each["taken"]["lots"]) for each in groups] == [
        ("2026-01", 0),
        ("2026-02", 1),
    ]


async def test_a_product_is_a_group_by_its_id_with_its_name(ada: httpx.AsyncClient) -> None:
    products = [await added(ada, name=name) for name in ("zander", "Apple", "Apple")]
    for product in products:
        await use(ada, product)
    groups = (await numbers(ada, by="product"))["groups"]
    assert [each["name"] for each in groups] == ["Apple", "Apple", "zander"]
    assert {each["key"] for each in groups} == {each["id"] for each in products}


async def test_a_lot_counts_at_its_last_location(ada: httpx.AsyncClient) -> None:
    product = await added(ada, location="Fridge", quantity="2")
    await use(ada, product, quantity="1")
    (lot,) = (await ada.get(f"/api/products/{product['id']}/lots")).json()["items"]
    await ada.post(f"/api/lots/{lot['id']}/move", json={"location": "Cellar"})
    await use(ada, product)
    found = await group(ada, by="location")
    assert (found["key"], found["taken"]["quantities"]) == ("Cellar", {"": "2"})


@pytest.mark.parametrize(
    ("expires", "days_later", "counted"),
    [
        ("2026-03-04", 0, 1),
        ("2026-03-04", 2, 1),
        ("2026-03-04", 3, 0),
        ("2026-03-04T13:00:00Z", 2, 1),
        ("2026-03-04T12:00:00Z", 2, 0),
        ("2026-06-04", 0, 0),
        (None, 0, 0),
    ],
)
async def test_a_lot_is_taken_after_an_alert_until_its_date_is_over(
    rest: Rest, expires: str | None, days_later: int, counted: int
) -> None:
    _, ada = await rest.person()
    before, product = (
        await added(ada, expiryDate=expires),
        await added(ada, expiryDate=expires),
    )
    await use(ada, before)
    rest.now = NOON + timedelta(seconds=1)
    await send_now(rest)
    rest.now = NOON + timedelta(days=days_later, seconds=2 if not days_later else 0)
    await use(ada, product)
    found = await group(ada)
    assert (found["taken"]["lots"], found["takenAfterAlert"]) == (2, counted)


async def test_the_ten_products_with_most_lots_thrown_away_are_listed(
    ada: httpx.AsyncClient,
) -> None:
    for number in range(12):
        product = await added(ada, name=f"P{number:02}")
        await use(ada, product, "discard")
        for _ in range(number % 3):
            lot = await ada.post(f"/api/products/{product['id']}/lots", json={})
            assert lot.status_code == HTTPStatus.CREATED
            await use(ada, product, "discard")
    most = (await numbers(ada))["mostThrownAway"]
    assert [(each["name"], each["lots"]) for each in most] == [
        *(("P02", 3), ("P05", 3), ("P08", 3), ("P11", 3)),
        *(("P01", 2), ("P04", 2), ("P07", 2), ("P10", 2)),
        *(("P00", 1), ("P03", 1)),
    ]


async def test_quantities_are_given_a_unit(ada: httpx.AsyncClient) -> None:
    for unit, quantity in (("kg", "0.1"), ("kg", "0.2"), ("l", "1"), ("", "3")):
        await use(ada, await added(ada, unit=unit, quantity=quantity))
    assert (await group(ada))["taken"]["quantities"] == {"": "3", "kg": "0.3", "l": "1"}


async def test_a_lot_counts_once_when_it_is_closed_by_what_closed_it(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3", price="1.50")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "discard", quantity="1")
    assert (await group(ada))["thrownAway"] == {"lots": 0, "quantities": {"": "1"}, "money": "1.50"}
    await acted(ada, lot["id"], "consume", quantity="1")
    await acted(ada, lot["id"], "consume")
    found = await group(ada)
    assert (found["taken"]["lots"], found["thrownAway"]["lots"]) == (1, 0)
    assert (found["taken"]["money"], found["thrownAway"]["money"]) == ("3.00", "1.50")


async def test_a_part_that_was_split_is_a_lot_of_its_own(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="3")
    (lot,) = await lots_of(ada, product["id"])
    part = (await acted(ada, lot["id"], "open", quantity="1"))["part"]
    await acted(ada, part["id"], "consume")
    await acted(ada, lot["id"], "discard", reason="spoiled")
    found = await group(ada)
    assert (found["taken"]["lots"], found["thrownAway"]["lots"]) == (1, 1)
    assert found["thrownAway"]["quantities"] == {"": "2"}


@pytest.mark.parametrize(
    ("zone", "closed", "day", "week"),
    [
        ("Europe/Berlin", "2026-03-28T22:59:59Z", "2026-03-28", "2026-W13"),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29", "2026-W13"),
        ("Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-29", "2026-W13"),
        ("Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30", "2026-W14"),
        ("America/New_York", "2026-11-01T03:59:59Z", "2026-10-31", "2026-W44"),
        ("America/New_York", "2026-11-02T04:59:59Z", "2026-11-01", "2026-W44"),
        ("Asia/Kathmandu", "2027-01-03T18:15:00Z", "2027-01-04", "2027-W01"),
        ("Asia/Kathmandu", "2027-01-03T18:14:59Z", "2027-01-03", "2026-W53"),
        ("Pacific/Apia", "2026-12-31T10:59:59Z", "2026-12-31", "2026-W53"),
    ],
)
async def test_a_day_of_the_numbers_begins_and_ends_at_midnight_of_the_zone(
    rest: Rest, zone: str, closed: str, day: str, week: str
) -> None:
    rest.now = datetime(2027, 1, 4, 12, tzinfo=UTC)
    _, client = await rest.person(time_zone=zone)
    product = await added(client, receivedOn="2026-01-01")
    await use(client, product, at=closed)
    assert (await group(client, **{"from": day, "to": day}))["taken"]["lots"] == 1
    before = str((datetime.fromisoformat(day) - timedelta(days=1)).date())
    after = str((datetime.fromisoformat(day) + timedelta(days=1)).date())
    assert (await numbers(client, **{"from": after}))["groups"] == []
    assert (await numbers(client, to=before))["groups"] == []
    assert (await group(client, by="week"))["key"] == week
    assert (await group(client, by="month"))["key"] == day[:7]


async def test_spellings_of_a_category_or_a_place_are_one_group(ada: httpx.AsyncClient) -> None:
    for category, place in (("Käse", "Fridge"), ("kase", "fridge"), ("Käse", "Fridge")):
        await use(ada, await added(ada, category=category, location=place))
    assert (await group(ada))["key"] == "Käse"
    assert (await group(ada, by="location"))["key"] == "Fridge"


async def test_the_numbers_are_those_of_the_caller_alone(rest: Rest) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    await use(ada, await added(ada), "discard")
    assert await numbers(bob) == {"currency": None, "groups": [], "mostThrownAway": []}


async def test_a_lot_without_a_date_has_no_days_left(ada: httpx.AsyncClient) -> None:
    product = await added(ada, expiryDate=None)
    await use(ada, product)
    assert (await group(ada))["averageDaysLeft"] is None
    await received(ada, product["id"], printedDate="2026-02-27")
    await use(ada, product)
    assert (await group(ada))["averageDaysLeft"] == "-3"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"from": "2026-03-05", "to": "2026-03-04"}, "from=2026-03-04&to=2026-03-05"),
        ({"from": "soon"}, "e.g. 2099-03-04"),
        ({"to": "2026-W10-1"}, "e.g. 2099-03-04"),
        ({"by": "colour"}, "'category'"),
    ],
)
async def test_a_wrong_parameter_of_the_numbers_is_422_with_an_example(
    ada: httpx.AsyncClient, query: dict[str, str], wanted: str
) -> None:
    answer = await ada.get("/api/stats", params=query)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert wanted in answer.json()["detail"]


async def test_the_numbers_need_a_token(rest: Rest) -> None:
    assert (await rest.client().get("/api/stats")).status_code == HTTPStatus.UNAUTHORIZED


async def test_the_numbers_take_as_many_queries_for_many_lots_as_for_one(
    ada: httpx.AsyncClient,
) -> None:
    ran: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        ran.append(statement)

    found = []
    for lots in (1, 9):
        for _ in range(lots):
            await use(ada, await added(ada, category=f"C{lots}"), "discard")
        ran.clear()
        sa.event.listen(Engine, "before_cursor_execute", note)
        try:
            await numbers(ada, by="product")
        finally:
            sa.event.remove(Engine, "before_cursor_execute", note)
        found.append(len(ran))
    assert found[0] == found[1] > 0
