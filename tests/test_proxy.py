"""The faults' proxy does as it is set; the target here sends back what it receives."""

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.fault_proxy import Manner, Proxy, in_a_thread
from tests.support.time_limits import HANG_TIMEOUT

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """The target: it sends everything back, and remembers it."""

    def __init__(self) -> None:
        self.port = 0
        self.received = bytearray()
        self.ends = 0
        self.more = asyncio.Event()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            while piece := await reader.read(65_536):
                self.received += piece
                writer.write(piece)
                await writer.drain()
        self.ends += 1
        self.more.set()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.talk, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    async with server:
        yield echo


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy(echo.port, seed=1) as proxy:
        yield proxy


@pytest.fixture
async def line(proxy: Proxy) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield reader, writer
    writer.transport.abort()


async def echo_of(line: Line, result: bytes) -> bytes:
    reader, writer = line
    writer.write(result)
    async with asyncio.timeout(HANG_TIMEOUT):
        return await reader.readexactly(len(result))


async def test_bytes_and_their_end_are_passed_on_both_ways(
    proxy: Proxy, line: Line, echo: Echo
) -> None:
    much = bytes(range(256)) * 4096
    assert await echo_of(line, much) == much
    line[1].write_eof()
    assert await line[0].read() == b""
    await proxy.until(lambda: not proxy.lines)
    assert (proxy.made, bytes(echo.received)) == (1, much)


async def test_latency_delays_bytes_and_jitter_follows_the_seed(proxy: Proxy, line: Line) -> None:
    proxy.manner = Manner(latency=0.05, jitter=0.01)
    began = time.perf_counter()
    await echo_of(line, b"hello")
    assert time.perf_counter() - began >= 0.1
    again = Proxy(proxy.target_port, seed=1)
    assert [again.chance.uniform(0, 0.01) for _ in range(2)] != [0, 0]
    assert again.chance.random() == proxy.chance.random()


async def test_bandwidth_is_bounded(proxy: Proxy, line: Line) -> None:
    proxy.manner = Manner(bandwidth=100_000)
    began = time.perf_counter()
    await echo_of(line, bytes(20_000))
    assert time.perf_counter() - began >= 0.2


async def test_bytes_passed_on_singly_all_arrive(proxy: Proxy, line: Line) -> None:
    proxy.manner = Manner(byte_by_byte=True)
    assert await echo_of(line, b"one by one") == b"one by one"


async def test_a_black_hole_swallows_and_closes_nothing(
    proxy: Proxy, line: Line, echo: Echo
) -> None:
    await echo_of(line, b"before")
    proxy.manner = Manner(black_hole=True)
    line[1].write(b"lost")
    line[1].write_eof()
    await proxy.until(lambda: proxy.swallowed == 4)
    assert (bytes(echo.received), echo.ends, line[0].at_eof()) == (b"before", 0, False)
    assert len(proxy.lines) == 1


async def test_a_fault_may_apply_to_one_connection_only(proxy: Proxy, line: Line) -> None:
    await echo_of(line, b"first")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    await echo_of((reader, writer), b"second")
    proxy.lines[0].manner = Manner(black_hole=True)
    assert await echo_of((reader, writer), b"still here") == b"still here"
    line[1].write(b"lost")
    await proxy.until(lambda: proxy.swallowed == 4)
    writer.transport.abort()


async def test_a_reset_fault_sends_a_tcp_reset(proxy: Proxy, line: Line, echo: Echo) -> None:
    await echo_of(line, b"hello")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await line[0].read()
    async with asyncio.timeout(HANG_TIMEOUT):
        await echo.more.wait()


async def test_a_single_direction_of_a_connection_may_be_closed(
    proxy: Proxy, line: Line, echo: Echo
) -> None:
    await echo_of(line, b"hello")
    proxy.lines[0].half_close(towards_client=True)
    assert await line[0].read() == b""
    line[1].write(b" again")
    line[1].write_eof()
    async with asyncio.timeout(HANG_TIMEOUT):
        await echo.more.wait()
    assert echo.received == b"hello again"


async def test_an_answer_is_truncated(proxy: Proxy, line: Line) -> None:
    proxy.manner = Manner(truncate_after=3)
    line[1].write(b"hello")
    assert await line[0].read() == b"hel"


async def test_a_request_is_cut_before_it_arrives(proxy: Proxy, line: Line, echo: Echo) -> None:
    proxy.manner = Manner(cut_before=re.compile(b"COMMIT"))
    await echo_of(line, b"BEGIN;COM")
    line[1].write(b"MIT;")
    with pytest.raises(ConnectionResetError):
        await line[0].read()
    assert (proxy.cuts, bytes(echo.received)) == (1, b"BEGIN;COM")


async def test_a_request_passes_and_its_answer_is_dropped(
    proxy: Proxy, line: Line, echo: Echo
) -> None:
    await echo_of(line, b"COMMIT;")  # what was before the manner does not count
    proxy.manner = Manner(drop_answer_to=re.compile(b"(?s)two.*COMMIT"))
    await echo_of(line, b"one;COMMIT;two;")
    line[1].write(b"COMMIT;")
    with pytest.raises(ConnectionResetError):
        await line[0].read()
    assert (proxy.cuts, bytes(echo.received)) == (1, b"COMMIT;one;COMMIT;two;COMMIT;")


async def test_an_upgrade_is_answered_502_and_another_request_is_not(
    proxy: Proxy, line: Line, echo: Echo
) -> None:
    proxy.manner = Manner(bad_gateway=True)
    await echo_of(line, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    line[1].write(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nHost: a\r\n\r\n")
    assert (await line[0].read()).startswith(b"HTTP/1.1 502 ")
    assert b"websocket" not in echo.received


async def test_a_partition_refuses_connections_until_it_ends(proxy: Proxy, line: Line) -> None:
    await echo_of(line, b"hello")
    await proxy.partition()
    line[1].write(b"lost")
    await proxy.until(lambda: proxy.swallowed == 4)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    await proxy.heal()
    with pytest.raises(ConnectionResetError):
        await line[0].read()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await echo_of((reader, writer), b"back") == b"back"
    writer.transport.abort()


async def test_a_missing_target_is_a_reset() -> None:
    async with Proxy(1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_failure_names_the_seed() -> None:
    with pytest.raises(ValueError, match="broken") as failure:
        async with Proxy(1, seed=42):
            raise ValueError("broken")
    assert failure.value.__notes__ == ["the proxy's seed was 42"]


async def test_the_proxy_runs_in_a_thread_and_as_a_program(echo: Echo) -> None:
    with in_a_thread(echo.port) as (proxy, _):
        line = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await echo_of(line, b"thread") == b"thread"
        line[1].transport.abort()
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.fault_proxy", str(echo.port)),
        cwd=Path(__file__).parents[1],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    port = int(await program.stdout.readline())
    program.stdin.write(b'{"truncate_after": 4}\n')
    assert await program.stdout.readline() == b"done\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"program")
    assert await reader.read() == b"prog"
    writer.close()
    program.stdin.close()
    assert await program.wait() == 0
