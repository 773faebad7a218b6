"""Alerts of a digest's severities are sent only inside the digest."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.contract_people.conftest import EIGHT, Person, frame
from tests.contract_people.test_2_quiet_hours import NIGHT, product, set_clock, z
from tests.support.in_process_node import InProcessNode
from tests.support.policies_over_rest import alerts_of
from tests.support.time_limits import HANG_TIMEOUT

DAILY = {"every": "day", "at": "18:00"}
SIX = EIGHT.replace(hour=18)
PLAIN_KEYS = ["id", "message", "type", "productName", "created_at"]


async def events(ada: Person, count: int) -> list[tuple[str, str, str]]:
    """All notifications but those of adding, once there are so many and nothing else is due."""
    found = [each for each in await ada.has_notified(count) if each["event"] != "added"]
    return [(each["event"], each["message"], each["created_at"]) for each in found]


async def test_alerts_of_its_severities_are_sent_only_inside_the_digest(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(digest=DAILY)
    milk, _ = await ada.added(product("Milk", 2), product("Ham", -2))
    assert await events(ada, 2) == [("expired", "Ham expired 2 days ago", z(EIGHT))]
    (listed, *_) = await alerts_of(ada.http, {"id": milk})
    assert (listed["at"], listed["deliveredAt"]) == (z(EIGHT.replace(hour=9)), z(SIX))

    await set_clock(house, SIX - timedelta(seconds=1))
    assert len(await events(ada, 2)) == 1
    async with ada.connected() as plain, ada.connected(extended=True) as extended:
        async with asyncio.timeout(HANG_TIMEOUT):
            await set_clock(house, SIX)
            for _ in range(2):
                await frame(plain)
                await frame(extended)
            shown, pushed = await frame(plain), await frame(extended)

    assert (await events(ada, 3))[1:] == [
        ("digest", "1 product needs attention: Milk expires in 2 days", z(SIX))
    ]
    digest = (await ada.notified())[-1]
    assert (list(shown), shown["type"], shown["productName"]) == (PLAIN_KEYS, "warning", "")
    items = (await ada.items(digest["id"]))["items"]
    assert [each["productId"] for each in items] == [milk]
    assert (pushed["event"], pushed["items"]) == ("digest", items)


async def test_there_is_no_digest_when_there_is_nothing(ada: Person, house: InProcessNode) -> None:
    await ada.changed(digest=DAILY)
    await ada.added(product("Milk", 50))
    await set_clock(house, SIX)
    assert await events(ada, 1) == []


async def test_reading_the_digest_reads_all_and_closing_its_lots_reads_it(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(digest=DAILY)
    ids = await ada.added(product("Milk", 2), product("Eggs", 1))
    await set_clock(house, SIX)
    digest = (await ada.has_notified(2))[-1]
    assert digest["event"] == "digest"
    await ada.http.post(f"/api/products/{ids[0]}/consume", json={})
    assert (await ada.notified())[1]["readAt"] is None
    await ada.http.post(f"/api/notifications/{digest['id']}/read")
    assert (await ada.notified())[1]["readAt"] is not None
    await set_clock(house, SIX + timedelta(hours=1))
    assert [each["event"] for each in await ada.has_notified(3)] == ["added", "digest", "consumed"]


async def test_a_digest_whose_hour_lies_in_quiet_hours_comes_at_their_end(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(digest={"every": "day", "at": "23:00"}, quietHours=[NIGHT])
    await ada.added(product("Milk", 2))
    await set_clock(house, EIGHT.replace(hour=23))
    assert await events(ada, 1) == []
    morning = EIGHT.replace(hour=7) + timedelta(days=1)
    await set_clock(house, morning)
    assert await events(ada, 2) == [
        ("digest", "1 product needs attention: Milk expires tomorrow", z(morning))
    ]


async def test_a_digest_of_very_many_products_is_one_notification(
    ada: Person, house: InProcessNode
) -> None:
    """The scheduler claims a hundred products at a time."""
    await ada.changed(digest=DAILY)
    await ada.added(*(product(f"Tin {number:03}", 2) for number in range(230)))
    await set_clock(house, SIX)
    ((event, message, _),) = await events(ada, 2)
    assert event == "digest"
    assert message.startswith("230 products need attention: Tin 000 expires in 2 days, ")
    digest = (await ada.notified())[-1]
    assert len((await ada.items(digest["id"], limit="500"))["items"]) == 230


async def test_a_weekly_digest_waits_for_its_day(ada: Person, house: InProcessNode) -> None:
    weekly = {"every": "week", "at": "09:30", "weekday": "sat", "severities": ["warning"]}
    await ada.changed(digest=weekly)
    await ada.added(product("Milk", 2, dateKind="best_before"), product("Jam", 7))
    await set_clock(house, EIGHT.replace(hour=9))
    assert [each[1] for each in await events(ada, 2)] == ["Jam expires in 7 days"]
    saturday = EIGHT.replace(hour=9, minute=30) + timedelta(days=3)
    await set_clock(house, saturday - timedelta(seconds=1))
    assert len(await events(ada, 2)) == 1
    await set_clock(house, saturday)
    assert (await events(ada, 3))[1:] == [
        ("digest", "1 product needs attention: Milk expired yesterday", z(saturday))
    ]


async def test_alerts_that_wait_for_a_digest_are_sent_at_once_when_it_is_turned_off(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(digest=DAILY)
    await ada.added(product("Milk", 2))
    await set_clock(house, EIGHT.replace(hour=10))
    assert await events(ada, 1) == []
    await ada.changed(digest={"every": "off"})
    assert [each[:2] for each in await events(ada, 2)] == [("expiring", "Milk expires in 2 days")]
    await set_clock(house, SIX)
    assert len(await events(ada, 2)) == 1


async def test_a_digest_after_a_downtime_is_sent_once_and_worded_for_that_moment(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(digest=DAILY)
    await ada.added(product("Milk", 2), product("Eggs", 2))
    await ada.has_notified(1)  # what the change of the account begins is done before the downtime
    back = SIX + timedelta(hours=20)
    await set_clock(house, back)
    assert await events(ada, 2) == [
        (
            "digest",
            "2 products need attention: Eggs expires tomorrow and Milk expires tomorrow",
            z(back),
        )
    ]


async def test_a_snoozed_digest_comes_again_with_what_is_still_open(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(digest=DAILY)
    ids = await ada.added(*(product(name, 2) for name in ("Milk", "Eggs", "Ham")))
    await set_clock(house, SIX)
    digest: dict[str, Any] = (await ada.has_notified(2))[-1]
    later = SIX + timedelta(hours=1)
    await ada.http.post(f"/api/notifications/{digest['id']}/snooze", json={"until": z(later)})
    await ada.http.post(f"/api/products/{ids[0]}/consume", json={})
    await set_clock(house, later)
    found = await ada.has_notified(4)
    assert (found[-1]["event"], found[-1]["message"]) == (
        "snoozed",
        "2 products need attention: Eggs expires in 2 days and Ham expires in 2 days",
    )
