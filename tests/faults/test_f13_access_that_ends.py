"""F13: access ends while connected, in every way; a second's grace for each, and nothing after.

The wall clock that jumps is in ``tests/realtime/test_hub.py``.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import jwt
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import (
    Connect,
    Ended,
    client_of,
    nothing_more,
    take,
    until_closed,
)
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import Wires

REVOKED = Ended(1008, "Access revoked")
EXPIRED = Ended(1008, "Access token expired")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f13")) as server:
        yield server


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with client_of("websockets") as connect:
        yield connect


async def account(server: NodeProcess, rest: httpx.AsyncClient, email: str) -> dict[str, str]:
    """A new account by REST."""
    made = {"email": email, "password": "correct horse battery"}
    assert (await rest.post("/api/auth/signup", json=made)).status_code == 202
    server.secrets.add(made["password"])
    return made


async def login(server: NodeProcess, rest: httpx.AsyncClient, account: dict[str, str]) -> Any:
    """A sign-in's tokens and the headers that show them."""
    answer = await rest.post("/api/auth/login", json=account)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    server.secrets |= {tokens["accessToken"], tokens["refreshToken"]}
    return tokens["accessToken"], {"Authorization": f"Bearer {tokens['accessToken']}"}


async def test_a_token_that_expires_during_a_replay_ends_it_and_nothing_is_sent_after(
    server: NodeProcess, connect: Connect, record_property: live.Record
) -> None:
    person = server.person()
    server.notify(person, [f"{number} " + "x" * 900 for number in range(5000)])

    async def attack(_: Wires) -> None:
        token = server.token(person.id, person.session_id, seconds=5)
        client = await connect(server.socket_url(token))
        await take(client, 50)
        other = await connect(server.socket_url(token))
        assert (await until_closed(other))[1] == EXPIRED  # it has read all, this one waits
        frames, ended = await until_closed(client)
        assert ended == EXPIRED
        assert len(frames) < 5000

    await unharmed(server, record_property, attack)


async def test_a_token_ends_at_its_exp_and_not_before(
    server: NodeProcess, connect: Connect
) -> None:
    """Both connections of one second end, and one whose token lasts longer stays."""
    person = server.person()
    token = server.token(person.id, person.session_id, seconds=5)
    stays = await connect(server.socket_url(person.token))
    await take(stays, 1)
    both = [await connect(server.socket_url(token)) for _ in range(2)]
    for frames, ended in await asyncio.gather(*(until_closed(each) for each in both)):
        assert (len(frames), ended) == (1, EXPIRED)
    exp = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert live.now() >= exp
    assert await nothing_more(stays) == []


async def test_a_disabled_user_is_disconnected_and_cannot_reconnect(
    server: NodeProcess, connect: Connect
) -> None:
    person = server.person()
    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    server.disable(person)
    assert await until_closed(client) == ([], REVOKED)
    again = await connect(server.socket_url(person.token))
    assert await until_closed(again) == ([], Ended(1008, "Unknown user"))
    line = f"a token was refused: account: {person.id!r} is disabled"
    await live.until(lambda: line in server.log)


async def test_logout_all_closes_every_device_of_that_user_and_of_no_other(
    server: NodeProcess, rest: httpx.AsyncClient, connect: Connect
) -> None:
    person, stranger = server.person(), server.person()
    devices = [await connect(server.socket_url(person.token)) for _ in range(3)]
    theirs = await connect(server.socket_url(stranger.token))
    for client in (*devices, theirs):
        await take(client, 1)
    await rest.post("/api/auth/logout-all", headers=person.headers)
    for client in devices:
        assert await until_closed(client) == ([], REVOKED)
    again = await connect(server.socket_url(person.token))
    assert await until_closed(again) == ([], REVOKED)
    line = f"a token was refused: sign-in: it has ended (user {person.id!r})"
    await live.until(lambda: line in server.log)
    assert await nothing_more(theirs) == []


async def test_a_password_change_closes_every_other_sign_in_and_not_its_own(
    server: NodeProcess, rest: httpx.AsyncClient, connect: Connect
) -> None:
    owner = await account(server, rest, "changes@example.org")
    here, headers = await login(server, rest, owner)
    elsewhere, _ = await login(server, rest, owner)
    mine, other = [await connect(server.socket_url(token)) for token in (here, elsewhere)]
    for client in (mine, other):
        await take(client, 1)
    change = {"password": "another long password", "currentPassword": owner["password"]}
    answer = await rest.patch("/api/me", headers=headers, json=change)
    assert answer.status_code == 200, answer.text
    assert await until_closed(other) == ([], REVOKED)
    assert await nothing_more(mine) == []


async def test_a_deleted_user_is_disconnected_and_unknown_from_then_on(
    server: NodeProcess, rest: httpx.AsyncClient, connect: Connect
) -> None:
    owner = await account(server, rest, "deleted@example.org")
    token, headers = await login(server, rest, owner)
    client = await connect(server.socket_url(token))
    await take(client, 1)
    body = {"password": owner["password"]}
    answer = await rest.request("DELETE", "/api/me", headers=headers, json=body)
    assert answer.status_code == 204, answer.text
    assert await until_closed(client) == ([], REVOKED)
    again = await connect(server.socket_url(token))
    assert await until_closed(again) == ([], Ended(1008, "Unknown user"))


async def test_no_notification_is_sent_after_access_has_ended(
    server: NodeProcess, rest: httpx.AsyncClient, connect: Connect
) -> None:
    """Notifications are being written all the while; after the last sign-out none arrives."""
    person = server.person()
    stop = asyncio.Event()

    async def write(who: Person) -> None:
        while not stop.is_set():
            await asyncio.to_thread(server.notify, who, ["more"])

    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    writing = asyncio.create_task(write(person))
    await take(client, 5)
    answer = await rest.post("/api/auth/logout-all", headers=person.headers)
    assert answer.status_code == 204
    (received,) = server.notify(person, ["never to be sent"])
    frames, ended = await until_closed(client)
    stop.set()
    await writing
    assert ended == REVOKED
    assert all(received.id not in frame for frame in frames)
