"""The faults' proxy does as it is set; the target here sends back what it receives."""

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.fault_proxy import Faults, Proxy, in_a_thread
from tests.support.time_limits import HANG_TIMEOUT

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
async def streams(proxy: Proxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield reader, writer
    writer.transport.abort()


async def echo_of(streams: Streams, result: bytes) -> bytes:
    reader, writer = streams
    writer.write(result)
    async with asyncio.timeout(HANG_TIMEOUT):
        return await reader.readexactly(len(result))


async def test_bytes_and_their_end_are_passed_on_both_ways(
    proxy: Proxy, streams: Streams, echo: Echo
) -> None:
    much = bytes(range(256)) * 4096
    assert await echo_of(streams, much) == much
    streams[1].write_eof()
    assert await streams[0].read() == b""
    await proxy.until(lambda: not proxy.connections)
    assert (proxy.made, bytes(echo.received)) == (1, much)


async def test_latency_delays_bytes_and_jitter_follows_the_seed(
    proxy: Proxy, streams: Streams
) -> None:
    proxy.faults = Faults(latency=0.05, jitter=0.01)
    began = time.perf_counter()
    await echo_of(streams, b"hello")
    assert time.perf_counter() - began >= 0.1
    again = Proxy(proxy.target_port, seed=1)
    assert [again.chance.uniform(0, 0.01) for _ in range(2)] != [0, 0]
    assert again.chance.random() == proxy.chance.random()


async def test_bandwidth_is_bounded(proxy: Proxy, streams: Streams) -> None:
    proxy.faults = Faults(bandwidth=100_000)
    began = time.perf_counter()
    await echo_of(streams, bytes(20_000))
    assert time.perf_counter() - began >= 0.2


async def test_bytes_passed_on_singly_all_arrive(proxy: Proxy, streams: Streams) -> None:
    proxy.faults = Faults(byte_by_byte=True)
    assert await echo_of(streams, b"one by one") == b"one by one"


async def test_a_black_hole_swallows_and_closes_nothing(
    proxy: Proxy, streams: Streams, echo: Echo
) -> None:
    await echo_of(streams, b"before")
    proxy.faults = Faults(black_hole=True)
    streams[1].write(b"lost")
    streams[1].write_eof()
    await proxy.until(lambda: proxy.swallowed == 4)
    assert (bytes(echo.received), echo.ends, streams[0].at_eof()) == (b"before", 0, False)
    assert len(proxy.connections) == 1


async def test_a_fault_may_apply_to_one_connection_only(proxy: Proxy, streams: Streams) -> None:
    await echo_of(streams, b"first")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    await echo_of((reader, writer), b"second")
    proxy.connections[0].faults = Faults(black_hole=True)
    assert await echo_of((reader, writer), b"still here") == b"still here"
    streams[1].write(b"lost")
    await proxy.until(lambda: proxy.swallowed == 4)
    writer.transport.abort()


async def test_a_reset_fault_sends_a_tcp_reset(proxy: Proxy, streams: Streams, echo: Echo) -> None:
    await echo_of(streams, b"hello")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await streams[0].read()
    async with asyncio.timeout(HANG_TIMEOUT):
        await echo.more.wait()


async def test_a_single_direction_of_a_connection_may_be_closed(
    proxy: Proxy, streams: Streams, echo: Echo
) -> None:
    await echo_of(streams, b"hello")
    proxy.connections[0].half_close(towards_client=True)
    assert await streams[0].read() == b""
    streams[1].write(b" again")
    streams[1].write_eof()
    async with asyncio.timeout(HANG_TIMEOUT):
        await echo.more.wait()
    assert echo.received == b"hello again"


async def test_an_answer_is_truncated(proxy: Proxy, streams: Streams) -> None:
    proxy.faults = Faults(truncate_after=3)
    streams[1].write(b"hello")
    assert await streams[0].read() == b"hel"


async def test_a_request_is_cut_before_it_arrives(
    proxy: Proxy, streams: Streams, echo: Echo
) -> None:
    proxy.faults = Faults(cut_before=re.compile(b"COMMIT"))
    await echo_of(streams, b"BEGIN;COM")
    streams[1].write(b"MIT;")
    with pytest.raises(ConnectionResetError):
        await streams[0].read()
    assert (proxy.cuts, bytes(echo.received)) == (1, b"BEGIN;COM")


async def test_a_request_passes_and_its_answer_is_dropped(
    proxy: Proxy, streams: Streams, echo: Echo
) -> None:
    await echo_of(streams, b"COMMIT;")  # what was sent before them does not count
    proxy.faults = Faults(drop_answer_to=re.compile(b"(?s)two.*COMMIT"))
    await echo_of(streams, b"one;COMMIT;two;")
    streams[1].write(b"COMMIT;")
    with pytest.raises(ConnectionResetError):
        await streams[0].read()
    assert (proxy.cuts, bytes(echo.received)) == (1, b"COMMIT;one;COMMIT;two;COMMIT;")


async def test_an_upgrade_is_answered_502_and_another_request_is_not(
    proxy: Proxy, streams: Streams, echo: Echo
) -> None:
    proxy.faults = Faults(bad_gateway=True)
    await echo_of(streams, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    streams[1].write(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nHost: a\r\n\r\n")
    assert (await streams[0].read()).startswith(b"HTTP/1.1 502 ")
    assert b"websocket" not in echo.received


async def test_a_partition_refuses_connections_until_it_ends(
    proxy: Proxy, streams: Streams
) -> None:
    await echo_of(streams, b"hello")
    await proxy.partition()
    streams[1].write(b"lost")
    await proxy.until(lambda: proxy.swallowed == 4)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    await proxy.heal()
    with pytest.raises(ConnectionResetError):
        await streams[0].read()
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
        streams = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await echo_of(streams, b"thread") == b"thread"
        streams[1].transport.abort()
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
