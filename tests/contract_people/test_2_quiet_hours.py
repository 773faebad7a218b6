"""Alerts that fall inside quiet hours are sent at the end of the window."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.contract_people.conftest import EIGHT, Person, frame
from tests.support.in_process_node import InProcessNode
from tests.support.policies_over_rest import alerts_of
from tests.support.time_limits import HANG_TIMEOUT

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NIGHT = {"days": WEEK, "from": "22:00", "until": "07:00"}
ELEVEN = EIGHT.replace(hour=23)
"""An hour after quiet hours have begun."""
SEVEN = EIGHT.replace(hour=7) + timedelta(days=1)
"""The end of the window."""


def z(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def product(name: str, days: int, **values: Any) -> dict[str, Any]:
    """A product that expires in so many days."""
    day = EIGHT.date() + timedelta(days=days)
    return {"name": name, "expiryDate": day.isoformat(), "dateKind": "use_by", **values}


async def set_clock(house: InProcessNode, moment: datetime) -> None:
    house.wall.stopped = moment
    house.node.scheduler.wake()


async def rests_at_night(ada: Person, *products: dict[str, Any], **settings: Any) -> list[str]:
    """Alerts fall due at 23:00, in quiet hours; the clock shows that."""
    await ada.changed(**{"alertTime": "23:00", "leadDays": [2], "quietHours": [NIGHT]} | settings)
    ids = await ada.added(*products)
    await set_clock(ada.house, ELEVEN)
    return ids


async def alerts(ada: Person, count: int) -> list[tuple[str, str, str]]:
    """All alerts, once there are so many and nothing else is due."""
    found = [each for each in await ada.has_notified(count + 1) if each["event"] != "added"]
    return [(each["event"], each["message"], each["created_at"]) for each in found]


async def test_alerts_that_fall_inside_quiet_hours_are_sent_at_the_end_of_the_window(
    ada: Person, house: InProcessNode
) -> None:
    (milk,) = await rests_at_night(ada, product("Milk", 2))
    assert await alerts(ada, 0) == []
    (listed, *_) = await alerts_of(ada.http, {"id": milk})
    assert (listed["at"], listed["deliveredAt"]) == (z(ELEVEN), z(SEVEN))
    assert listed["message"] == "Milk expires tomorrow"

    await set_clock(house, SEVEN - timedelta(seconds=1))
    assert await alerts(ada, 0) == []
    await set_clock(house, SEVEN)

    assert await alerts(ada, 1) == [("expiring", "Milk expires tomorrow", z(SEVEN))]
    await set_clock(house, SEVEN + timedelta(hours=12))
    assert len(await alerts(ada, 1)) == 1


async def test_an_alert_that_became_irrelevant_in_quiet_hours_is_not_sent(
    ada: Person, house: InProcessNode
) -> None:
    milk, _ = await rests_at_night(ada, product("Milk", 2), product("Ham", 2))
    await ada.http.post(f"/api/products/{milk}/consume", json={})
    await set_clock(house, SEVEN)
    found = await ada.has_notified(3)
    assert [each["message"] for each in found if each["event"] == "expiring"] == [
        "Ham expires tomorrow"
    ]


@pytest.mark.parametrize("passes", [True, False])
async def test_error_alerts_pass_if_urgent_passes_quiet_hours(
    ada: Person, house: InProcessNode, passes: bool
) -> None:
    jam = product("Jam", -1, dateKind="best_before")
    ham = product("Ham", -1)  # without a lead, its first alert is that of this night
    await rests_at_night(ada, ham, jam, leadDays=[], urgentPassesQuietHours=passes)
    at_night = [("expired", "Ham expired yesterday", z(ELEVEN))] * passes
    assert await alerts(ada, len(at_night)) == at_night
    await set_clock(house, SEVEN)
    in_the_morning = [("expired", "Ham expired 2 days ago", z(SEVEN))] * (not passes)
    in_the_morning.append(("expired", "Jam expired 2 days ago", z(SEVEN)))
    assert sorted((await alerts(ada, 1 + 1))[len(at_night) :]) == in_the_morning


async def test_a_snoozed_alert_is_held_too(ada: Person, house: InProcessNode) -> None:
    message = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    await ada.changed(quietHours=[NIGHT])
    await ada.http.post(f"/api/notifications/{message['id']}/snooze", json={"until": z(ELEVEN)})
    await set_clock(house, ELEVEN)
    (held,) = await ada.has_notified(1)
    assert held["snoozedUntil"] == z(SEVEN)
    await set_clock(house, SEVEN)
    found = await ada.has_notified(2)
    assert [(each["event"], each["created_at"]) for each in found[1:]] == [("snoozed", z(SEVEN))]


async def test_a_post_is_stored_and_sent_to_open_sockets_at_once(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(quietHours=[NIGHT])
    house.wall.stopped = ELEVEN
    async with ada.connected() as client, asyncio.timeout(HANG_TIMEOUT):
        await ada.http.post("/api/notifications", json={"message": "The door is open"})
        assert (await frame(client))["message"] == "The door is open"
    assert [each["created_at"] for each in await ada.notified()] == [z(ELEVEN)]


async def test_the_flood_cap_applies_to_what_comes_out_together(
    ada: Person, house: InProcessNode
) -> None:
    """Twelve alerts that would have been sent at different hours of the night."""
    await rests_at_night(ada, *(product(f"Tin {number}", 2) for number in range(6)))
    await ada.has_notified(1)
    await ada.changed(alertTime="23:30")
    await set_clock(house, ELEVEN + timedelta(hours=2))
    assert len(await ada.has_notified(1)) == 1
    await set_clock(house, SEVEN)
    ((event, message, at),) = await alerts(ada, 1)
    assert (event, at) == ("summary", z(SEVEN))
    assert message.startswith("6 products need attention: Tin 0 expires tomorrow, ")


async def test_quiet_hours_that_end_by_a_change_release_what_is_held(
    ada: Person, house: InProcessNode
) -> None:
    await rests_at_night(ada, product("Milk", 2))
    assert await alerts(ada, 0) == []
    await ada.changed(quietHours=[])
    assert await alerts(ada, 1) == [("expiring", "Milk expires in 2 days", z(ELEVEN))]
    await set_clock(house, SEVEN)
    assert len(await alerts(ada, 1)) == 1


async def test_another_zone_moves_the_window(ada: Person, house: InProcessNode) -> None:
    await rests_at_night(ada, product("Milk", 2))
    assert await alerts(ada, 0) == []
    await ada.changed(timeZone="America/New_York")  # it is 18:00 there, and 23:00 is to come
    assert await alerts(ada, 0) == []
    await set_clock(house, EIGHT + timedelta(days=1, hours=4))  # 07:00 in New York
    ((_, message, at),) = await alerts(ada, 1)
    assert (message, at) == ("Milk expires tomorrow", z(EIGHT + timedelta(days=1, hours=4)))
