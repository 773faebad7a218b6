"""Open lots by their dates over REST, on both databases.

covers: useby.store.lots_by_date, useby.schemas.lots_by_date, useby.api.compression
"""

import base64
import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.databases import database_url, on_sqlite
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.query_plans import plans_of
from tests.support.rest_app import Rest, added

from useby.domain.lot import Lot
from useby.domain.product import Product
from useby.domain.urgency import Urgency
from useby.store import lots_by_date
from useby.store.cursor import Page, encode
from useby.store.database import Transaction

__all__ = ["database_url"]

TODAY = "2026-03-02"
"""The day of the fixtures' noon, in their zone."""
GROUPS: dict[str, list[str | None]] = {
    "expired": ["2020-01-01", "2026-03-01", "2026-03-02T12:00:00Z"],
    "today": [TODAY, "2026-03-02T22:59:59Z"],
    "next3Days": ["2026-03-03", "2026-03-02T23:00:00Z", "2026-03-05"],
    "next7Days": ["2026-03-06", "2026-03-05T23:00:00Z", "2026-03-09"],
    "later": ["2026-03-10", "2026-03-09T23:00:00Z", "2999-01-01"],
    "never": [None, "2999-12-31"],
}


async def listed(ada: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await ada.get("/api/lots", params=query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        page = answer.json()
        found += page["items"]
        assert len(page["items"]) <= int(query.get("limit", 50))
        if page["nextCursor"] is None:
            return found
        query["cursor"] = page["nextCursor"]


async def counts(ada: httpx.AsyncClient) -> dict[str, int]:
    answer = await ada.get("/api/lots/counts")
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, int] = answer.json()
    return found


async def stocked(ada: httpx.AsyncClient, dates: Sequence[str | None]) -> list[str]:
    """Add a product with a lot for each date; return the ids of the lots."""
    made = []
    for number, date in enumerate(dates):
        product = await added(ada, name=f"P{number}", expiryDate=date)
        made.append((await lots_of(ada, product["id"]))[0]["id"])
    return made


async def test_each_group_lists_its_lots_and_the_counts_agree(ada: httpx.AsyncClient) -> None:
    assert set((await counts(ada)).values()) == {0}
    ids = {urgency: await stocked(ada, dates) for urgency, dates in GROUPS.items()}

    for urgency, wanted in ids.items():
        assert {each["id"] for each in await listed(ada, urgency=urgency)} == set(wanted), urgency
    assert await counts(ada) == {urgency: len(wanted) for urgency, wanted in ids.items()}


async def test_open_lots_are_listed_by_date_and_undated_ones_last(
    ada: httpx.AsyncClient,
) -> None:
    dates = ["2026-03-09T23:00:00Z", None, "2026-03-10", "2026-03-09", "2026-03-10T08:00:00Z"]
    ids = await stocked(ada, dates)

    found = [each["id"] for each in await listed(ada)]

    assert found == [ids[each] for each in (0, 3, 4, 2, 1)] or found == [
        ids[each] for each in (3, 0, 4, 2, 1)
    ], "the end of a day and the first moment of the next are one moment"


async def test_a_listed_lot_is_the_lot_as_it_is_answered_alone_with_its_product(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, category="Dairy", unit="l", dateKind="use_by")
    (lot,) = await lots_of(ada, product["id"])
    await received(ada, product["id"], printedDate="2026-09-01")

    first, _ = await listed(ada)

    assert first.pop("product") == {
        "id": product["id"],
        "name": product["name"],
        "category": "Dairy",
        "unit": "l",
        "dateKind": "use_by",
        "lotCount": 2,
    }
    assert first == lot


async def test_a_long_list_is_compressed_for_a_client_that_accepts_gzip(
    ada: httpx.AsyncClient,
) -> None:
    items = [{"name": f"Box {number}", "expiryDate": None} for number in range(50)]
    (await ada.post("/api/products/batch", json={"items": items})).raise_for_status()

    plain = await ada.get("/api/lots", headers={"Accept-Encoding": "identity"})
    small = await ada.get("/api/lots", headers={"Accept-Encoding": "gzip"})
    short = await ada.get("/api/lots/counts", headers={"Accept-Encoding": "gzip"})

    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content, "the client decodes it"
    assert int(small.headers["content-length"]) * 5 < int(plain.headers["content-length"])
    for answer in (plain, short):
        assert "content-encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["vary"]


async def test_lots_of_one_date_are_listed_in_the_order_in_which_they_are_taken(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20")
    (sealed,) = await lots_of(ada, product["id"])
    older = await received(ada, product["id"], printedDate="2026-03-20", receivedOn="2026-02-01")
    opened = await received(ada, product["id"], printedDate="2026-03-20")
    frozen = await received(ada, product["id"])
    never = await received(ada, product["id"])
    await acted(ada, opened["id"], "open")
    await acted(ada, frozen["id"], "freeze")

    found = [each["id"] for each in await listed(ada)]

    assert found == [each["id"] for each in (opened, older, sealed, never, frozen)]


async def test_a_frozen_lot_without_a_date_counts_as_never_and_a_closed_one_not_at_all(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20", quantity="3")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "freeze")
    gone = await received(ada, product["id"], printedDate="2026-03-03")
    await acted(ada, gone["id"], "consume")

    assert [each["id"] for each in await listed(ada)] == [lot["id"]]
    assert await counts(ada) == dict.fromkeys(GROUPS, 0) | {"never": 1}


async def test_pages_of_any_size_together_are_the_list(ada: httpx.AsyncClient) -> None:
    dates = [date for dates in GROUPS.values() for date in dates]
    await stocked(ada, [*dates, *dates])
    whole = [each["id"] for each in await listed(ada)]
    assert len(whole) == len(set(whole)) == 2 * len(dates)

    for limit in (1, 2, 3, 7):
        assert [each["id"] for each in await listed(ada, limit=limit)] == whole
    for urgency in GROUPS:
        at_once = [each["id"] for each in await listed(ada, urgency=urgency)]
        assert [each["id"] for each in await listed(ada, urgency=urgency, limit=1)] == at_once
        assert at_once == [each for each in whole if each in at_once], urgency


async def test_days_are_counted_in_the_households_zone(rest: Rest) -> None:
    _, tokyo = await rest.person(time_zone="Asia/Tokyo")
    await stocked(tokyo, ["2026-03-02", "2026-03-03"])
    rest.now = rest.now.replace(hour=15)  # midnight in Tokyo

    found = await counts(tokyo)

    assert (found["expired"], found["today"]) == (1, 1)


async def test_lots_are_counted_by_the_week_of_their_date(ada: httpx.AsyncClient) -> None:
    await stocked(ada, [date for dates in GROUPS.values() for date in dates])
    await stocked(ada, ["2026-03-08", "2026-03-15T22:59:59Z", "2026-03-15T23:00:00Z"])

    answer = await ada.get("/api/lots/counts/weeks", params={"weeks": "3"})

    assert answer.json()["items"] == [
        {"monday": "2026-03-02", "lots": 8},  # Monday is today
        {"monday": "2026-03-09", "lots": 4},
        {"monday": "2026-03-16", "lots": 1},
    ]
    default = (await ada.get("/api/lots/counts/weeks")).json()["items"]
    assert (len(default), default[7]) == (8, {"monday": "2026-04-20", "lots": 0})


async def test_the_present_week_is_counted_from_today_in_the_households_zone(rest: Rest) -> None:
    _, tokyo = await rest.person(time_zone="Asia/Tokyo")
    rest.now = rest.now.replace(day=7, hour=15)  # Sunday begins in Tokyo
    await stocked(tokyo, ["2026-03-07", "2026-03-08", "2026-03-09", "2026-03-07T15:00:00Z"])

    answer = await tokyo.get("/api/lots/counts/weeks", params={"weeks": "2"})

    assert answer.json()["items"] == [
        {"monday": "2026-03-02", "lots": 1},
        {"monday": "2026-03-09", "lots": 1},
    ]


@pytest.mark.parametrize("weeks", ["0", "27", "many"])
async def test_a_number_of_weeks_that_is_not_possible_is_refused(
    ada: httpx.AsyncClient, weeks: str
) -> None:
    answer = await ada.get("/api/lots/counts/weeks", params={"weeks": weeks})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "weeks" in answer.json()["errors"][0]["at"]


def forged(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        forged("openLots", "2026-03-02T00:00:00.000000Z", 0, "2026-03-02"),
        forged("expiryDate", "2026-03-02T00:00:00.000000Z", 0, "2026-03-02", "id"),
        forged("openLots", "0001-01-01T00:00:00.000000Z", 0, "2026-03-02", "id"),
        forged("openLots", "9999-12-31T00:00:00.000000Z", 0, "2026-03-02", "id"),
        forged("openLots", "2026-03-02T00:00:00.000000Z", 2**63, "2026-03-02", "id"),
        forged("openLots", "2026-03-02T00:00:00.000000Z", True, "2026-03-02", "id"),
        forged("openLots", "2026-03-02T00:00:00.000000Z", 0, "yesterday", "id"),
        forged("openLots", "2026-03-02T00:00:00.000000Z", 0, "2026-03-02", "\0"),
        forged("openLots", "2026-03-02T00:00:00.000000Z", 0, "2026-03-02", "\ud800"),
    ],
)
async def test_a_cursor_of_no_list_of_lots_is_refused(ada: httpx.AsyncClient, cursor: str) -> None:
    answer = await ada.get("/api/lots", params={"cursor": cursor})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    assert "cursor" in answer.json()["detail"]


@pytest.mark.parametrize("query", [{"urgency": "soon"}, {"limit": "0"}, {"limit": "501"}])
async def test_a_query_that_is_not_possible_is_refused_with_an_example(
    ada: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await ada.get("/api/lots", params=query)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    assert next(iter(query)) in answer.json()["errors"][0]["at"]


@on_sqlite
async def test_every_list_and_count_is_read_in_the_order_of_one_index(rest: Rest) -> None:
    user, _ = await rest.person()
    pages: list[Page[tuple[Product, Lot]]] = []

    def every_list(transaction: Transaction) -> None:
        cursor = encode("openLots", ("2026-03-02T23:00:00.000000Z", 0, "2026-03-02", "id"))
        lots_by_date.counts(transaction.connection, user, rest.now)
        lots_by_date.weekly(transaction.connection, user, rest.now, 8)
        for urgency in (None, *Urgency):
            for after in (None, cursor):
                pages.append(
                    lots_by_date.page(
                        transaction.connection, user, urgency, rest.now, cursor=after, limit=50
                    )
                )

    plans = await plans_of(rest.database, every_list)

    assert len(plans) == 2 + len(pages)
    for plan in plans:
        lines = [line for line in plan.lines if re.search(r"\blots\b", line)]
        assert lines
        assert all("ix_lots_open (household_id=?" in line for line in lines), plan.lines
        assert not [line for line in plan.lines if "TEMP B-TREE" in line], plan.lines
