"""Request heads and bodies within their limits, as raw bytes on real sockets.

covers: useby.realtime.upgrade
"""

import asyncio
import base64
import contextlib
import logging
import re
from collections import Counter
from typing import Any

import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.time_limits import HANG_TIMEOUT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from useby.realtime.pacer import EACH_TURN

KEY = base64.b64encode(b"0123456789abcdef").decode()
PATH = "/api/ws/notification"


def upgrade(path: str = PATH, **changes: str | None) -> bytes:
    headers: dict[str, str | None] = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


async def answer(house: InProcessNode, *pieces: bytes) -> bytes:
    """Return all that the server sends for these bytes until it ends the connection."""
    port = house.node.listener.getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    received = b""
    try:
        async with asyncio.timeout(HANG_TIMEOUT):
            while more := await reader.read(65536):
                received += more
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


async def test_the_handshake_is_answered_with_101_and_the_right_accept(
    house: InProcessNode,
) -> None:
    received = await answer(house, upgrade())
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: BACScCJPNqyz+UBoqMH89VmURoA=" in head
    assert b"extensions" not in head.lower()
    assert rest == b"\x88\x17\x03\xf0Access token required"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": None}, 426),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Key": "!" * 24}, 400),
        ({"Sec_WebSocket_Key": base64.b64encode(b"17 bytes of nonce").decode()}, 400),
        ({"Host": None}, 400),
    ],
)
async def test_a_bad_handshake_is_refused_by_its_status(
    house: InProcessNode, changes: dict[str, Any], wanted: int
) -> None:
    assert status(await answer(house, upgrade(**changes))) == wanted


async def test_an_upgrade_elsewhere_is_an_ordinary_request(house: InProcessNode) -> None:
    assert status(await answer(house, upgrade("/api/ws/other", Connection="Upgrade, close"))) == 404


async def test_an_upgrade_to_something_else_on_the_sockets_path_gets_426(
    house: InProcessNode,
) -> None:
    received = await answer(house, upgrade(Upgrade="h2c", Connection="Upgrade, close"))
    assert status(received) == 426


async def test_a_url_at_its_bound_passes_and_one_byte_more_is_414(house: InProcessNode) -> None:
    room = house.node.settings.url_max_bytes - len(PATH) - 1
    assert status(await answer(house, upgrade(f"{PATH}?{'x' * room}"))) == 101
    assert status(await answer(house, upgrade(f"{PATH}?{'x' * (room + 1)}"))) == 414


async def test_64_headers_pass_and_one_more_is_431(house: InProcessNode) -> None:
    def many(count: int) -> dict[str, Any]:
        return {f"X-{number}": "1" for number in range(count - 5)}

    assert status(await answer(house, upgrade(**many(64)))) == 101
    assert status(await answer(house, upgrade(**many(65)))) == 431


async def test_a_head_at_its_bound_passes_and_one_byte_more_is_431(house: InProcessNode) -> None:
    room = house.node.settings.head_max_bytes - len(upgrade(X=""))
    assert status(await answer(house, upgrade(X="x" * room))) == 101
    assert status(await answer(house, upgrade(X="x" * (room + 1)))) == 431


async def test_a_head_without_an_end_is_refused_before_it_is_kept(house: InProcessNode) -> None:
    received = await answer(house, b"GET / HTTP/1.1\r\nX: ", *[b"x" * 65536] * 64)
    assert received == b"" or status(received) == 431


async def test_small_headers_without_an_end_are_refused(house: InProcessNode) -> None:
    received = await answer(house, b"GET / HTTP/1.1\r\n", *[b"a:b\r\n" * 10_000] * 20)
    assert received == b"" or status(received) == 431


async def test_a_head_that_is_not_complete_in_time_is_cut_however_it_trickles(
    start: Any,
) -> None:
    house = await start(head_timeout=0.3)
    port = house.node.listener.getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def trickle() -> None:
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionResetError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    async with asyncio.timeout(HANG_TIMEOUT):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)
    writer.close()


async def test_a_second_request_on_a_connection_has_its_own_time(start: Any) -> None:
    house = await start(head_timeout=0.3)
    port = house.node.listener.getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET /api/health/live HTTP/1.1\r\nHost: h\r\n\r\n"
    for _ in range(2):
        writer.write(request)
        assert b"200" in await reader.readuntil(b"}")
    writer.write(request[:10])
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_whose_body_never_arrives_is_cut(start: Any) -> None:
    house = await start(body_timeout=0.3)
    received = await answer(
        house,
        b"POST /api/auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
    )
    assert received == b""


async def test_requests_that_cannot_be_parsed_write_no_line_each_to_the_log(
    house: InProcessNode, caplog: pytest.LogCaptureFixture
) -> None:
    """A visitor could fill the disk with them; ``useby_requests_rejected`` counts them."""
    caplog.set_level(logging.INFO)
    for bad in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nA\x01: b\r\n\r\n"):
        assert status(await answer(house, bad)) == 400
    many = b"".join(b"a%d: b\r\n" % number for number in range(100))
    assert status(await answer(house, b"GET / HTTP/1.1\r\n" + many + b"\r\n")) == 431
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize("framing", ["Content-Length: 9999999", "Transfer-Encoding: chunked"])
async def test_a_body_over_its_bound_gets_413_before_it_is_read_whole(
    house: InProcessNode, framing: str
) -> None:
    head = f"POST /api/auth/login HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    pieces = [chunk] * 33 if "chunked" in framing else [b"x" * 65536] * 4
    assert status(await answer(house, head, *pieces)) == 413


@pytest.mark.parametrize("size", [8_000, 1024 * 1024, 8 * 1024 * 1024])
async def test_a_body_that_is_too_large_is_read_before_its_413_and_the_connection_stays(
    house: InProcessNode, size: int
) -> None:
    """A client or proxy that has to send all of it first would see a lost connection."""
    head = f"POST /api/auth/login HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n"
    last = b"GET /api/health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    found = await answer(house, head.encode(), b"x" * size, last)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", found) == [b"413", b"200"]


async def test_a_client_that_waits_for_a_100_gets_413_before_it_sends_its_body(
    house: InProcessNode,
) -> None:
    head = "POST /api/auth/login HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n"
    found = await answer(house, f"{head}Expect: 100-continue\r\n\r\n".encode())
    assert re.findall(rb"HTTP/1\.1 (\d+) ", found) == [b"413"]


async def test_the_headers_of_an_upgrade_are_searched_once(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[HttpToolsProtocol] = []
    search = HttpToolsProtocol._get_upgrade

    def search_and_note(protocol: HttpToolsProtocol) -> bytes | None:
        searched.append(protocol)
        return search(protocol)

    monkeypatch.setattr(HttpToolsProtocol, "_get_upgrade", search_and_note)
    assert status(await answer(house, upgrade())) == 101
    (protocol,) = searched
    # Python stores the attributes of at most 30 names without a table for each object.
    assert len(vars(protocol)) <= 30


async def test_bytes_that_follow_the_upgrade_in_its_segment_do_no_harm(
    house: InProcessNode,
) -> None:
    received = await answer(house, upgrade() + b"\x81\x84abcdPING")
    assert b"Access token required" in received


async def test_a_host_that_is_not_named_gets_400_and_a_named_one_passes(start: Any) -> None:
    house = await start(allowed_hosts=("useby.example",))
    assert status(await answer(house, upgrade(Host="evil.example"))) == 400
    assert status(await answer(house, upgrade(Host="useby.example:8000"))) == 101
    plain = b"GET /api/openapi.json HTTP/1.1\r\nConnection: close\r\nHost: "
    assert status(await answer(house, plain + b"evil.example\r\n\r\n")) == 400
    assert status(await answer(house, plain + b"useby.example\r\n\r\n")) == 200


async def test_a_node_that_is_full_closes_with_1013(start: Any) -> None:
    house = await start(max_connections=2)
    user = await house.add_user()
    token = await house.token(user)
    async with house.connected(token), house.connected(token):
        received = await answer(house, upgrade(f"{PATH}?access_token={token}"))
    assert received.endswith(b"\x03\xf5Too many connections")


HEALTH = b"GET /api/health/live HTTP/1.1\r\nHost: h\r\n\r\n"
LOGIN = b"POST /api/auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
PIPELINE = (
    HEALTH
    + LOGIN
    + b"Content-Length: 6\r\n\r\n\r\n\r\n{}"
    + b"\r\nPOST /api/nothing HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"6;x=y\r\n\r\n\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    + b"GET /api/docs HTTP/1.1\r\nHost: h\r\n\r\n"
    + b"GET /api/ws/notification HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
)
"""Five requests, with and without bodies, with the end of a head in the middle of a body."""


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(PIPELINE)])
async def test_pipelined_requests_are_answered_in_order_wherever_they_are_cut(
    house: InProcessNode, size: int
) -> None:
    pieces = [PIPELINE[at : at + size] for at in range(0, len(PIPELINE), size)]
    received = await answer(house, *pieces)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", received) == [b"200", b"422", b"404", b"200", b"426"]


async def test_an_upgrade_behind_pipelined_requests_is_answered_after_them(
    house: InProcessNode,
) -> None:
    received = await answer(house, HEALTH * 3 + upgrade())
    assert re.findall(rb"HTTP/1\.1 (\d+) ", received) == [b"200"] * 3 + [b"101"]
    assert received.endswith(b"Access token required")


async def test_requests_pipelined_behind_one_that_ends_the_connection_are_not_answered(
    house: InProcessNode,
) -> None:
    received = await answer(
        house, HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") * 9
    )
    assert received.count(b"HTTP/1.1 200") == 1


async def test_an_upgrade_with_a_body_is_400(
    house: InProcessNode,
) -> None:
    upgrading = LOGIN + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 44\r\n\r\n"
    assert status(await answer(house, upgrading + HEALTH)) == 400


async def test_requests_that_arrive_together_are_started_in_several_turns_of_the_loop(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, turn, starts = asyncio.get_running_loop(), 0, Counter[int]()
    run = RequestResponseCycle.run_asgi

    def count_turns() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(count_turns)

    async def counted(cycle: RequestResponseCycle, app: Any) -> None:
        starts[turn] += 1
        await run(cycle, app)

    monkeypatch.setattr(RequestResponseCycle, "run_asgi", counted)
    count_turns()
    port = house.node.listener.getsockname()[1]
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6 * EACH_TURN)]
    for _, writer in opened:
        writer.write(b"GET /api/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    async with asyncio.timeout(HANG_TIMEOUT):
        for reader, writer in opened:
            assert status(await reader.readline()) == 200
            writer.close()
    assert starts.total() == len(opened)
    assert max(starts.values()) <= EACH_TURN


async def test_trailers_do_not_become_headers_of_the_request(house: InProcessNode) -> None:
    user = await house.add_user()
    token = await house.token(user)
    head = b"POST /api/notifications HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    trailer = f"Authorization: Bearer {token}\r\n".encode()
    chunked = b'Transfer-Encoding: chunked\r\n\r\n10\r\n{"message":"hi"}\r\n0\r\n'
    assert status(await answer(house, head + chunked + trailer + b"\r\n")) == 401


async def test_a_refusal_within_a_body_causes_no_second_answer(house: InProcessNode) -> None:
    """The request is answered before its body is whole, and its body is broken."""
    port = house.node.listener.getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /api/nothing HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    received = await reader.readuntil(b"}")
    writer.write(b"no chunk\r\n")
    async with asyncio.timeout(HANG_TIMEOUT):
        received += await reader.read()
    writer.close()
    assert received.count(b"HTTP/1.1 ") == 1
