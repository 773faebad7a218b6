"""Contract, section 8: the extended session, and that a plain client never sees any of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import Connect, nothing_more, take
from tests.support.patient_client import connect
from tests.support.process_node import NodeProcess, Person
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

EXTENDED = Subprotocol("useby.v1")
PLAIN = {"id", "message", "type", "productName", "created_at"}
MORE = {"seq", "event", "productId", "expiresOn", "daysLeft", "readAt", "householdId"}

Open = Callable[..., Any]


@pytest.fixture
async def extended(server: NodeProcess, person: Person) -> AsyncIterator[Open]:
    """Opens extended sessions of the test's own user; gives the connection and its greeting."""
    async with AsyncExitStack() as stack:

        async def opened(token: str = person.token) -> tuple[ClientConnection, dict[str, Any]]:
            url = server.socket_url(token)
            client = await stack.enter_async_context(connect(url, subprotocols=[EXTENDED]))
            assert client.subprotocol == EXTENDED
            return client, await next_frame(client)

        yield opened


async def next_frame(client: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(HANG_TIMEOUT):
        frame: dict[str, Any] = json.loads(await client.recv())
        return frame


async def send_frame(client: ClientConnection, **frame: Any) -> None:
    await client.send(json.dumps(frame))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_the_subprotocol_is_echoed_only_to_clients_that_offer_it(
    server: NodeProcess, person: Person
) -> None:
    url = server.socket_url(person.token)
    others = [Subprotocol("chat"), EXTENDED, Subprotocol("useby.v2")]
    async with connect(url, subprotocols=others) as client:
        assert client.subprotocol == EXTENDED
    async with connect(url, subprotocols=[Subprotocol("useby.v2")]) as client:
        assert client.subprotocol is None
        assert set(json.loads(await client.recv())) == {"type", "message", "userId"}


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_the_greeting_carries_the_number_of_unread_notifications_as_an_integer(
    server: NodeProcess, person: Person, extended: Open, count: int
) -> None:
    server.notify(person, [str(number) for number in range(count)])
    _, greeting = await extended()
    assert (greeting["unread"], type(greeting["unread"])) == (count, int)


async def test_the_greeting_has_the_unread_count_the_end_of_the_token_and_the_newest_number(
    server: NodeProcess, person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    received = server.notify(person, ["one", "two", "three"])
    marked = await rest.post(f"/api/notifications/{received[1].id}/read", headers=person.headers)
    assert marked.status_code == 200
    _, greeting = await extended()
    assert greeting.pop("expiresAt").endswith("Z")
    assert greeting == {
        "type": "CONNECTION_ESTABLISHED",
        "message": "Notification WebSocket connected",
        "userId": person.id,
        "unread": 2,
        "seq": 3,
    }


async def test_a_notification_has_more_fields_replayed_or_live(
    server: NodeProcess, person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    server.notify(person, ["kept"])
    client, _ = await extended()
    replayed = await next_frame(client)
    await live.post(rest, person, "live")
    arisen = await next_frame(client)
    for frame, number in ((replayed, 1), (arisen, 2)):
        assert frame.keys() == PLAIN | MORE
        assert (frame["seq"], frame["event"], frame["readAt"]) == (number, "custom", None)


async def test_an_alert_names_its_product_its_date_and_the_days_left(
    server: NodeProcess, person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    client, _ = await extended()
    today = datetime.now(UTC).date()
    instant = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    added = await rest.post(
        "/api/products",
        headers=person.headers,
        json={"name": "Vaccine", "expiryDate": instant, "leadDays": []},
    )
    assert added.status_code == 201, added.text
    while "event" not in (frame := await next_frame(client)):
        pass  # that it was added
    assert frame["event"] == "expired"
    assert frame["productId"] == added.json()["id"]
    assert frame["daysLeft"] in (0, -1)
    assert abs((datetime.fromisoformat(frame["expiresOn"]).date() - today).days) <= 1


async def test_a_read_by_any_device_or_rest_is_sent_to_every_extended_session(
    server: NodeProcess, person: Person, extended: Open, connect: Connect, rest: httpx.AsyncClient
) -> None:
    first, second, third = (each.id for each in server.notify(person, ["one", "two", "three"]))
    one, _ = await extended()
    two, _ = await extended()
    plain = await connect(server.socket_url(person.token))
    await take(plain, 4)
    for client in (one, two):
        assert [(await next_frame(client))["id"] for _ in range(3)] == [first, second, third]
    await plain.send(live.mark_read(first))
    for client in (one, two):
        assert await next_frame(client) == {"type": "READ", "ids": [first], "unread": 2}
    await rest.post(f"/api/notifications/{second}/read", headers=person.headers)
    for client in (one, two):
        assert await next_frame(client) == {"type": "READ", "ids": [second], "unread": 1}
    await rest.delete(f"/api/notifications/{third}", headers=person.headers)
    for client in (one, two):
        assert await next_frame(client) == {"type": "UNREAD", "unread": 0}
    assert await nothing_more(plain) == []


async def test_several_are_marked_read_by_one_frame(
    server: NodeProcess, person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    ids = [each.id for each in server.notify(person, [f"{n}" for n in range(5)])]
    client, _ = await extended()
    for _ in ids:
        await next_frame(client)
    await send_frame(client, action="mark_read", ids=ids[:3])
    marked = await next_frame(client)
    assert (marked["type"], set(marked["ids"]), marked["unread"]) == ("READ", set(ids[:3]), 2)
    await send_frame(client, action="mark_all_read")
    assert await next_frame(client) == {"type": "UNREAD", "unread": 0}
    answer = await rest.get("/api/notifications/unread-count", headers=person.headers)
    assert answer.json() == {"unread": 0}


@pytest.mark.parametrize(
    ("frame", "reason", "action"),
    [
        ("no JSON", "not JSON", ""),
        ("[]", "not an object", ""),
        ('{"action":"mark_read"}', "no id", "mark_read"),
        ('{"action":"mark_read","ids":[]}', "no id", "mark_read"),
        ('{"action":"mark_read","ids":[17]}', "no id", "mark_read"),
        ('{"action":"authenticate"}', "no token", "authenticate"),
        ('{"action":"dance"}', "unknown action", "dance"),
        ('{"action":"\\ud800"}', "unknown action", "?"),
        ('{"action":["mark_read"]}', "unknown action", ""),
    ],
)
async def test_a_bad_frame_is_answered_with_the_reason(
    extended: Open, frame: str, reason: str, action: str
) -> None:
    client, _ = await extended()
    await client.send(frame)
    assert await next_frame(client) == {"type": "REJECTED", "reason": reason, "action": action}


async def test_a_fresh_token_carries_the_session_on_past_the_first_ones_end(
    server: NodeProcess, person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    brief = server.token(person.id, person.session_id, seconds=3)
    client, greeting = await extended(brief)
    warning = await next_frame(client)
    assert warning == {"type": "TOKEN_EXPIRING", "expiresAt": greeting["expiresAt"]}
    watcher, _ = await extended(server.token(person.id, person.session_id, seconds=4))
    await next_frame(watcher)
    await send_frame(client, action="authenticate", access_token=person.token)
    answer = await next_frame(client)
    assert answer["type"] == "AUTHENTICATED"
    assert moment(answer["expiresAt"]) > moment(greeting["expiresAt"]) + timedelta(minutes=5)
    await watcher.wait_closed()  # the first token has ended before this one's
    assert watcher.close_code == 1008
    await live.post(rest, person, "still here")
    assert (await next_frame(client))["message"] == "still here"


async def test_a_fresh_token_of_another_user_or_of_nobody_changes_nothing(
    server: NodeProcess, extended: Open
) -> None:
    stranger = server.person()
    brief = server.token(stranger.id, stranger.session_id, seconds=3)
    client, _ = await extended(brief)
    await next_frame(client)  # TOKEN_EXPIRING
    for token in (server.person().token, "x.y.z", ""):
        await send_frame(client, action="authenticate", access_token=token)
        refusal = {"type": "REJECTED", "reason": "Invalid access token", "action": "authenticate"}
        assert await next_frame(client) == refusal
    async with asyncio.timeout(HANG_TIMEOUT):
        await client.wait_closed()
    assert (client.close_code, client.close_reason) == (1008, "Access token expired")


async def test_a_plain_client_never_gets_an_extended_frame(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    received = server.notify(person, ["kept"])
    brief = server.token(person.id, person.session_id, seconds=30)
    client = await connect(server.socket_url(brief))
    greeting, replayed = await take(client, 2)
    assert set(greeting) == {"type", "message", "userId"}
    await rest.post("/api/notifications/read-all", headers=person.headers)
    for frame in (
        {"action": "mark_read", "ids": [received[0].id]},
        {"action": "mark_all_read"},
        {"action": "authenticate", "access_token": person.token},
        {"action": "dance"},
    ):
        await client.send(json.dumps(frame))
    await live.post(rest, person, "live")
    (arisen,) = await take(client, 1)
    assert replayed.keys() == arisen.keys() == PLAIN
    assert await nothing_more(client) == []


async def next_product(client: ClientConnection) -> tuple[str, dict[str, Any]]:
    """The change and the product of the next PRODUCT frame; others are passed over."""
    while (frame := await next_frame(client))["type"] != "PRODUCT":
        pass
    assert frame.keys() == {"type", "change", "product", "householdId"}
    return frame["change"], frame["product"]


async def test_products_that_are_added_changed_or_closed_are_shown_as_rest_shows_them(
    person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    client, _ = await extended()

    async def post(path: str, **given: Any) -> dict[str, Any]:
        answer = (await rest.post(path, headers=person.headers, json=given)).json()
        shown = await rest.get(f"/api/products/{answer['id']}?include=lots", headers=person.headers)
        return dict(shown.json())

    added = await post("/api/products", name="Milk", expiryDate="2090-01-31", quantity=2)
    assert [each["quantity"] for each in added["lots"]] == ["2"]
    assert await next_product(client) == ("added", added)
    path = f"/api/products/{added['id']}"
    await rest.patch(path, headers=person.headers, json={"notes": "left"})
    changed, frame = await next_product(client)
    assert (changed, frame["notes"], frame["lots"]) == ("updated", "left", added["lots"])
    assert ("updated", await post(f"{path}/consume", quantity=1)) == await next_product(client)
    closed = await post(f"{path}/discard")
    assert [each["closedAs"] for each in closed["lots"]] == ["discarded"]
    assert await next_product(client) == ("closed", closed)
    again = await post(f"{path}/reopen")
    assert await next_product(client) == ("updated", again)
    assert (await rest.delete(path, headers=person.headers)).status_code == 204
    assert await next_product(client) == ("closed", {"id": added["id"]})


async def test_every_action_on_a_lot_sends_its_product_with_its_lots(
    person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    client, _ = await extended()
    milk = {"name": "Milk", "expiryDate": "2090-01-31", "quantity": 10}
    id_ = (await rest.post("/api/products", headers=person.headers, json=milk)).json()["id"]
    _, shown = await next_product(client)
    (lot,) = shown["lots"]
    path = f"/api/lots/{lot['id']}"
    done: dict[str, Any] = {}
    for method, url, given in (
        ("POST", f"/api/products/{id_}/lots", {"printedDate": "2090-02-28"}),
        ("PATCH", path, {"serial": "SN-1"}),
        ("POST", f"{path}/open", {"quantity": "1"}),
        ("POST", f"{path}/freeze", {"quantity": "2"}),
        ("POST", f"{path}/move", {"quantity": "3", "location": "Cellar"}),
        ("POST", f"{path}/consume", {"quantity": "1"}),
        ("POST", f"{path}/discard", {"reason": "spoiled"}),
        ("POST", "/api/movements/LAST/undo", None),
        ("DELETE", path, None),
    ):
        where = url.replace("LAST", done["movements"][-1]["id"]) if "LAST" in url else url
        answer = await rest.request(method, where, headers=person.headers, json=given)
        assert answer.is_success, (url, answer.text)
        done = answer.json() if answer.content else {}
        expected = await rest.get(f"/api/products/{id_}?include=lots", headers=person.headers)
        assert await next_product(client) == ("updated", expected.json()), url
    assert {each["location"] for each in expected.json()["lots"]} == {"", "Cellar"}
    assert expected.json()["lotCount"] == 4


async def test_a_frame_has_the_first_fifty_lots_of_a_product_and_their_number(
    person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    id_ = (await rest.post("/api/products", headers=person.headers, json={"name": "Tin"})).json()[
        "id"
    ]
    url = f"/api/products/{id_}/lots"
    for number in range(50):
        lot = {"printedDate": f"20{90 - number}-01-31"}
        assert (await rest.post(url, headers=person.headers, json=lot)).status_code == 201
    client, _ = await extended()
    await rest.patch(f"/api/products/{id_}", headers=person.headers, json={"notes": "many"})
    _, product = await next_product(client)
    every = await rest.get(f"/api/products/{id_}?include=lots", headers=person.headers)
    assert product["lotCount"] == len(every.json()["lots"]) == 51
    assert product["lots"] == every.json()["lots"][:50]


async def test_a_large_batch_is_one_notification_and_not_a_frame_for_each_product(
    person: Person, extended: Open, rest: httpx.AsyncClient
) -> None:
    client, _ = await extended()
    items = [{"name": f"Tin {n}", "expiryDate": "2090-01-31"} for n in range(60)]
    await rest.post("/api/products/batch", headers=person.headers, json={"items": items})
    summary = await next_frame(client)
    assert summary["event"] == "added"
    await client.send("PING")
    assert await next_frame(client) == {"type": "pong"}
