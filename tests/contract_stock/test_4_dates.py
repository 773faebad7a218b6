"""The date that counts, in the order of its rules, on both databases."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, movements_of, undone
from tests.support.rest_app import Rest
from tests.support.stocked import stocked

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEVER = (None, None)


async def test_a_sealed_lot_has_the_printed_date(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada, shelfLife="P5D")

    assert await milk.date() == ("2026-03-20", "printed")


async def test_a_sealed_lot_without_a_printed_date_has_received_on_plus_shelf_life(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    for life, day in (("P5D", "2026-03-06"), ("P2W", "2026-03-15")):
        milk = await stocked(rest, ada, expiryDate=None, shelfLife=life, receivedOn="2026-03-01")
        assert await milk.date() == (day, "shelfLife")


async def test_a_sealed_lot_without_a_printed_date_and_that_rule_has_none(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, expiryDate=None)

    assert await milk.date() == NEVER


@pytest.mark.parametrize("life", ["PT8H", "PT24H", "P1DT1H", "5", "P1M", "P-1D"])
async def test_a_shelf_life_that_is_no_whole_days_is_refused(
    ada: httpx.AsyncClient, life: str
) -> None:
    answer = await ada.post("/api/products", json={"name": "Milk", "shelfLife": life})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "e.g. P" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("rule", "printed", "date"),
    [
        ("P5D", "2026-03-20", ("2026-03-07", "opened")),
        ("P5D", "2026-03-05", ("2026-03-05", "printed")),
        ("P5D", "2026-03-07", ("2026-03-07", "printed")),
        ("P30D", "2026-03-20", ("2026-03-20", "printed")),
        ("P5D", None, ("2026-03-07", "opened")),
        ("PT8H", "2026-03-20", ("2026-03-02T21:00:00+01:00", "opened")),
        (None, "2026-03-20", ("2026-03-20", "printed")),
        (None, None, NEVER),
    ],
)
async def test_opened_at_t_a_lot_has_the_earlier_of_the_date_so_far_and_t_plus_after_opening(
    rest: Rest,
    ada: httpx.AsyncClient,
    rule: str | None,
    printed: str | None,
    date: tuple[str | None, str | None],
) -> None:
    milk = await stocked(rest, ada, expiryDate=printed, afterOpening=rule)

    assert await milk.after("open") == date


async def test_a_day_compared_with_an_instant_ends_at_its_end(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    day = await stocked(rest, ada, expiryDate="2026-03-02", afterOpening="PT8H")
    midnight = await stocked(rest, ada, expiryDate="2026-03-02", afterOpening="PT11H")
    later = await stocked(rest, ada, expiryDate="2026-03-02", afterOpening="PT12H")

    assert await day.after("open") == ("2026-03-02T21:00:00+01:00", "opened")
    assert await midnight.after("open") == ("2026-03-02", "printed"), "the two ends are equal"
    assert await later.after("open") == ("2026-03-02", "printed")


@pytest.mark.parametrize("rule", ["P1D", "P90D"])
async def test_frozen_at_t_a_lot_has_t_plus_after_freezing_earlier_or_later_than_before(
    rest: Rest, ada: httpx.AsyncClient, rule: str
) -> None:
    milk = await stocked(rest, ada, afterFreezing=rule)

    date = {"P1D": "2026-03-03", "P90D": "2026-05-31"}[rule]
    assert await milk.after("freeze") == (date, "frozen")


async def test_without_after_freezing_time_stands_still_and_there_is_no_date_while_frozen(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, expiryDate="2026-03-03")

    assert await milk.after("freeze") == NEVER
    milk.at("2026-12-01T12:00:00Z")
    lot = await milk.lot()
    assert (lot["state"], lot["status"], lot["daysLeft"]) == ("frozen", "fresh", None)
    assert lot["printedDate"] == "2026-03-03"


async def test_thawed_at_t_a_lot_has_t_plus_after_thawing(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, afterThawing="P1D", afterFreezing="P90D")
    await milk.after("freeze")
    milk.at("2026-04-10T12:00:00Z")

    assert await milk.after("thaw") == ("2026-04-11", "thawed")


async def test_thawed_at_t_a_lot_has_what_was_left_at_freezing_from_t_on(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada)
    ruled = await stocked(rest, ada, afterFreezing="P90D")
    never = await stocked(rest, ada, expiryDate=None)
    for each in (milk, ruled, never):
        await each.after("freeze")
    milk.at("2026-04-10T12:00:00Z")

    assert await milk.after("thaw") == ("2026-04-28", "thawed"), "18 days were left"
    assert await ruled.after("thaw") == ("2026-04-28", "thawed"), "whatever after freezing is"
    assert await never.after("thaw") == NEVER


async def test_the_time_left_at_freezing_is_calendar_days_for_a_day_and_exact_for_an_instant(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    day = await stocked(rest, ada, expiryDate="2026-03-04")
    instant = await stocked(rest, ada, expiryDate="2026-03-04T13:30:00+01:00")
    for each in (day, instant):
        await each.after("freeze", at="2026-03-02T11:00:00Z")
    day.at("2026-04-10T21:59:00Z")  # a minute before midnight in Berlin, in summer time

    assert await day.after("thaw") == ("2026-04-12", "thawed")
    assert await instant.after("thaw") == ("2026-04-13T01:29:00+02:00", "thawed"), "49.5 hours"


@pytest.mark.parametrize(
    ("action", "date"),
    [
        ("open", ("2026-03-07", "opened")),
        ("freeze", ("2026-06-03", "frozen")),
    ],
)
async def test_a_typed_date_wins_until_the_next_opening_or_freezing(
    rest: Rest, ada: httpx.AsyncClient, action: str, date: tuple[str, str]
) -> None:
    milk = await stocked(rest, ada, afterOpening="P3D", afterFreezing="P91D", afterThawing="P1D")
    await milk.after("freeze")
    await milk.after("thaw")
    typed = await milk.change(expiryDate="2026-12-24")
    assert (typed["expiryDate"], typed["dateSource"]) == ("2026-12-24", "typed")
    milk.at("2026-03-04T12:00:00Z")

    assert await milk.after(action) == date


async def test_a_typed_date_wins_until_the_next_thawing(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada, afterThawing="P1D")
    await milk.after("freeze")
    await milk.change(expiryDate="2026-12-24")
    assert await milk.date() == ("2026-12-24", "typed")

    assert await milk.after("thaw") == ("2026-03-03", "thawed")


async def test_a_typed_date_may_be_later_than_after_opening_and_may_be_never(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, afterOpening="P3D")
    await milk.after("open")

    await milk.change(expiryDate="2026-03-25")
    assert await milk.date() == ("2026-03-25", "typed")
    await milk.change(expiryDate=None)
    assert await milk.date() == NEVER
    await milk.change(expiryDate="2999-12-31")
    assert await milk.date() == NEVER


@pytest.mark.parametrize(
    ("rule", "date"),
    [
        ("P1D", "2026-03-29"),
        ("PT24H", "2026-03-29T13:00:00+02:00"),
        ("PT12H", "2026-03-29T00:00:00+01:00"),
        ("PT14H", "2026-03-29T03:00:00+02:00"),
    ],
)
async def test_days_are_calendar_days_and_hours_are_elapsed_time_as_summer_time_begins(
    rest: Rest, ada: httpx.AsyncClient, rule: str, date: str
) -> None:
    milk = await stocked(rest, ada, expiryDate="2026-04-20", afterOpening=rule)
    milk.at("2026-03-28T11:00:00Z")

    assert await milk.after("open") == (date, "opened")


async def test_hours_of_every_rule_give_an_instant_across_the_end_of_summer_time(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    rules = {"afterFreezing": "PT48H", "afterThawing": "PT6H", "afterOpening": "PT3H"}
    milk = await stocked(rest, ada, expiryDate="2026-11-30", **rules)
    milk.at("2026-10-25T00:30:00Z")  # half past two, half an hour before the clock is set back

    assert await milk.after("freeze") == ("2026-10-27T01:30:00+01:00", "frozen")
    assert await milk.after("thaw") == ("2026-10-25T07:30:00+01:00", "thawed")
    assert await milk.after("open") == ("2026-10-25T04:30:00+01:00", "opened")


async def test_days_count_in_the_zone_of_the_household(rest: Rest, ada: httpx.AsyncClient) -> None:
    _, bob = await rest.person(time_zone="Pacific/Kiritimati")
    here = await stocked(rest, ada, afterOpening="P1D")
    there = await stocked(rest, bob, afterOpening="P1D")

    assert await here.after("open") == ("2026-03-03", "opened")
    assert await there.after("open") == ("2026-03-04", "opened"), "it is the third already"


async def test_freezing_a_use_by_lot_whose_date_is_over_is_409_and_a_best_before_lot_is_frozen(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    safety = await stocked(rest, ada, expiryDate="2026-03-03", dateKind="use_by")
    taste = await stocked(rest, ada, expiryDate="2026-03-03", dateKind="best_before")
    safety.at("2026-03-03T23:00:00Z")  # midnight in Berlin

    words = await safety.refused("freeze", HTTPStatus.CONFLICT)

    assert "use-by date 2026-03-03 is over" in words
    assert await taste.after("freeze") == NEVER


async def test_a_use_by_lot_is_frozen_until_the_end_of_its_date(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, expiryDate="2026-03-03", dateKind="use_by")
    milk.at("2026-03-03T22:59:59Z")

    assert await milk.after("freeze") == NEVER
    milk.at("2026-05-01T12:00:00Z")
    assert await milk.after("thaw") == ("2026-05-01", "thawed"), "no day was left"


async def test_over_in_the_freezing_rule_is_judged_at_the_time_of_freezing(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, expiryDate="2026-03-03", dateKind="use_by")
    milk.at("2026-03-10T12:00:00Z")

    await milk.refused("freeze", HTTPStatus.CONFLICT, at="2026-03-04")
    assert await milk.after("freeze", at="2026-03-03") == NEVER
    assert await milk.after("thaw") == ("2026-03-10", "thawed")


async def test_the_use_by_date_of_the_freezing_rule_is_the_date_that_counts(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, dateKind="use_by", afterOpening="P1D")
    await milk.after("open")
    milk.at("2026-03-04T12:00:00Z")

    assert "2026-03-03 is over" in await milk.refused("freeze", HTTPStatus.CONFLICT)


async def test_undoing_comes_right_by_computing_the_date_again(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, afterOpening="P3D", afterFreezing="P90D")
    dates = [await milk.date()]
    for action in ("open", "freeze", "thaw", "open"):
        dates.append(await milk.after(action))
    movements = (await movements_of(ada, milk.product_id))[:4]

    for movement in movements:
        assert await milk.date() == dates.pop()
        await undone(ada, movement["id"])
    assert [await milk.date()] == dates


async def test_back_dating_comes_right(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada, afterOpening="P3D")
    milk.at("2026-03-10T12:00:00Z")

    assert await milk.after("open", at="2026-03-04") == ("2026-03-07", "opened")
    lot = await milk.lot()
    assert (lot["status"], lot["daysLeft"]) == ("expired", -3)
    assert lot["stateSince"] == "2026-03-04T11:00:00Z"


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("afterOpening", "2026-03-05", "2026-03-03"),
        ("afterFreezing", "2026-03-05", "2026-03-03"),
        ("afterThawing", "2026-03-05", "2026-03-03"),
        ("shelfLife", "2026-03-05", "2026-03-03"),
    ],
)
async def test_a_changed_rule_comes_right(
    rest: Rest, ada: httpx.AsyncClient, rule: str, before: str, after: str
) -> None:
    actions = {
        "afterOpening": ["open"],
        "afterFreezing": ["freeze"],
        "afterThawing": ["freeze", "thaw"],
        "shelfLife": [],
    }
    printed = None if rule == "shelfLife" else "2026-03-20"
    milk = await stocked(rest, ada, expiryDate=printed, **{rule: "P3D"})
    for action in actions[rule]:
        await acted(ada, milk.lot_id, action)
    assert (await milk.date())[0] == before

    await milk.rules(**{rule: "P1D"})

    assert (await milk.date())[0] == after
    assert (await milk.product())["expiryDate"] == after


async def test_a_removed_rule_comes_right(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada, afterOpening="P3D")
    await milk.after("open")

    await milk.rules(afterOpening=None)

    assert await milk.date() == ("2026-03-20", "printed")


async def test_a_part_that_is_opened_has_a_date_of_its_own(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, quantity="3", afterOpening="P3D")

    split = await acted(ada, milk.lot_id, "open", quantity="1")

    part: dict[str, Any] = split["part"]
    assert (part["expiryDate"], part["dateSource"]) == ("2026-03-05", "opened")
    assert await milk.date() == ("2026-03-20", "printed")
