"""Contract, section 5: closing. Each row of its table, and what follows from a close."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import jwt
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import (
    Client,
    Connect,
    Ended,
    client_of,
    nothing_more,
    take,
    until_closed,
)
from tests.support.issuers import RSA, key_server
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import CLOSE, CONT, PING, TEXT, Wires, close_frame, frame

TOO_MANY = Ended(1013, "Too many connections")
REVOKED = Ended(1008, "Access revoked")
LONG = "\U0001f95b" * 1000
"""The longest message there is: 4,000 bytes."""


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with short times and small numbers."""
    with live.serving(
        tmp_path_factory.mktemp("hurried"),
        ping_interval=0.2,
        ping_timeout=3,
        message_timeout=0.1,
        close_timeout=0.3,
        connections_per_user=2,
        frames_burst=30,
        frames_per_second=0.001,
    ) as server:
        yield server


@pytest.fixture
async def hurried_rest(hurried: NodeProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with hurried.rest() as rest:
        yield rest


async def opened(server: NodeProcess, who: Person | str, connect: Connect) -> Client:
    """A connection, by a person's token or this one, that has had its first frame."""
    token = who if isinstance(who, str) else who.token
    client: Client = await connect(server.socket_url(token))
    await take(client, 1)
    return client


# the table, row by row


async def test_no_token_1008_access_token_required(server: NodeProcess, connect: Connect) -> None:
    client = await connect(server.socket_url())
    assert await until_closed(client) == ([], Ended(1008, "Access token required"))


async def test_token_bad_at_opening_1008(server: NodeProcess, connect: Connect) -> None:
    client = await connect(server.socket_url("bad"))
    assert await until_closed(client) == ([], Ended(1008, "Invalid access token"))


async def test_token_expires_while_connected_at_exp_1008_access_token_expired(
    server: NodeProcess, person: Person, everyone: list[Connect]
) -> None:
    token = server.token(person.id, person.session_id, seconds=5)
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    connections = [await opened(server, token, connect) for connect in everyone]
    ends = await asyncio.gather(*(until_closed(client) for client in connections))
    assert ends == [([], Ended(1008, "Access token expired"))] * 3
    assert datetime.now(UTC).timestamp() >= expires


async def test_user_disabled_1008_access_revoked(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    server.disable(person)
    assert await until_closed(client) == ([], REVOKED)


async def test_signed_out_everywhere_1008_access_revoked(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    devices = [await opened(server, person, connect) for _ in range(2)]
    answer = await rest.post("/api/auth/logout-all", headers=person.headers)
    assert answer.status_code == 204
    for client in devices:
        assert await until_closed(client) == ([], REVOKED)


async def test_server_shuts_down_1001_server_shutting_down(
    tmp_path: Path, everyone: list[Connect]
) -> None:
    with live.serving(tmp_path) as server:
        person = server.person()
        connections = [await opened(server, person, connect) for connect in everyone]
        status, *ends = await asyncio.gather(
            asyncio.to_thread(server.stop), *(until_closed(client) for client in connections)
        )
    assert status == 0
    assert ends == [([], Ended(1001, "Server shutting down"))] * 3


@pytest.mark.parametrize("connect", ["aiohttp", "ws"], indirect=True)
async def test_peer_answers_no_protocol_ping_within_the_limit_1011_keepalive_timeout(
    hurried: NodeProcess, connect: Connect
) -> None:
    """The third client, ``websockets``, can't be kept from answering."""
    person = hurried.person()
    client = await connect(hurried.socket_url(person.token), answers_pings=False)
    await take(client, 1)
    assert await until_closed(client) == ([], Ended(1011, "Keepalive timeout"))


async def test_after_1011_a_peer_that_does_not_answer_it_either_is_dropped(
    hurried: NodeProcess, wires: Wires
) -> None:
    wire = await wires.opened(hurried.socket_url(hurried.person().token))
    frames = await wire.read_frames()
    assert {each.opcode for each in frames[:-1]} == {PING}
    assert frames[-1].closing == (1011, "Keepalive timeout")


async def test_a_peer_that_answers_protocol_pings_stays(
    hurried: NodeProcess, connect: Connect
) -> None:
    """Until a peer that came later and doesn't answer has been closed, so its pings were many."""
    client = await opened(hurried, hurried.person(), connect)
    reading = asyncio.create_task(client.recv())  # aiohttp answers pings only while it reads
    async with client_of("aiohttp") as deaf:
        other = await deaf(hurried.socket_url(hurried.person().token), answers_pings=False)
        assert (await until_closed(other))[1].code == 1011
    assert not reading.done()
    await client.send("PING")
    assert await reading == '{"type":"pong"}'


async def test_client_reads_too_slowly_1013_too_slow(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    """And a second device of the same user, which reads, gets everything."""
    slow, quick = [await opened(server, person, connect) for _ in range(2)]
    await slow.pause()
    before = await live.metric(
        rest, "useby_connections_closed_total", code="1013", reason="Too slow"
    )
    sent: list[str] = []
    received: list[str] = []

    async def closed(name: str = "useby_connections_closed_total") -> bool:
        return await live.metric(rest, name, code="1013", reason="Too slow") > before

    async def read_once_closed() -> tuple[list[str], Ended]:
        """Read at once: the node waits a second for a slow peer to take its Close."""
        await live.until(closed)
        await slow.resume()
        return await until_closed(slow)

    reading = asyncio.create_task(read_once_closed())
    while not reading.done():
        posts = [live.post(rest, person, LONG, productName=LONG[:200]) for _ in range(20)]
        sent += [each["id"] for each in await asyncio.gather(*posts)]
        received += [each["id"] for each in await take(quick, 20)]
        assert len(sent) < 4000, "the server keeps it all for a client that doesn't read"
    frames, ended = await reading
    assert ended == Ended(1013, "Too slow")
    assert 0 < len(frames) < len(sent)
    assert sorted(received) == sorted(sent)


async def test_too_many_connections_for_this_user_1013(
    hurried: NodeProcess, connect: Connect
) -> None:
    person = hurried.person()
    first, second = [await opened(hurried, person, connect) for _ in range(2)]
    third = await connect(hurried.socket_url(person.token))
    assert await until_closed(third) == ([], TOO_MANY)
    assert await nothing_more(first) == await nothing_more(second) == []
    another = hurried.person()
    await opened(hurried, another, connect)


async def test_an_outside_issuers_keys_cannot_be_fetched_now_1013_issuer_unavailable(
    tmp_path: Path, everyone: list[Connect]
) -> None:
    now = int(datetime.now(UTC).timestamp())
    claims = {"sub": "outsider", "iat": now, "exp": now + 600}
    token = jwt.encode(claims, RSA, "RS256", {"kid": "1"})
    async with key_server() as keys:
        keys.status = "503 Service Unavailable"
        with live.serving(tmp_path, jwt_jwks_url=keys.url) as server:
            server.secrets.add(token)
            for connect in everyone:
                client = await connect(server.socket_url(token))
                assert await until_closed(client) == ([], Ended(1013, "Issuer unavailable"))


async def test_too_many_connections_for_this_server_1013(
    tmp_path: Path, everyone: list[Connect]
) -> None:
    with live.serving(tmp_path, max_connections=2) as server:
        for connect in everyone:
            seated = [await opened(server, server.person(), connect) for _ in range(2)]
            one_more = await connect(server.socket_url(server.person().token))
            assert await until_closed(one_more) == ([], TOO_MANY)
            for client in seated:
                await client.close()


async def test_frame_over_the_size_bound_1009(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    await client.send("x" * 4097)
    assert (await until_closed(client))[1].code == 1009


async def test_binary_frame_1003(server: NodeProcess, person: Person, connect: Connect) -> None:
    client = await opened(server, person, connect)
    await client.send_binary(b"x")
    assert (await until_closed(client))[1].code == 1003


@pytest.mark.parametrize("data", [b"\xff", b"PING\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
async def test_broken_utf_8_1007(
    server: NodeProcess, person: Person, connect: Connect, data: bytes
) -> None:
    client = await opened(server, person, connect)
    await client.send_text_bytes(data)
    assert (await until_closed(client))[1].code == 1007


VIOLATIONS = {
    "an unmasked frame": frame(TEXT, b"PING", masked=False),
    "a reserved bit": frame(TEXT, b"PING", reserved=0x40),
    "a compressed frame, though none was agreed on": frame(TEXT, b"x", reserved=0x40),
    "an unknown opcode": frame(3, b"x"),
    "an unknown control opcode": frame(11, b"x"),
    "a control frame of 126 bytes": frame(PING, b"x" * 126),
    "a fragmented control frame": frame(PING, b"x", fin=False),
    "a continuation of nothing": frame(CONT, b"x"),
    "a message within a message": frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
    "a Close of one byte": frame(CLOSE, b"\x03"),
    "a Close with a code that nobody may send": close_frame(1005),
}


@pytest.mark.parametrize("data", VIOLATIONS.values(), ids=VIOLATIONS.keys())
async def test_protocol_error_1002(
    server: NodeProcess, person: Person, wires: Wires, data: bytes
) -> None:
    wire = await wires.opened(server.socket_url(person.token))
    await wire.send(data)
    assert (await wire.read_close())[0] == 1002


async def test_too_many_client_frames_1008_rate_limit_exceeded(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    for _ in range(200):
        await client.send("PING")
    frames, ended = await until_closed(client)
    assert ended == Ended(1008, "Rate limit exceeded")
    assert len(frames) >= 60


async def test_a_message_that_never_ends_1008_message_timeout(
    hurried: NodeProcess, wires: Wires
) -> None:
    wire = await wires.opened(hurried.socket_url(hurried.person().token))
    await wire.send(frame(TEXT, b"PI", fin=False))
    while (got := await wire.read_frame()).opcode == PING:
        await wire.send(frame(10, got.data))
    assert got.closing == (1008, "Message timeout")


# what follows from a close


async def test_on_any_close_the_connection_leaves_the_pool_of_active_connections_at_once(
    hurried: NodeProcess, connect: Connect
) -> None:
    """Two are allowed: the next opens as soon as the one before has gone."""
    person = hurried.person()
    await opened(hurried, person, connect)
    second = await opened(hurried, person, connect)
    await second.close()  # by the client
    second = await opened(hurried, person, connect)
    await second.send_binary(b"x")  # by the server
    await until_closed(second)
    second = await opened(hurried, person, connect)
    third = await connect(hurried.socket_url(person.token))
    assert await until_closed(third) == ([], TOO_MANY)


async def test_a_connection_that_is_reset_leaves_the_pool(
    server: NodeProcess, person: Person, wires: Wires
) -> None:
    for _ in range(40):
        wire = await wires.opened(server.socket_url(person.token))
        wire.reset()


async def test_an_unread_notification_is_sent_again_on_the_next_connection(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    reply = server.notify(person, ["one", "two", "three"])
    client = await connect(server.socket_url(person.token))
    await take(client, 4)
    await client.send(live.mark_read(reply[1].id))
    await client.send_binary(b"the server closes")
    await until_closed(client)
    again = await connect(server.socket_url(person.token))
    _, *frames = await live.all_sent(again, rest, person)
    assert [each["id"] for each in frames] == [reply[0].id, reply[2].id]


CUT = {
    "too big": (1009, frame(TEXT, b"x" * 4097)),
    "binary": (1003, frame(2, b"x")),
    "broken UTF-8": (1007, frame(TEXT, b"\xff")),
    "protocol error": (1002, frame(CONT, b"x")),
    "rate": (1008, frame(TEXT) * 31),
    "message timeout": (1008, frame(TEXT, b"x", fin=False)),
    "keepalive": (1011, b""),
}


@pytest.mark.parametrize(("code", "data"), CUT.values(), ids=CUT.keys())
async def test_a_peer_that_does_not_answer_our_close_in_time_is_cut(
    hurried: NodeProcess, wires: Wires, code: int, data: bytes
) -> None:
    wire = await wires.opened(hurried.socket_url(hurried.person().token))
    await wire.send(data)
    frames = await wire.read_frames()
    assert frames[-1].closing[0] == code


@pytest.mark.parametrize("token", [None, "bad", "expired", "gone"])
async def test_an_unanswered_close_at_opening_ends_in_a_cut_connection(
    hurried: NodeProcess, wires: Wires, token: str | None
) -> None:
    person = hurried.person()
    if token == "expired":
        token = hurried.token(person.id, person.session_id, seconds=-5)
    elif token == "gone":
        hurried.delete(person)
        token = person.token
    wire = await wires.upgraded(hurried.socket_url(token))
    (only,) = await wire.read_frames()
    assert only.closing[0] == 1008


async def test_unanswered_closes_for_too_many_and_revoked_end_in_a_cut_connection(
    hurried: NodeProcess, wires: Wires, hurried_rest: httpx.AsyncClient
) -> None:
    person = hurried.person()
    connections = [await wires.opened(hurried.socket_url(person.token)) for _ in range(2)]
    refused = await wires.upgraded(hurried.socket_url(person.token))
    (only,) = await refused.read_frames()
    assert only.closing == (1013, "Too many connections")
    for wire in connections:
        wire.reset()
    wire = await wires.opened(hurried.socket_url(person.token))
    await hurried_rest.post("/api/auth/logout-all", headers=person.headers)
    assert (await wire.read_frames())[-1].closing == (1008, "Access revoked")


async def test_the_peers_close_is_answered_with_its_code(
    server: NodeProcess, person: Person, wires: Wires
) -> None:
    for code in (1000, 1001, 3000, 4999):
        wire = await wires.opened(server.socket_url(person.token))
        await wire.send(close_frame(code, "bye"))
        frames = await wire.read_frames()
        assert [each.closing[0] for each in frames] == [code]


async def test_no_frame_is_sent_after_a_close(
    server: NodeProcess, person: Person, wires: Wires, rest: httpx.AsyncClient
) -> None:
    wire = await wires.opened(server.socket_url(person.token))
    await wire.send(frame(2, b"x"))
    await wire.read_close()
    await live.post(rest, person, "to nobody")
    await wire.send(frame(TEXT, b"PING") + frame(PING, b"x") + close_frame(1000))
    assert await wire.read_frames() == []
