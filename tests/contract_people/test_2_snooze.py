"""A snoozed notification is read now, and sent again later if there is still reason to."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.contract_people.conftest import EIGHT, Person, frame
from tests.support.in_process_node import InProcessNode
from tests.support.time_limits import HANG_TIMEOUT

from useby.scheduler.alerts import AlertScheduler

UNKNOWN = "01a20b6e-0000-7000-8000-000000000000"
PLAIN_KEYS = ["id", "message", "type", "productName", "created_at"]
TEN = EIGHT + timedelta(hours=2)
WITHOUT_A_TIME: list[tuple[dict[str, Any], str, str]] = [
    ({}, "body", 'must have either until or for, e.g. {"for": "PT2H"}'),
    ({"until": "2026-03-04T10:00:00Z", "for": "PT2H"}, "body", "must have either until or for"),
    ({"until": None}, "body", "must have either until or for"),
    ({"until": "2026-03-04"}, "body.until", "must be a date-time with its offset"),
    ({"until": "2026-03-04T10:00:00"}, "body.until", "must be a date-time with its offset"),
    ({"until": "tomorrow"}, "body.until", "must be a date-time with its offset"),
    ({"until": 7}, "body.until", "must be a date-time with its offset"),
    ({"until": "2026-03-04T08:00:59Z"}, "body.until", "must be a minute to 90 days from now"),
    ({"until": "2026-06-02T08:00:01Z"}, "body.until", "must be a minute to 90 days from now"),
    ({"until": "1999-01-01T00:00:00Z"}, "body.until", "must be a minute to 90 days from now"),
    ({"for": "PT59S"}, "body.for", "must be a minute to 90 days from now"),
    ({"for": "P91D"}, "body.for", "must be a minute to 90 days from now"),
    ({"for": "P9999999W"}, "body.for", "must be a minute to 90 days from now"),
    ({"for": "P"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "PT"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "P1DT"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "-PT2H"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "2 hours"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "P1M"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "P" + "9" * 4000 + "D"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "PT٢H"}, "body.for", "must be an ISO 8601 duration"),
    ({"for": 7200}, "body.for", "must be an ISO 8601 duration"),
    ({"for": ["PT2H"]}, "body.for", "must be an ISO 8601 duration"),
    ({"for": "PT2H", "reason": "x"}, "body.reason", "is not a field of this request"),
]
"""Bodies, each with the place of its error and the beginning of the message."""


def z(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def snoozed(person: Person, notification_id: str, **body: Any) -> dict[str, Any]:
    answer = await person.http.post(f"/api/notifications/{notification_id}/snooze", json=body)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()
    return value


async def set_clock(house: InProcessNode, moment: datetime) -> None:
    house.wall.stopped = moment
    house.node.scheduler.wake()


async def alerted(person: Person, days: int = 2, **values: Any) -> tuple[str, dict[str, Any]]:
    """Add milk that is due at once; return its id and the alert."""
    day = (EIGHT.date() + timedelta(days=days)).isoformat()
    milk = {"name": "Milk", "expiryDate": day, "dateKind": "use_by", **values}
    answer = await person.http.post("/api/products", json=milk)
    assert answer.status_code == 201, answer.text
    await set_clock(person.house, EIGHT + timedelta(hours=1))
    (alert,) = await person.has_notified(1)
    return answer.json()["id"], alert


async def test_a_snoozed_alert_is_read_now_and_sent_again_at_its_time(
    ada: Person, house: InProcessNode
) -> None:
    _, alert = await alerted(ada)
    assert await ada.unread() == 1

    answer = await snoozed(ada, alert["id"], until=z(TEN))

    assert (answer["snoozedUntil"], answer["readAt"]) == (z(TEN), z(house.wall()))
    assert await ada.unread() == 0
    assert [each["id"] for each in await ada.notified(snoozed="true")] == [alert["id"]]
    assert await ada.notified(snoozed="false") == []

    await set_clock(house, TEN)
    first, again = await ada.has_notified(2)
    assert first["snoozedUntil"] is None
    assert await ada.notified(snoozed="true") == []
    assert (again["event"], again["message"]) == ("snoozed", "Milk expires in 2 days")
    assert again["created_at"] == z(TEN)
    assert again["readAt"] is None
    same = ("productId", "productName", "expiresOn", "daysLeft", "type")
    assert {key: again[key] for key in same} == {key: alert[key] for key in same}


async def test_a_duration_counts_from_now(ada: Person) -> None:
    message = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    for text, length in {
        "PT1M": timedelta(minutes=1),
        "PT2H": timedelta(hours=2),
        "P1DT2H30M": timedelta(days=1, hours=2, minutes=30),
        "P90D": timedelta(days=90),
    }.items():
        assert (await snoozed(ada, message["id"], **{"for": text}))["snoozedUntil"] == z(
            EIGHT + length
        )
    assert len(await ada.notified(snoozed="true")) == 1, "a later snooze replaces an earlier one"


async def test_a_snoozed_notification_is_read_and_sent_again_on_every_socket(
    ada: Person, house: InProcessNode
) -> None:
    _, alert = await alerted(ada)
    async with (
        ada.connected(extended=True) as extended,
        ada.connected() as plain,
        asyncio.timeout(HANG_TIMEOUT),
    ):
        assert (await frame(extended))["id"] == (await frame(plain))["id"] == alert["id"]

        await snoozed(ada, alert["id"], **{"for": "PT1H"})

        assert await frame(extended) == {"type": "READ", "ids": [alert["id"]], "unread": 0}
        await set_clock(house, TEN)
        shown = await frame(plain)
        assert (list(shown), shown["message"]) == (PLAIN_KEYS, "Milk expires in 2 days")
        again = await frame(extended)
        assert (again["event"], again["id"]) == ("snoozed", shown["id"])
        assert "items" not in again


async def test_a_snoozed_alert_is_worded_for_the_moment_at_which_it_is_sent(
    ada: Person, house: InProcessNode
) -> None:
    _, alert = await alerted(ada)
    await snoozed(ada, alert["id"], **{"for": "P1DT5H"})

    await set_clock(house, EIGHT + timedelta(days=1, hours=8))

    again = (await ada.has_notified(2))[1]
    assert (again["message"], again["daysLeft"]) == ("Milk expires tomorrow", 1)


async def test_a_snoozed_notification_without_a_product_is_sent_as_it_was(
    ada: Person, house: InProcessNode
) -> None:
    body = {"message": "Call the grocer", "type": "error", "productName": "Grocer"}
    message = (await ada.http.post("/api/notifications", json=body)).json()
    await snoozed(ada, message["id"], until=z(TEN))
    await set_clock(house, TEN)
    again = (await ada.has_notified(2))[1]
    assert body.items() <= again.items()
    assert (again["event"], again["productId"]) == ("snoozed", None)


@pytest.mark.parametrize("end", ["consume", "discard", "delete", "freeze", "later"])
async def test_an_alert_without_an_open_lot_that_is_due_is_not_sent_again(
    ada: Person, house: InProcessNode, end: str
) -> None:
    product, alert = await alerted(ada)
    await snoozed(ada, alert["id"], until=z(TEN))
    if end == "delete":
        answer = await ada.http.delete(f"/api/products/{product}")
    elif end == "later":
        answer = await ada.http.patch(f"/api/products/{product}", json={"expiryDate": "2027-01-01"})
    elif end == "freeze":
        lots = (await ada.http.get(f"/api/products/{product}/lots")).json()["items"]
        answer = await ada.http.post(f"/api/lots/{lots[0]['id']}/freeze", json={})
    else:
        answer = await ada.http.post(f"/api/products/{product}/{end}", json={})
    assert answer.is_success, answer.text
    before = await ada.notified()

    await set_clock(house, TEN)
    marker = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    while await ada.notified(snoozed="true"):
        await asyncio.sleep(0)

    assert [each["id"] for each in await ada.notified()] == [
        *(each["id"] for each in before),
        marker["id"],
    ]


async def test_another_lot_that_is_due_is_reason_to_send_it_again(
    ada: Person, house: InProcessNode
) -> None:
    product, alert = await alerted(ada)
    lots = (await ada.http.get(f"/api/products/{product}/lots")).json()["items"]
    day = EIGHT.date().isoformat()
    await ada.http.post(f"/api/products/{product}/lots", json={"printedDate": day})
    await ada.has_notified(2)
    await snoozed(ada, alert["id"], until=z(TEN))
    await ada.http.post(f"/api/lots/{lots[0]['id']}/consume", json={})

    await set_clock(house, TEN)

    last = (await ada.has_notified(4))[-1]
    assert (last["event"], last["message"]) == ("snoozed", "Milk expires today")


async def test_a_lead_alert_in_the_same_words_takes_its_place(
    ada: Person, house: InProcessNode
) -> None:
    _, alert = await alerted(ada, leadDays=[2, 1, 0])
    tomorrow = EIGHT + timedelta(days=1, hours=1)
    await snoozed(ada, alert["id"], until=z(tomorrow))

    await set_clock(house, tomorrow)

    found = await ada.has_notified(2)
    while await ada.notified(snoozed="true"):
        await asyncio.sleep(0)
    assert [each["event"] for each in await ada.notified()] == ["expiring", "expiring"]
    assert found[1]["message"] == "Milk expires tomorrow"


async def test_the_same_words_are_not_sent_by_a_lead_alert_after_the_snooze(
    ada: Person, house: InProcessNode
) -> None:
    product, alert = await alerted(ada, leadDays=[2, 1, 0])
    await snoozed(ada, alert["id"], until=z(EIGHT + timedelta(days=1)))

    await set_clock(house, EIGHT + timedelta(days=1))
    await ada.has_notified(2)
    coming = (await ada.http.get(f"/api/products/{product}/alerts")).json()["items"]
    assert [each["lead"] for each in coming] == ["0d", "expiry"]
    await set_clock(house, EIGHT + timedelta(days=2, hours=2))

    assert [(each["event"], each["message"]) for each in await ada.has_notified(3)] == [
        ("expiring", "Milk expires in 2 days"),
        ("snoozed", "Milk expires tomorrow"),
        ("expiring", "Milk expires today"),
    ]


async def test_a_snoozed_summary_is_sent_again_about_those_that_are_still_open(
    ada: Person, house: InProcessNode
) -> None:
    day = (EIGHT.date() - timedelta(days=1)).isoformat()
    tins = [{"name": f"Tin {n}", "expiryDate": day, "dateKind": "use_by"} for n in range(6)]
    await set_clock(house, EIGHT + timedelta(hours=1))
    ids = await ada.added(*tins)
    summary = (await ada.has_notified(2))[1]
    await snoozed(ada, summary["id"], **{"for": "P1D"})
    await ada.http.post(f"/api/products/{ids[0]}/discard", json={})

    await set_clock(house, EIGHT + timedelta(days=1, hours=1))

    again = (await ada.has_notified(4))[-1]
    assert (again["event"], again["type"]) == ("snoozed", "error")
    assert again["message"] == (
        "5 products need attention: Tin 1 expired 2 days ago, Tin 2 expired 2 days ago,"
        " Tin 3 expired 2 days ago, and 2 more"
    )
    items = (await ada.items(again["id"]))["items"]
    assert [each["productId"] for each in items] == ids[1:]
    async with ada.connected(extended=True) as client, asyncio.timeout(HANG_TIMEOUT):
        frames = [await frame(client) for _ in range(3)]
    assert frames[-1]["items"] == items


async def test_a_snooze_is_ended_by_another_scheduler(ada: Person, house: InProcessNode) -> None:
    message = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    await snoozed(ada, message["id"], until=z(TEN))
    database = house.node.database
    house.wall.stopped = TEN

    await AlertScheduler(database, house.wall)._next_due()

    assert [each["message"] for each in await ada.has_notified(2)] == ["Tea", "Tea"]


async def test_a_body_that_names_no_time_is_refused_in_our_words(ada: Person) -> None:
    message = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    for body, at, words in WITHOUT_A_TIME:
        answer = await ada.http.post(f"/api/notifications/{message['id']}/snooze", json=body)
        assert answer.status_code == 422, body
        (error,) = answer.json()["errors"]
        assert (error["at"], error["message"][: len(words)]) == (at, words), body
        assert [each["readAt"] for each in await ada.notified()] == [None], body


async def test_a_notification_of_another_user_is_not_found(
    ada: Person, person: Callable[[str], Awaitable[Person]]
) -> None:
    bob = await person("bob")
    message = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    answers = [
        await bob.http.post(f"/api/notifications/{each}/snooze", json={"for": "PT2H"})
        for each in (message["id"], UNKNOWN)
    ]
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert [each["readAt"] for each in await ada.notified()] == [None]


async def test_a_deleted_notification_is_not_sent_again(ada: Person, house: InProcessNode) -> None:
    message = (await ada.http.post("/api/notifications", json={"message": "Tea"})).json()
    await snoozed(ada, message["id"], until=z(TEN))
    await ada.http.delete(f"/api/notifications/{message['id']}")
    await set_clock(house, TEN)
    await ada.http.post("/api/notifications", json={"message": "Marker"})
    assert [each["message"] for each in await ada.has_notified(1)] == ["Marker"]
