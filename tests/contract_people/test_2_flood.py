"""Alerts that fall due together are one summary if there are more of them than the flood cap."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.contract_people.conftest import EIGHT, Person, frame
from tests.support.in_process_node import InProcessNode
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions.alerts import BATCH

PLAIN_KEYS = ["id", "message", "type", "productName", "created_at"]
UNKNOWN = "01a20b6e-0000-7000-8000-000000000000"


def product(name: str, days: int, **values: Any) -> dict[str, Any]:
    """A product that expires in so many days."""
    day = EIGHT.date() + timedelta(days=days)
    return {"name": name, "expiryDate": day.isoformat(), "dateKind": "use_by", **values}


def summaries(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in found if each["event"] == "summary"]


@pytest.fixture
def twelve() -> list[dict[str, Any]]:
    """Twelve products that are due at once, in no order."""
    far = [product(f"Jam {number}", 2, dateKind="best_before") for number in range(9)]
    return [*far, product("Eggs", -400), product("Ham", -1), product("Bread", 0, leadDays=[9])]


async def test_a_batch_of_300_expired_products_sends_two_notifications(ada: Person) -> None:
    await ada.added(*(product(f"Tin {days}", -days) for days in range(1, 301)))

    found = await ada.has_notified(2)

    assert [each["event"] for each in found] == ["added", "summary"]
    assert found[1]["message"] == (
        "300 products need attention: Tin 300 expired 300 days ago,"
        " Tin 299 expired 299 days ago, Tin 298 expired 298 days ago, and 297 more"
    )
    assert (found[1]["type"], found[1]["productName"]) == ("error", "")
    page = await ada.items(found[1]["id"], limit="500")
    assert page["nextCursor"] is None
    assert [each["message"] for each in page["items"]] == [
        f"Tin {days} expired {days} days ago" if days > 1 else "Tin 1 expired yesterday"
        for days in range(300, 0, -1)
    ]


async def test_an_import_in_several_slices_sends_one_summary(ada: Person) -> None:
    rows = [product(f"Tin {days}", -days) for days in range(1, 1501)]

    answer = await ada.http.post("/api/import", json=rows)

    assert answer.status_code == 200, answer.text
    found = await ada.has_notified(2)
    assert sorted(each["event"] for each in found) == ["added", "summary"]
    assert summaries(found)[0]["message"].startswith("1500 products need attention: Tin 1500 ")


async def test_a_changed_account_sends_one_summary_of_what_it_makes_due(ada: Person) -> None:
    await ada.changed(leadDays=[0])
    await ada.added(*(product(f"Tin {number}", 20) for number in range(260)))
    await ada.has_notified(1)

    await ada.changed(leadDays=[30, 0])

    found = await ada.has_notified(2)
    assert [each["event"] for each in found] == ["added", "summary"]
    assert found[1]["type"] == "info"
    assert found[1]["message"].endswith("Tin 10 expires in 20 days, and 257 more")


async def test_more_alerts_than_one_claim_has_after_a_downtime_are_one_summary_with_each_once(
    ada: Person, house: InProcessNode
) -> None:
    ids = await ada.added(*(product(f"Tin {number}", 9) for number in range(BATCH + 3)))
    await ada.has_notified(1)

    house.wall.stopped = EIGHT + timedelta(days=8)
    house.node.scheduler.wake()

    found = await ada.has_notified(2)
    assert [each["event"] for each in found] == ["added", "summary"]
    assert found[1]["message"].startswith(f"{BATCH + 3} products need attention: ")
    page = await ada.items(found[1]["id"], limit="500")
    assert sorted(each["productId"] for each in page["items"]) == sorted(ids)


async def test_a_summary_names_the_three_most_urgent_and_the_number_of_the_others(
    ada: Person, twelve: list[dict[str, Any]]
) -> None:
    await ada.changed(alertTime="08:00")
    ids = await ada.added(*twelve)

    found = await ada.has_notified(2)

    summary = found[1]
    assert summary["message"] == (
        "12 products need attention: Eggs expired 400 days ago, Ham expired yesterday,"
        " Bread expires today, and 9 more"
    )
    assert {key: summary[key] for key in ("type", "productId", "expiresOn", "daysLeft")} == {
        "type": "error",
        "productId": None,
        "expiresOn": None,
        "daysLeft": None,
    }
    first = await ada.items(summary["id"], limit="7")
    rest = await ada.items(summary["id"], limit="7", cursor=first["nextCursor"])
    assert rest["nextCursor"] is None
    items = first["items"] + rest["items"]
    assert [each["productId"] for each in items] == [ids[-3], ids[-2], ids[-1], *ids[:9]]
    assert [each["severity"] for each in items] == ["error"] * 2 + ["warning"] * 10
    assert items[0].keys() == {"productId", "lotId", "message", "severity"}


async def test_alerts_up_to_the_cap_are_sent_each_by_itself(ada: Person) -> None:
    assert (await ada.changed())["floodCap"] == 5
    await ada.added(*(product(f"Tin {number}", -1) for number in range(5)))
    assert [each["event"] for each in await ada.has_notified(6)] == ["added"] + ["expired"] * 5

    assert (await ada.changed(floodCap=4))["floodCap"] == 4
    await ada.added(*(product(f"Jar {number}", -1) for number in range(5)))
    assert [each["event"] for each in (await ada.has_notified(8))[6:]] == ["added", "summary"]


async def test_the_cap_counts_the_alerts_of_each_user(
    person: Callable[[str], Awaitable[Person]], house: InProcessNode
) -> None:
    people = [await person(f"person-{number}") for number in range(45)]
    flooded = people[20]
    for each in people:
        count = 6 if each is flooded else 3
        await each.added(*(product(f"Tin {number}", 2) for number in range(count)))
    house.wall.stopped = EIGHT + timedelta(days=1, hours=2)
    house.node.scheduler.wake()
    for each in people:
        found = await each.has_notified(2 if each is flooded else 4)
        assert len(found) == (2 if each is flooded else 4)


async def test_a_plain_socket_shows_a_summary_as_an_ordinary_notification(
    ada: Person, twelve: list[dict[str, Any]]
) -> None:
    async with ada.connected() as client, asyncio.timeout(HANG_TIMEOUT):
        await ada.added(*twelve)
        assert (await frame(client))["message"] == "12 products were added"
        shown = await frame(client)
    assert list(shown) == PLAIN_KEYS
    assert shown["message"].startswith("12 products need attention: ")
    assert shown["productName"] == ""
    async with ada.connected() as client, asyncio.timeout(HANG_TIMEOUT):
        assert [await frame(client) for _ in range(2)][1] == shown


async def test_an_extended_frame_has_up_to_fifty_items(ada: Person) -> None:
    async with ada.connected(extended=True) as client, asyncio.timeout(HANG_TIMEOUT):
        await ada.added(*(product(f"Tin {days}", -days) for days in range(1, 61)))
        pushed = await frame(client)
        while pushed.get("event") != "summary":
            assert "items" not in pushed
            pushed = await frame(client)
    listed = (await ada.items(pushed["id"], limit="50"))["items"]
    assert pushed["items"] == listed
    async with ada.connected(extended=True) as client, asyncio.timeout(HANG_TIMEOUT):
        replayed = [await frame(client) for _ in range(2)]
    assert replayed[1] == pushed


async def test_reading_a_summary_reads_all_its_alerts(
    ada: Person, twelve: list[dict[str, Any]]
) -> None:
    await ada.added(*twelve)
    summary = (await ada.has_notified(2))[1]
    assert await ada.unread() == 2

    await ada.http.post(f"/api/notifications/{summary['id']}/read")

    assert await ada.unread() == 1
    assert len((await ada.items(summary["id"]))["items"]) == 12


async def test_an_alert_of_a_summary_is_not_sent_again_in_the_same_words(
    ada: Person, house: InProcessNode, twelve: list[dict[str, Any]]
) -> None:
    await ada.added(*twelve)
    await ada.has_notified(2)

    house.wall.stopped = EIGHT + timedelta(hours=9)
    await ada.changed(alertTime="10:00")
    house.node.scheduler.wake()
    assert len(await ada.has_notified(2)) == 2
    house.wall.stopped = EIGHT + timedelta(days=1, hours=9)
    house.node.scheduler.wake()
    later = await ada.has_notified(3)
    assert [each["message"] for each in later[2:]] == ["Bread expired yesterday"]


async def test_a_summary_is_read_once_the_last_of_its_lots_is_closed(ada: Person) -> None:
    ids = await ada.added(*(product(f"Tin {number}", -1) for number in range(6)))
    await ada.has_notified(2)
    for each in ids[:-1]:
        await ada.http.post(f"/api/products/{each}/discard", json={})
    assert summaries(await ada.notified())[0]["readAt"] is None

    answer = await ada.http.post(f"/api/products/{ids[-1]}/discard", json={})

    assert summaries(await ada.notified())[0]["readAt"] is not None
    movement = answer.json()["movements"][0]["id"] if "movements" in answer.json() else None
    if movement is None:
        page = await ada.http.get(f"/api/products/{ids[-1]}/movements")
        movement = page.json()["items"][0]["id"]
    assert (await ada.http.post(f"/api/movements/{movement}/undo")).status_code == 200
    assert summaries(await ada.notified())[0]["readAt"] is None


async def test_a_summary_is_read_once_its_products_are_deleted(ada: Person) -> None:
    ids = await ada.added(*(product(f"Tin {number}", -1) for number in range(6)))
    await ada.has_notified(2)
    for each in ids:
        assert summaries(await ada.notified())[0]["readAt"] is None
        await ada.http.delete(f"/api/products/{each}")
    assert summaries(await ada.notified())[0]["readAt"] is not None


async def test_a_summary_that_its_user_read_stays_read_after_an_undo(
    ada: Person,
) -> None:
    ids = await ada.added(*(product(f"Tin {number}", -1) for number in range(6)))
    summary = (await ada.has_notified(2))[1]
    await ada.http.post(f"/api/notifications/{summary['id']}/read")
    for each in ids:
        await ada.http.post(f"/api/products/{each}/discard", json={})
    await ada.http.post(f"/api/products/{ids[0]}/reopen", json={})
    assert summaries(await ada.notified())[0]["readAt"] is not None


async def test_the_items_go_with_their_notification(
    ada: Person, twelve: list[dict[str, Any]]
) -> None:
    await ada.added(*twelve)
    summary = (await ada.has_notified(2))[1]

    assert (await ada.http.delete(f"/api/notifications/{summary['id']}")).status_code == 204

    answer = await ada.http.get(f"/api/notifications/{summary['id']}/items")
    unknown = await ada.http.get(f"/api/notifications/{UNKNOWN}/items")
    assert (answer.status_code, answer.json()) == (404, unknown.json())
    left = await ada.house.node.database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM notification_items").scalar()
    )
    assert left == 0


async def test_a_notification_that_is_no_summary_has_no_items(ada: Person) -> None:
    (added,) = [await ada.http.post("/api/notifications", json={"message": "The milk is open"})]
    assert await ada.items(added.json()["id"]) == {"items": [], "nextCursor": None}


async def test_a_cursor_of_another_list_is_refused(ada: Person) -> None:
    added = (await ada.http.post("/api/notifications", json={"message": "hello"})).json()
    for cursor in ("x", "WyJpdGVtcyIsLTFd", "WyJpdGVtcyIsIjEiXQ", "WyJuIiwxXQ"):
        answer = await ada.http.get(
            f"/api/notifications/{added['id']}/items", params={"cursor": cursor}
        )
        assert answer.status_code == 422, cursor
        assert answer.json()["detail"] == "The cursor is not one of this list.", cursor


async def test_a_flood_cap_is_a_whole_number_from_1_to_100(ada: Person) -> None:
    for cap in (0, 101, -1, 2.5, "5", True, [5]):
        answer = await ada.http.patch("/api/me", json={"floodCap": cap})
        assert answer.status_code == 422, cap
        assert answer.json()["errors"][0] == {
            "at": "body.floodCap",
            "message": "must be a whole number from 1 to 100, e.g. 5",
        }
