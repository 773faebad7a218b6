"""Contract, section 7: its defaults, the metric of each limit, and what just fits."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
from tests.support import process_node as live
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import CONT, PING, TEXT, Wires, close_frame, frame, head
from tests.support.settings import SettingsWithoutFile

DEFAULTS = {
    "head_max_bytes": 16 * 1024,
    "head_max_headers": 64,
    "url_max_bytes": 8 * 1024,
    "head_timeout": 10,
    "token_max_bytes": 4 * 1024,
    "message_max_bytes": 4 * 1024,
    "message_max_fragments": 64,
    "message_timeout": 10,
    "frames_per_second": 20,
    "frames_burst": 60,
    "connections_per_user": 32,
    "max_connections": None,
    "send_buffer_bytes": 256 * 1024,
    "kernel_send_buffer_bytes": 64 * 1024,
    "ping_interval": 25,
    "ping_timeout": 20,
    "close_timeout": 5,
}
LONG = "\U0001f95b" * 1000
"""The longest message there is: 4,000 bytes."""
WAITING = 50
"""So many are 200 KB: some 70 in the kernels' buffers, half of the bound in the process."""


def test_the_defaults_are_the_contracts() -> None:
    settings = SettingsWithoutFile()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with short times and small numbers; a connection has 20 frames in all."""
    with live.serving(
        tmp_path_factory.mktemp("small"),
        head_timeout=2,
        message_timeout=1,
        close_timeout=0.3,
        ping_interval=0.4,
        ping_timeout=3,
        connections_per_user=2,
        frames_burst=20,
        frames_per_second=0.001,
        message_max_fragments=8,
        max_connections=20,
    ) as server:
        yield server


@pytest.fixture
async def rest(small: NodeProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with small.rest() as rest:
        yield rest


async def head_too_large(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.tcp(server.url)
    await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 16 * 1024)
    await wire.read_to_end()


async def head_of_65_headers(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.tcp(server.url)
    await wire.send(head("/api/ws/notification", {f"X-{n}": "y" for n in range(60)}))
    await wire.read_to_end()


async def url_too_long(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.tcp(server.url)
    await wire.send(head("/".ljust(8 * 1024 + 1, "x")))
    await wire.read_to_end()


async def head_too_late(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.tcp(server.url)
    await wire.send(b"GET / HTTP/1.1\r\n")
    await wire.read_to_end()


def sends(data: bytes) -> Callable[[NodeProcess, Wires], Awaitable[None]]:
    """A connection that sends this once it is open."""

    async def attack(server: NodeProcess, wires: Wires) -> None:
        wire = await wires.opened(server.socket_url(server.person().token))
        await wire.send(data)
        await wire.read_to_end()

    return attack


async def token_too_long(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.upgraded(server.socket_url("x" * 4097))
    await wire.read_close()


async def one_connection_too_many(server: NodeProcess, wires: Wires) -> None:
    person = server.person()
    for _ in range(2):
        await wires.opened(server.socket_url(person.token))
    await (await wires.upgraded(server.socket_url(person.token))).read_close()


async def one_too_many_for_the_node(server: NodeProcess, wires: Wires) -> None:
    for _ in range(20):
        await wires.upgraded(server.socket_url(server.person().token))
    one_more = await wires.upgraded(server.socket_url(server.person().token))
    assert await one_more.read_close() == (1013, "Too many connections")


async def no_answer_to_pings(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.opened(server.socket_url(server.person().token))
    await wire.read_close()


LIMITS = {
    "a head of more than 16 KiB": (head_too_large, {"reason": "431"}),
    "a head of more than 64 headers": (head_of_65_headers, {"reason": "431"}),
    "a URL of more than 8 KiB": (url_too_long, {"reason": "414"}),
    "a head that is not complete in time": (head_too_late, {"reason": "late"}),
    "a token of more than 4 KiB": (
        token_too_long,
        {"code": "1008", "reason": "Invalid access token"},
    ),
    "a message of more than 4 KiB": (sends(frame(TEXT, b"x" * 4097)), {"code": "1009"}),
    "too many fragments": (
        sends(frame(TEXT, fin=False) + frame(CONT, fin=False) * 8),
        {"code": "1009"},
    ),
    "a message that is not complete in time": (
        sends(frame(TEXT, b"x", fin=False)),
        {"code": "1008", "reason": "Message timeout"},
    ),
    "too many frames": (
        sends(frame(PING) * 21),
        {"code": "1008", "reason": "Rate limit exceeded"},
    ),
    "too many connections of a user": (
        one_connection_too_many,
        {"code": "1013", "reason": "Too many connections"},
    ),
    "too many connections of the node": (
        one_too_many_for_the_node,
        {"code": "1013", "reason": "Too many connections"},
    ),
    "a ping that is not answered": (
        no_answer_to_pings,
        {"code": "1011", "reason": "Keepalive timeout"},
    ),
}


@pytest.mark.parametrize(("attack", "labels"), LIMITS.values(), ids=LIMITS.keys())
async def test_each_limit_has_its_metric(
    small: NodeProcess,
    rest: httpx.AsyncClient,
    wires: Wires,
    attack: Callable[[NodeProcess, Wires], Awaitable[None]],
    labels: dict[str, str],
) -> None:
    """That of a client that reads too slowly stands beside its bound, in ``test_7_limits``."""
    name = "useby_connections_closed_total" if "code" in labels else "useby_requests_rejected_total"
    before = await live.metric(rest, name, **labels)
    await attack(small, wires)
    assert await live.metric(rest, name, **labels) >= before + 1


async def test_the_close_codes_that_clients_choose_share_one_series(
    small: NodeProcess, rest: httpx.AsyncClient, wires: Wires
) -> None:
    before = await live.metric(rest, "useby_connections_closed_total", code="other", reason="")
    codes = (3000, 3001, 3999, 4000, 4321, 4999)
    for code in codes:
        wire = await wires.opened(small.socket_url(small.person().token))
        await wire.send(close_frame(code, "made up"))
        await wire.read_to_end()
    exposition = (await rest.get("/metrics")).text
    after = live.metric_in(exposition, "useby_connections_closed_total", code="other", reason="")
    assert after == before + len(codes)
    assert not [code for code in codes if f'code="{code}"' in exposition]
    assert "made up" not in exposition


# what just fits


async def test_a_head_that_comes_in_pieces_within_its_time_is_served(
    server: NodeProcess, wires: Wires
) -> None:
    wire = await wires.tcp(server.url)
    for piece in (b"GET /api/health/live HT", b"TP/1.1\r", b"\nHost: loc", b"alhost\r\n\r", b"\n"):
        await wire.send(piece)
        await asyncio.sleep(0)
    assert (await wire.read_head())[0] == 200


async def test_a_peer_that_lets_less_than_the_bound_wait_stays_and_gets_it_all(
    server: NodeProcess, wires: Wires
) -> None:
    person = server.person()
    wire = await wires.opened(server.socket_url(person.token), receive_buffer=4096)
    async with server.rest() as rest:
        posted = [(await live.post(rest, person, LONG))["id"] for _ in range(WAITING)]
    await wire.send(close_frame(1000))
    texts = [each for each in await wire.read_frames() if each.opcode == TEXT]
    assert [json.loads(each.data)["id"] for each in texts] == posted
