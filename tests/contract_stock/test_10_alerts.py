"""Alerts of lots on the plain socket, on both databases.

The leads are 7, 2 and 0 days at 09:00 unless a test sets others. A day of `Watched` is its number.
"""

import pytest
from tests.support.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_each_lot_is_announced_as_its_own_date_comes_near(eve: Watched) -> None:
    milk = await eve.milk(10)
    await eve.lot(milk, 12)

    found = []
    for day in range(14):
        await eve.goes_to(day)
        found += [(day, each) for each in await eve.receives()]

    assert found == [
        (3, "Milk expires in 7 days"),
        (5, "Milk expires in 7 days"),
        (8, "Milk expires in 2 days"),
        (10, "Milk expires today"),
        (10, "Milk expires in 2 days"),
        (11, "Milk expired yesterday"),
        (12, "Milk expires today"),
        (13, "Milk expired yesterday"),
    ]


async def test_lots_of_one_product_that_fall_due_in_the_same_moment_are_one_notification(
    eve: Watched,
) -> None:
    milk = await eve.milk(10, leadDays=[1])
    await eve.lot(milk, 10)
    await eve.goes_to(9)

    assert await eve.receives() == ["2 lots of Milk expire tomorrow"]


async def test_a_lot_dated_by_a_time_of_the_day_falls_due_with_those_of_the_day(
    eve: Watched,
) -> None:
    milk = await eve.milk(10, leadDays=[1])
    await eve.lot(milk, 10)
    path = f"/api/products/{milk}/lots"
    await eve.post(path, {"printedDate": f"{eve.day(10)}T20:00:00Z"})
    await eve.goes_to(9)

    assert await eve.receives() == ["3 lots of Milk expire tomorrow"]


async def test_a_lot_of_another_product_is_a_notification_of_its_own(eve: Watched) -> None:
    await eve.milk(10, leadDays=[1])
    await eve.milk(10, leadDays=[1], name="Eggs")
    await eve.goes_to(9)

    assert sorted(await eve.receives()) == ["Eggs expires tomorrow", "Milk expires tomorrow"]


@pytest.mark.parametrize("action", ["consume", "discard"])
async def test_a_closed_lot_is_silent(eve: Watched, action: str) -> None:
    milk = await eve.milk(10)
    other = await eve.lot(milk, 12)
    await eve.does(action, other)
    await eve.receives()
    await eve.goes_to(3)
    assert await eve.receives() == ["Milk expires in 7 days"]

    await eve.goes_to(5)
    assert await eve.receives() == []


async def test_an_emptied_product_is_silent(eve: Watched) -> None:
    milk = await eve.milk(10, quantity="2")
    await eve.post(f"/api/products/{milk}/consume", {"quantity": "1"})
    await eve.post(f"/api/products/{milk}/consume", {"quantity": "1"})
    await eve.receives()
    for day in (3, 8, 10, 11):
        await eve.goes_to(day)

    assert await eve.receives() == []


async def test_a_lot_without_a_date_is_silent(eve: Watched) -> None:
    milk = await eve.milk()
    frozen = await eve.milk(10, name="Bread")
    await eve.does("freeze", await eve.only_lot(frozen))
    for day in (3, 10, 30):
        await eve.goes_to(day)

    assert await eve.receives() == []
    assert await eve.coming(milk) == await eve.coming(frozen) == []


async def test_a_thawed_lot_is_announced_by_the_days_that_were_left(eve: Watched) -> None:
    bread = await eve.milk(10, name="Bread")
    lot = await eve.only_lot(bread)
    await eve.does("freeze", lot)
    await eve.goes_to(20)
    await eve.does("thaw", lot)

    found = []
    for day in (23, 28, 30, 31):
        await eve.goes_to(day)
        found += await eve.receives()
    assert found == [
        "Bread expires in 7 days",
        "Bread expires in 2 days",
        "Bread expires today",
        "Bread expired yesterday",
    ]


async def test_an_opened_lot_is_announced_by_the_date_that_counts_then(eve: Watched) -> None:
    milk = await eve.milk(30, afterOpening="P4D")
    await eve.does("open", await eve.only_lot(milk))

    assert await eve.receives() == ["Milk expires in 4 days"]
    await eve.goes_to(2)
    assert await eve.receives() == ["Milk expires in 2 days"]


async def test_a_product_added_at_eight_that_expires_in_2_days_is_announced_once_that_day(
    eve: Watched,
) -> None:
    await eve.goes_to(0, 8)
    await eve.milk(2)
    assert await eve.receives() == ["Milk expires in 2 days"]

    for hour in (9, 10, 23):
        await eve.goes_to(0, hour)
    assert await eve.receives() == []
    await eve.goes_to(2)
    assert await eve.receives() == ["Milk expires today"]


async def test_a_lot_added_at_eight_that_expires_in_2_days_is_announced_once_that_day(
    eve: Watched,
) -> None:
    milk = await eve.milk(60)
    await eve.goes_to(0, 8)
    await eve.lot(milk, 2)
    assert await eve.receives() == ["Milk expires in 2 days"]

    for hour in (9, 10, 23):
        await eve.goes_to(0, hour)
    assert await eve.receives() == []


async def test_a_date_that_passed_while_the_node_was_down_is_announced_as_expired_once(
    eve: Watched,
) -> None:
    await eve.milk(10)
    await eve.goes_to(11, 8)
    assert await eve.receives() == ["Milk expired yesterday"]

    for hour in (9, 10):
        await eve.goes_to(11, hour)
    await eve.goes_to(12)
    assert await eve.receives() == []


async def test_a_late_alert_settles_every_alert_that_would_count_the_same_days(
    eve: Watched,
) -> None:
    await eve.milk(10)
    await eve.goes_to(8, 7)
    assert await eve.receives() == ["Milk expires in 2 days"]

    await eve.goes_to(8, 9)
    assert await eve.receives() == []


async def test_a_policy_that_is_changed_in_between_repeats_no_words(eve: Watched) -> None:
    milk = await eve.milk(5)
    assert await eve.receives() == ["Milk expires in 5 days"]

    for leads in ([5], [6, 5, 4], [30, 5]):
        await eve.rest.patch("/api/me", json={"leadDays": leads})
        await eve.goes_to(0, 9)
        await eve.rest.patch(f"/api/products/{milk}", json={"leadDays": leads})
    assert await eve.receives() == []


async def test_undoing_and_repeating_an_opening_repeats_no_words(eve: Watched) -> None:
    milk = await eve.milk(30, afterOpening="P4D")
    lot = await eve.only_lot(milk)
    opened = await eve.does("open", lot)
    assert await eve.receives() == ["Milk expires in 4 days"]

    await eve.post(f"/api/movements/{opened['movements'][0]['id']}/undo")
    await eve.does("open", lot)

    assert await eve.receives() == []


async def test_splitting_a_lot_repeats_no_words(eve: Watched) -> None:
    milk = await eve.milk(2, quantity="3")
    assert await eve.receives() == ["Milk expires in 2 days"]

    lot = await eve.only_lot(milk)
    await eve.does("move", lot, quantity="1", location="Cellar")
    await eve.goes_to(0)

    assert await eve.receives() == []


async def test_the_alerts_of_a_product_are_those_that_will_be_sent_of_each_lot(
    eve: Watched,
) -> None:
    milk = await eve.milk(10)
    first = await eve.only_lot(milk)
    second = await eve.lot(milk, 10)
    third = await eve.lot(milk, 12)
    coming = await eve.coming(milk)

    expected = {(each["at"], each["message"]) for each in coming}
    found = set()
    for day in range(14):
        await eve.goes_to(day)
        found |= {(f"{eve.day(day)}T09:00:00Z", each) for each in await eve.receives()}
    assert found == expected
    lots = {each["lotId"] for each in coming}
    assert lots == {first, second, third}
    assert [each["at"] for each in coming] == sorted(each["at"] for each in coming)


async def test_the_alerts_of_a_product_show_when_and_which_policy(eve: Watched) -> None:
    milk = await eve.milk(10, category="Dairy")
    lot = await eve.only_lot(milk)
    path = f"/api/products/{milk}"

    async def reasons() -> list[tuple[str, str | None]]:
        return [(each["lead"], each["because"]["scope"]) for each in await eve.coming(milk)]

    assert await reasons() == [
        ("7d", "builtin"),
        ("2d", "builtin"),
        ("0d", "builtin"),
        ("expiry", "builtin"),
    ]
    await eve.rest.patch("/api/me", json={"leadDays": [5]})
    assert await reasons() == [("5d", "account"), ("expiry", "builtin")]
    await eve.rest.patch("/api/me", json={"categories": {"Dairy": {"leadDays": [4]}}})
    assert await reasons() == [("4d", "category"), ("expiry", "builtin")]
    await eve.rest.patch(path, json={"leadDays": [3]})
    first, last = await eve.coming(milk)
    assert first["because"] == {"scope": "product", "key": milk}
    assert (first["lotId"], first["at"]) == (lot, f"{eve.day(7)}T09:00:00Z")
    assert last["at"] == f"{eve.day(11)}T09:00:00Z"


async def test_a_new_time_zone_moves_the_dates_and_alerts_of_opened_lots(eve: Watched) -> None:
    milk = await eve.milk(30, afterOpening="P8D")
    lot = await eve.only_lot(milk)
    await eve.goes_to(0, 13)
    await eve.does("open", lot)
    before = (await eve.rest.get(f"/api/lots/{lot}")).json()["expiryDate"]

    await eve.rest.patch("/api/me", json={"timeZone": "Pacific/Kiritimati"})  # UTC+14
    await eve.rescheduled()

    after = (await eve.rest.get(f"/api/lots/{lot}")).json()["expiryDate"]
    assert (before, after) == (eve.day(8), eve.day(9)), "it was opened on the next day there"
    assert (await eve.coming(milk))[0]["at"] == f"{eve.day(1)}T19:00:00Z"


async def test_a_used_up_product_that_comes_again_is_watched_again(eve: Watched) -> None:
    path = "/api/products/by-external-id/milk"
    first = {"name": "Milk", "expiryDate": eve.day(7)}
    product = (await eve.rest.put(path, json=first)).json()
    assert await eve.receives() == []
    await eve.goes_to(0)
    assert await eve.receives() == ["Milk expires in 7 days"]
    await eve.post(f"/api/products/{product['id']}/consume")
    await eve.receives()

    await eve.rest.put(path, json=first | {"expiryDate": eve.day(9)})
    await eve.goes_to(2)

    assert await eve.receives() == ["Milk expires in 7 days"]


async def test_a_lot_with_a_date_that_was_announced_already_is_part_of_its_next_alert(
    eve: Watched,
) -> None:
    milk = await eve.milk(7)
    await eve.goes_to(0)
    assert await eve.receives() == ["Milk expires in 7 days"]
    await eve.goes_to(3)
    await eve.lot(milk, 7)
    assert await eve.receives() == []

    await eve.goes_to(5)

    assert await eve.receives() == ["2 lots of Milk expire in 2 days"]
