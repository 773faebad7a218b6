"""Contract, section 7: limits, each at its edge: what just fits is served, one more is not."""

import asyncio
import contextlib
from collections.abc import Iterator

import httpx
import jwt
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import Client, Connect, Ended, nothing_more, take, until_closed
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import CONT, PING, PONG, TEXT, Wire, Wires, frame, head

HEALTH = "/api/health/live"
LONG = "\U0001f95b" * 1000


async def opened(server: NodeProcess, person: Person, connect: Connect) -> Client:
    """A connection that has had its first frame."""
    client: Client = await connect(server.socket_url(person.token))
    await take(client, 1)
    return client


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with short times, and a burst of 200 frames that hardly fills up again."""
    with live.serving(
        tmp_path_factory.mktemp("tight"),
        head_timeout=2,
        message_timeout=1,
        close_timeout=0.3,
        frames_burst=200,
        frames_per_second=0.001,
    ) as server:
        yield server


# the request's head


def request(target: str = HEALTH, headers: int = 1, size: int | None = None) -> bytes:
    """A GET with so many headers, padded to ``size`` bytes in all."""
    lines = [f"GET {target} HTTP/1.1", "Host: localhost"]
    lines += [f"X-{number}: y" for number in range(headers - 1)]
    text = "\r\n".join(lines) + "\r\n\r\n"
    if size is not None:
        text = text[:-4] + "y" * (size - len(text)) + "\r\n\r\n"
    assert size in (None, len(text))
    return text.encode()


async def status(server: NodeProcess, wires: Wires, data: bytes) -> int:
    """The status that this request is answered with."""
    wire = await wires.tcp(server.url)
    await wire.send(data)
    return (await wire.read_head())[0]


@pytest.mark.parametrize(("size", "expected"), [(16 * 1024, 200), (16 * 1024 + 1, 431)])
async def test_request_head_16_kib(
    server: NodeProcess, wires: Wires, size: int, expected: int
) -> None:
    assert await status(server, wires, request(headers=2, size=size)) == expected


@pytest.mark.parametrize(("count", "expected"), [(64, 200), (65, 431)])
async def test_request_head_64_headers(
    server: NodeProcess, wires: Wires, count: int, expected: int
) -> None:
    assert await status(server, wires, request(headers=count)) == expected


@pytest.mark.parametrize(("size", "expected"), [(8 * 1024, 200), (8 * 1024 + 1, 414)])
async def test_request_head_8_kib_of_url(
    server: NodeProcess, wires: Wires, size: int, expected: int
) -> None:
    target = f"{HEALTH}?q=".ljust(size, "x")
    assert await status(server, wires, request(target)) == expected


async def test_request_heads_of_an_upgrade_have_the_same_bounds(
    server: NodeProcess, person: Person, wires: Wires
) -> None:
    start = f"/api/ws/notification?access_token={person.token}&pad="
    fits = await wires.upgraded(server.url + start.ljust(8 * 1024, "x"))
    assert b"CONNECTION_ESTABLISHED" in (await fits.read_answer()).data
    for headers in ({f"X-{number}": "y" for number in range(60)}, {"X": "y" * 16 * 1024}):
        wire = await wires.tcp(server.url)
        await wire.send(head(start, headers))
        assert (await wire.read_head())[0] == 431


async def trickle(wire: Wire, data: bytes) -> None:
    """Send a byte again and again until the server ends the connection."""
    ended = asyncio.create_task(wire.read_to_end())
    with contextlib.suppress(ConnectionError):
        while not ended.done():
            await wire.send(data)
            await asyncio.wait([ended], timeout=0.02)
    await ended


@pytest.mark.parametrize("start", [b"", b"GET /", b"GET / HTTP/1.1\r\nX: "])
async def test_request_head_complete_within_its_time_whatever_trickles_in(
    tight: NodeProcess, wires: Wires, start: bytes
) -> None:
    wire = await wires.tcp(tight.url)
    await wire.send(start)
    await trickle(wire, b"G")


async def test_a_connection_that_sends_nothing_ends_at_the_same_deadline(
    tight: NodeProcess, wires: Wires
) -> None:
    wire = await wires.tcp(tight.url)
    assert await wire.read_to_end() == b""


def token_of_size(server: NodeProcess, person: Person, size: int) -> str:
    """A token that is good but for its size."""
    claims = jwt.decode(person.token, options={"verify_signature": False})
    for header_pad in range(4):  # base64 has no text of every length
        headers = {"typ": "at+jwt", "pad": "x" * header_pad}
        for pad in range(3 * size // 4 - 400, size):
            token = jwt.encode(claims | {"pad": "x" * pad}, server.key, "HS256", headers=headers)
            if len(token) == size:
                server.secrets.add(token)
                return token
            if len(token) > size:
                break
    raise AssertionError(size)


async def test_token_4_kib_opens_and_a_byte_more_is_1008_invalid_access_token(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    fits = await connect(server.socket_url(token_of_size(server, person, 4096)))
    assert (await take(fits, 1))[0]["userId"] == person.id
    over = await connect(server.socket_url(token_of_size(server, person, 4097)))
    assert await until_closed(over) == ([], Ended(1008, "Invalid access token"))


# a client's message


async def test_client_message_4_kib_is_taken_and_a_byte_more_is_1009(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await opened(server, person, connect)
    await client.send("x" * 4096)
    assert await nothing_more(client) == []
    await client.send("x" * 4097)
    assert (await until_closed(client))[1].code == 1009


@pytest.mark.parametrize(("size", "taken"), [(1024, True), (1025, False)])
async def test_client_message_4_kib_in_fragments_is_taken_and_a_byte_more_is_1009(
    server: NodeProcess, person: Person, wires: Wires, size: int, *, taken: bool
) -> None:
    wire = await wires.opened(server.socket_url(person.token))
    parts = [
        frame(TEXT if n == 0 else CONT, b"x" * (size if n == 3 else 1024), fin=n == 3)
        for n in range(4)
    ]
    await wire.send(b"".join(parts) + frame(TEXT, b"PING"))
    if taken:
        assert (await wire.read_answer()).data == b'{"type":"pong"}'
    else:
        assert (await wire.read_close())[0] == 1009


@pytest.mark.parametrize("whole", [2**16, 2**62])
async def test_a_client_message_too_long_is_detected_from_its_header_alone(
    server: NodeProcess, person: Person, wires: Wires, whole: int
) -> None:
    wire = await wires.opened(server.socket_url(person.token))
    await wire.send(b"\x81\xff" + whole.to_bytes(8, "big") + b"mask")
    assert (await wire.read_close())[0] == 1009


def in_fragments(text: bytes, count: int) -> bytes:
    """A message in so many fragments, the last ones empty."""
    return b"".join(
        frame(CONT if n else TEXT, text[n : n + 1], fin=n == count - 1) for n in range(count)
    )


async def test_client_message_in_64_fragments_is_taken_and_in_65_is_1009(
    tight: NodeProcess, wires: Wires
) -> None:
    wire = await wires.opened(tight.socket_url(tight.person().token))
    await wire.send(in_fragments(b"PING", 64))
    assert (await wire.read_answer()).data == b'{"type":"pong"}'
    await wire.send(in_fragments(b"PING", 65))
    assert (await wire.read_close())[0] == 1009


@pytest.mark.parametrize(
    "start",
    [b"\x81", frame(TEXT, b"PING")[:-1], frame(TEXT, b"PING", fin=False), frame(PING, b"x")[:3]],
    ids=["a byte of a header", "all but a byte", "a fragment", "part of a ping"],
)
async def test_client_message_complete_within_its_time_or_1008_message_timeout(
    tight: NodeProcess, wires: Wires, start: bytes
) -> None:
    wire = await wires.opened(tight.socket_url(tight.person().token))
    await wire.send(start)
    assert await wire.read_close() == (1008, "Message timeout")


async def test_the_time_counts_from_the_messages_first_byte_however_it_trickles(
    tight: NodeProcess, wires: Wires
) -> None:
    wire = await wires.opened(tight.socket_url(tight.person().token))
    await wire.send(b"\x81\xfe\x0f\xffmask")  # a frame of 4,095 bytes begins
    await trickle(wire, b"x")


async def test_the_time_ends_with_the_message_and_a_quiet_connection_stays(
    tight: NodeProcess, wires: Wires
) -> None:
    """Longer than the limit: until another connection's unfinished message has timed out."""
    quiet = await wires.opened(tight.socket_url(tight.person().token))
    await quiet.send(frame(TEXT, b"PI", fin=False))
    await quiet.send(frame(CONT, b"NG"))
    assert (await quiet.read_answer()).data == b'{"type":"pong"}'
    late = await wires.opened(tight.socket_url(tight.person().token))
    await late.send(frame(TEXT, b"PI", fin=False))
    assert (await late.read_close())[1] == "Message timeout"
    await quiet.send(frame(TEXT, b"PING"))
    assert (await quiet.read_answer()).data == b'{"type":"pong"}'


# client frames


async def test_a_burst_of_60_client_frames_is_answered(
    server: NodeProcess, person: Person, wires: Wires
) -> None:
    wire = await wires.opened(server.socket_url(person.token))
    await wire.send(frame(TEXT, b"PING") * 60)
    frames = [await wire.read_answer() for _ in range(60)]
    assert {each.data for each in frames} == {b'{"type":"pong"}'}


async def test_frames_are_allowed_again_at_20_a_second(
    server: NodeProcess, person: Person, wires: Wires
) -> None:
    """A second passes; its end is that of another token, which is made after the burst."""
    wire = await wires.opened(server.socket_url(person.token))

    async def pings(count: int) -> None:
        await wire.send(frame(TEXT, b"PING") * count)
        assert [(await wire.read_answer()).opcode for _ in range(count)] == [TEXT] * count

    await pings(60)
    brief = server.token(person.id, person.session_id, seconds=2)
    watch = await wires.upgraded(server.socket_url(brief))
    assert (await watch.read_close())[1] == "Access token expired"
    await pings(15)


KINDS = {
    "texts": frame(TEXT, b"PING"),
    "empty texts": frame(TEXT),
    "pings": frame(PING, b"x"),
    "empty pings": frame(PING),
    "pongs": frame(PONG, b"x"),
    "empty pongs": frame(PONG),
    "fragments": frame(TEXT, b"x", fin=False) + frame(CONT),
}


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS.keys())
async def test_client_frames_of_every_kind_control_and_empty_ones_too_1008_rate_limit_exceeded(
    tight: NodeProcess, wires: Wires, data: bytes
) -> None:
    """Here 200 are allowed, and time gives back as good as none."""
    wire = await wires.opened(tight.socket_url(tight.person().token))
    number = 200 // (2 if data == KINDS["fragments"] else 1)
    await wire.send(data * (number - 1) + frame(TEXT, b"PING") * (200 // number))
    pongs = 0
    while pongs < 200 // number:
        got = await wire.read_frame()
        assert got.opcode != 8, got
        pongs += got.data == b'{"type":"pong"}'
    await wire.send(data)
    assert await wire.read_close() == (1008, "Rate limit exceeded")


# numbers of connections


async def test_32_connections_a_user_and_the_33rd_is_1013_too_many_connections(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    seated = [await opened(server, person, connect) for _ in range(32)]
    one_more = await connect(server.socket_url(person.token))
    assert await until_closed(one_more) == ([], Ended(1013, "Too many connections"))
    assert await nothing_more(seated[0]) == []
    await seated[5].close()
    await opened(server, person, connect)


# what is buffered


async def test_send_buffer_256_kib_in_the_process_and_so_sndbuf_64_kib_in_the_kernel_1013(
    server: NodeProcess, person: Person, wires: Wires, rest: httpx.AsyncClient
) -> None:
    """All that a peer which doesn't read is given is what those buffers held."""
    closed = {"name": "useby_connections_closed_total", "code": "1013", "reason": "Too slow"}
    wire = await wires.opened(server.socket_url(person.token), receive_buffer=4096)
    before = await live.metric(rest, **closed)
    while await live.metric(rest, **closed) == before:
        posts = [live.post(rest, person, LONG, productName=LONG[:200]) for _ in range(10)]
        await asyncio.gather(*posts)
    got = wire.received
    assert await wire.read_close() == (1013, "Too slow")
    kib = (wire.received - got) / 1024
    assert 256 <= kib <= 256 + 2 * 64 + 16


# compression


async def test_compression_is_declined(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    """Each of the clients offers it."""
    client = await opened(server, person, connect)
    assert not client.compressed
