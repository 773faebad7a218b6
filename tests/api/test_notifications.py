"""Notifications over REST.

covers: useby.schemas.notifications
"""

from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest

from useby.domain.notification import Cause, Draft, Severity
from useby.store import notifications


async def posted(client: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await client.post("/api/notifications", json={"message": "hello"} | values)
    assert answer.status_code == 201, answer.text
    received: dict[str, Any] = answer.json()
    return received


async def test_a_post_is_answered_with_the_contracts_five_keys_first(rest: Rest) -> None:
    _, ada = await rest.person()
    received = await posted(ada, type="warning", productName="Milk")
    assert list(received)[:5] == ["id", "message", "type", "productName", "created_at"]
    assert (received["type"], received["productName"], received["seq"]) == ("warning", "Milk", 1)
    assert received["created_at"] == "2026-03-02T12:00:00Z"
    assert (received["event"], received["readAt"]) == ("custom", None)


async def test_a_post_without_a_product_carries_an_empty_name(rest: Rest) -> None:
    _, ada = await rest.person()
    received = await posted(ada)
    assert (received["productName"], received["type"]) == ("", "info")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "x" * 1001},
        {"message": "a\0b"},
        {"message": "x", "type": "fatal"},
        {"message": "x", "productName": "p" * 201},
        {"message": "x", "userId": "somebody else"},
        {"message": 17},
        [],
        "text",
    ],
)
async def test_a_bad_post_is_422_and_sends_nothing(rest: Rest, body: Any) -> None:
    _, ada = await rest.person()
    answer = await ada.post("/api/notifications", json=body)
    assert answer.status_code == 422
    assert (await ada.get("/api/notifications")).json()["items"] == []


async def test_a_lone_surrogate_is_422(rest: Rest) -> None:
    _, ada = await rest.person()
    answer = await ada.post(
        "/api/notifications",
        content=b'{"message":"\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422


async def test_the_list_is_newest_first_and_its_cursor_leads_on(rest: Rest) -> None:
    _, ada = await rest.person()
    for number in range(5):
        await posted(ada, message=str(number))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await ada.get("/api/notifications", params={"limit": "2"} | cursor)).json()
        seen += [each["message"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == ["4", "3", "2", "1", "0"]


async def test_the_list_is_filtered_by_unread_type_and_since(rest: Rest) -> None:
    _, ada = await rest.person()
    first = await posted(ada, message="first")
    await posted(ada, message="second", type="error")
    await ada.post(f"/api/notifications/{first['id']}/read")

    async def found(**query: str) -> list[str]:
        page = (await ada.get("/api/notifications", params=query)).json()
        return [each["message"] for each in page["items"]]

    assert await found(unread="true") == ["second"]
    assert await found(unread="false") == ["first"]
    assert await found(type="error") == ["second"]
    assert await found(since=first["id"]) == ["second"]
    assert await found(since="unknown") == ["first", "second"]


async def test_a_cursor_of_another_list_is_422(rest: Rest) -> None:
    _, ada = await rest.person()
    for cursor in ("x", "bm8", "W10", "WyJuIiwiYSJd"):
        answer = await ada.get("/api/notifications", params={"cursor": cursor})
        assert answer.status_code == 422, cursor


async def test_marking_read_is_idempotent_and_keeps_its_time(rest: Rest) -> None:
    _, ada = await rest.person()
    received = await posted(ada)
    first = (await ada.post(f"/api/notifications/{received['id']}/read")).json()
    second = (await ada.post(f"/api/notifications/{received['id']}/read")).json()
    assert first["readAt"] == "2026-03-02T12:00:00Z"
    assert first == second
    assert (await ada.get("/api/notifications/unread-count")).json() == {"unread": 0}


async def test_read_all_returns_the_number_of_newly_read(rest: Rest) -> None:
    _, ada = await rest.person()
    for _ in range(3):
        await posted(ada)
    assert (await ada.post("/api/notifications/read-all")).json() == {"marked": 3}
    assert (await ada.post("/api/notifications/read-all")).json() == {"marked": 0}


async def test_read_all_leaves_unread_what_came_after_the_newest_that_was_seen(rest: Rest) -> None:
    _, ada = await rest.person()
    seen = [await posted(ada) for _ in range(2)]
    later = await posted(ada)
    path = f"/api/notifications/read-all?upTo={seen[1]['seq']}"
    assert (await ada.post(path)).json() == {"marked": 2}
    assert (await ada.post(path)).json() == {"marked": 0}
    (unread,) = (await ada.get("/api/notifications", params={"unread": True})).json()["items"]
    assert unread["id"] == later["id"]
    for bad in ("", "-1", "x", "1.5"):
        answer = await ada.post("/api/notifications/read-all", params={"upTo": bad})
        assert answer.status_code == 422, bad
        assert "upTo" in answer.text
    assert (await ada.get("/api/notifications/unread-count")).json() == {"unread": 1}


async def test_a_deleted_notification_is_not_found(rest: Rest) -> None:
    _, ada = await rest.person()
    received = await posted(ada)
    assert (await ada.delete(f"/api/notifications/{received['id']}")).status_code == 204
    assert (await ada.delete(f"/api/notifications/{received['id']}")).status_code == 404
    assert (await ada.get("/api/notifications")).json()["items"] == []


async def test_an_alerts_notification_has_its_product_and_date(rest: Rest) -> None:
    user, ada = await rest.person()
    draft = Draft(
        user.id,
        "Milk expires today",
        Severity.WARNING,
        Cause.EXPIRING,
        "Milk",
        "p",
        rest.now.date(),
        0,
    )
    await rest.database.write(lambda t: notifications.add(t, [draft], rest.now))
    (received,) = (await ada.get("/api/notifications")).json()["items"]
    assert (received["productId"], received["expiresOn"], received["daysLeft"]) == (
        "p",
        "2026-03-02",
        0,
    )
