"""F11: one connection too many for a user or the node; floods of handshakes, good and bad."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from tests.support import process_node as live
from tests.support.bystander import bystander_of, unharmed, watched
from tests.support.foreign_clients import Client, Ended, client_of, nothing_more, take, until_closed
from tests.support.issuers import RSA, KeyServer, jwk_of, key_server, key_set
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

from useby.auth.jwks import BURST, REFETCH_SECONDS

TOO_MANY = Ended(1013, "Too many connections")
USERS, A_USER = 10, 10
"""Of a flood: who they are, and how many handshakes each has under way at a time."""
NOTES = 12
"""A flood lasts until the bystander has received so many."""
A_NOTE = 3_000
"""Handshakes that may be completed a note, at most; more, and the bystander is being starved."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f11")) as server:
        yield server


async def test_of_a_users_connections_the_33rd_is_1013_and_the_others_stay(
    server: NodeProcess, record_property: live.Record
) -> None:
    person = server.person()

    async def attack(wires: Wires) -> None:
        async with client_of("websockets") as connect:
            seated = [await connect(server.socket_url(person.token)) for _ in range(32)]
            for client in seated:
                await take(client, 1)
            for _ in range(20):
                one_more = await connect(server.socket_url(person.token))
                assert await until_closed(one_more) == ([], TOO_MANY)
            for client in seated:
                assert await nothing_more(client) == []

    await unharmed(server, record_property, attack)


async def test_beyond_max_connections_1013_until_one_leaves(
    tmp_path: Path, record_property: live.Record
) -> None:
    """Of 40, the bystander's included; the node has no file to spare for many more."""
    with watched(tmp_path, max_connections=40) as server:

        async def attack(wires: Wires) -> None:
            async with client_of("websockets") as connect:

                async def opened() -> Client:
                    client: Client = await connect(server.socket_url(server.person().token))
                    return client

                seated = [await opened() for _ in range(39)]
                for client in seated:
                    await take(client, 1)
                for _ in range(20):
                    assert await until_closed(await opened()) == ([], TOO_MANY)
                await seated[0].close()
                await take(await opened(), 1)
                for client in seated[1:]:
                    assert await nothing_more(client) == []

        await unharmed(server, record_property, attack)


async def flood(server: NodeProcess, wires: Wires, tokens: list[str]) -> float:
    """One handshake after another with each of the tokens; how many are completed a note."""
    completed = 0

    async def knock(token: str) -> None:
        nonlocal completed
        while True:
            wire = await wires.upgraded(server.socket_url(token))
            await wire.read_frame()
            completed += 1
            wire.reset()

    async with bystander_of(server) as bystander:
        await bystander.received(1)
        knocking = [asyncio.create_task(knock(token)) for token in tokens]
        listening = asyncio.create_task(bystander.received(NOTES + 1))
        await asyncio.wait([listening, *knocking], return_when=asyncio.FIRST_COMPLETED)
        for task in knocking:
            task.cancel()
        for ended in await asyncio.gather(*knocking, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended
        await listening
    assert completed > len(tokens)
    return completed / NOTES


async def test_a_flood_of_good_tokens_is_admitted_while_live_delivery_goes_on(
    server: NodeProcess, record_property: live.Record
) -> None:
    people = [server.person() for _ in range(USERS)]
    tokens = [person.token for person in people for _ in range(A_USER)]

    async def attack(wires: Wires) -> None:
        a_note = await flood(server, wires, tokens)
        record_property("handshakes_a_note", a_note)
        assert a_note < A_NOTE

    await unharmed(server, record_property, attack)


# tokens of an outside issuer


@pytest.fixture
async def keys() -> AsyncIterator[KeyServer]:
    async with key_server() as keys:
        keys.body = key_set(jwk_of("RS256", "1"))
        yield keys


@pytest.fixture
def outside(tmp_path: Path, keys: KeyServer) -> Iterator[NodeProcess]:
    """A node that fetches an outside issuer's keys."""
    with watched(tmp_path, jwt_jwks_url=keys.url, jwt_auto_provision="true") as server:
        yield server


def token_of(user: str, kid: str) -> str:
    now = int(datetime.now(UTC).timestamp())
    return jwt.encode({"sub": user, "iat": now, "exp": now + 600}, RSA, "RS256", {"kid": kid})


async def test_a_flood_of_bad_tokens_is_refused_and_an_outside_issuer_is_asked_rarely(
    outside: NodeProcess, keys: KeyServer, record_property: live.Record
) -> None:
    """Of keys that nobody has, of signatures that are wrong, of no form at all."""
    good = token_of("outsider", "1")
    signed, _, signature = good.rpartition(".")
    bad = [f"nonsense-{n}" for n in range(30)]
    bad += [token_of("outsider", f"unknown-{n}") for n in range(40)]
    bad += [f"{signed}.{n:04}{signature[4:]}" for n in range(30)]
    outside.secrets |= {good, *bad}
    began = time.monotonic()

    async def attack(wires: Wires) -> None:
        a_note = await flood(outside, wires, bad)
        record_property("handshakes_a_note", a_note)
        assert a_note < A_NOTE

    await unharmed(outside, record_property, attack)
    async with client_of("websockets") as connect:
        for token in bad[::10]:
            refused = await connect(outside.socket_url(token))
            assert await until_closed(refused) == ([], Ended(1008, "Invalid access token"))
        client = await connect(outside.socket_url(good))
        assert (await take(client, 1))[0]["userId"] == "outsider"
    assert len(keys.requests) <= 1 + BURST + (time.monotonic() - began) // REFETCH_SECONDS + 1
