"""A TCP proxy on loopback that can behave as badly as a network does.

In a test: ``async with Proxy(target_port) as proxy``; the connections that are to suffer go to
``proxy.port``. ``proxy.faults`` may be set at any moment and holds from the next piece of bytes
on; ``connection.faults`` is one connection's own. ``proxy.until`` waits for an event. What it
leaves to chance follows from its seed, which a failing block's error names.

For a test without an event loop there is ``in_a_thread``; as a program of its own it takes the
target's port, prints its own, and reads from its standard input a line for each change: the fields
of ``Faults`` in JSON, or ``partition``, ``heal``, ``reset``.
"""

import asyncio
import contextlib
import json
import random
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.support.time_limits import HANG_TIMEOUT

PIECE: Final = 65_536
PIECES_UNDER_WAY: Final = 64
REMEMBERED: Final = 65_536
"""Bytes of what a client has sent that ``cut_before`` and ``drop_answer_to`` are searched in."""
BAD_GATEWAY: Final = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UPGRADE: Final = re.compile(rb"\r\nupgrade: *websocket\r\n.*?\r\n\r\n", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Faults:
    """Faults of connections, both ways unless one is given; by default there are none."""

    latency: float = 0.0
    """Seconds by which each piece comes later."""
    jitter: float = 0.0
    """Seconds by which it comes later still, at most: each piece draws its own."""
    bandwidth: float = float("inf")
    """Bytes a second, each way."""
    byte_by_byte: bool = False
    black_hole: bool = False
    """Swallow what comes, ends of file too, and close nothing. A connection that has lost bytes so
    can't be healed: it swallows for ever."""
    truncate_after: int | None = None
    """End the connection, in good order, after so many bytes of the target's."""
    cut_before: re.Pattern[bytes] | None = None
    """Reset the connection when the client has sent this, and do not pass its last piece on."""
    drop_answer_to: re.Pattern[bytes] | None = None
    """Pass this on, and reset the connection when its answer comes."""
    bad_gateway: bool = False
    """Answer 502 to the request of an upgrade to a WebSocket."""


class ProxiedConnection:
    """One connection: the client's half and the target's."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter) -> None:
        self.faults: Faults | None = None
        """The connection's own, in place of the proxy's."""
        self._proxy = proxy
        self._client = client
        self._target: asyncio.StreamWriter | None = None
        self._sent = b""
        self._given = 0
        self._ended: set[asyncio.StreamWriter] = set()
        self._swallows = self._drops_answer = False
        self._over = asyncio.Event()

    def reset(self) -> None:
        """Cut both halves with an RST."""
        for half in filter(None, (self._client, self._target)):
            tcp = half.get_extra_info("socket")
            with contextlib.suppress(OSError):  # it is closed already
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            half.transport.abort()
        self._over.set()

    def half_close(self, *, towards_client: bool) -> None:
        """Send one side an end of file, and nothing more; the other way stays open."""
        half = self._client if towards_client else self._target
        assert half is not None
        self._end(half)

    def _end(self, half: asyncio.StreamWriter) -> None:
        if half not in self._ended:
            self._ended.add(half)
            with contextlib.suppress(OSError):  # it is gone already
                half.write_eof()

    async def run(self, from_client: asyncio.StreamReader) -> None:
        """Pass bytes on until both ways have ended, or the connection is cut."""
        try:
            from_target, self._target = await asyncio.open_connection(
                "127.0.0.1", self._proxy.target_port
            )
            if self._over.is_set():  # cut while it was being made
                self.reset()
                return
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(from_client, self._target, up=True))
                ways.create_task(self._pass_on(from_target, self._client, up=False))
            if self._swallows:
                await self._over.wait()
        except OSError:  # the target is not there
            self.reset()
        finally:
            for half in filter(None, (self._client, self._target)):
                half.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(PIECES_UNDER_WAY)
        async with asyncio.TaskGroup() as ends:
            ends.create_task(self._take(source, under_way))
            ends.create_task(self._give(under_way, sink, up=up))

    async def _take(
        self, source: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes | None]]
    ) -> None:
        time = asyncio.get_running_loop().time
        piece: bytes | None = b"-"
        while piece:
            try:
                piece = await source.read(PIECE)
            except OSError:
                piece = None
            faults = self.faults or self._proxy.faults
            late = faults.latency + self._proxy.chance.uniform(0, faults.jitter)
            await under_way.put((time() + late, piece))

    async def _give(
        self,
        under_way: asyncio.Queue[tuple[float, bytes | None]],
        sink: asyncio.StreamWriter,
        *,
        up: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        piece: bytes | None = b"-"
        while piece:
            due, piece = await under_way.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            faults = self.faults or self._proxy.faults
            self._swallows |= faults.black_hole
            if self._swallows:
                self._proxy.swallowed += len(piece or b"")
                self._proxy.changed()
            elif piece is None:
                self.reset()
            elif not piece:
                self._end(sink)
            else:
                kept = self._asked(piece, faults) if up else self._answered(piece, faults)
                with contextlib.suppress(OSError):  # the other direction gets the error, too
                    await self._write(kept, sink, faults)

    def _asked(self, piece: bytes, faults: Faults) -> bytes:
        before = len(self._sent)
        self._sent += piece

        def is_here(pattern: re.Pattern[bytes] | None) -> bool:
            found = pattern.finditer(self._sent) if pattern is not None else ()
            return any(each.end() > before for each in found)

        if is_here(faults.cut_before):
            self._cut()
            return b""
        if faults.bad_gateway and is_here(UPGRADE):
            self._client.write(BAD_GATEWAY)
            self._client.close()
            self._over.set()
            return b""
        self._drops_answer |= is_here(faults.drop_answer_to)
        self._sent = self._sent[-REMEMBERED:]
        return piece

    def _answered(self, piece: bytes, faults: Faults) -> bytes:
        if self._drops_answer:
            self._cut()
            return b""
        if faults.truncate_after is not None:
            piece = piece[: max(0, faults.truncate_after - self._given)]
        self._given += len(piece)
        return piece

    def _cut(self) -> None:
        self.reset()
        self._proxy.cuts += 1
        self._proxy.changed()

    async def _write(self, piece: bytes, sink: asyncio.StreamWriter, faults: Faults) -> None:
        size = 1 if faults.byte_by_byte else max(1, int(min(PIECE, faults.bandwidth / 20)))
        for start in range(0, len(piece), size):
            part = piece[start : start + size]
            await asyncio.sleep(len(part) / faults.bandwidth)
            if sink in self._ended:
                return
            sink.write(part)
            await sink.drain()
        if sink is self._client and self._given == faults.truncate_after and self._target:
            self._client.close()
            self._target.close()


class Proxy:
    """The proxy, for the length of an ``async with``."""

    def __init__(self, target_port: int, *, seed: int | None = None) -> None:
        self.target_port = target_port
        self.faults = Faults()
        self.seed = seed if seed is not None else random.SystemRandom().getrandbits(32)
        self.chance = random.Random(self.seed)
        self.port = 0
        self.made = 0
        """Connections that have been made, ever."""
        self.connections: list[ProxiedConnection] = []
        """Those that are open, the oldest first."""
        self.cuts = 0
        """Connections that ``cut_before`` or ``drop_answer_to`` have cut."""
        self.swallowed = 0
        """Bytes that went into a black hole."""
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._change = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.heal()
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            error.add_note(f"the proxy's seed was {self.seed}")
        await self.refuse()
        self.reset()
        await asyncio.gather(*self._running)

    async def until(self, condition: Callable[[], bool], within: float = HANG_TIMEOUT) -> None:
        """Wait until ``condition``, of what the proxy counts, holds."""
        async with asyncio.timeout(within):
            while not condition():
                self._change.clear()
                await self._change.wait()

    def changed(self) -> None:
        """Wake the waiting tasks, which check their conditions again."""
        self._change.set()

    def reset(self) -> None:
        """Cut every connection there is with an RST."""
        for connection in tuple(self.connections):
            connection.reset()

    async def refuse(self) -> None:
        """Let nobody connect any more; who is connected stays."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def partition(self) -> None:
        """Stop all bytes, as when a cable is pulled, and refuse new connections."""
        await self.refuse()
        self.faults = Faults(black_hole=True)
        for connection in self.connections:
            connection.faults = self.faults

    async def heal(self) -> None:
        """End all faults, and listen, on the same port as before.

        What ``partition`` has held for dead is cut, as its ends would find out in time.
        """
        for connection in tuple(self.connections):
            if (connection.faults or self.faults).black_hole:
                connection.reset()
        self.faults = Faults()
        if self._server is None:
            self._server = await asyncio.start_server(self._arrived, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def connection_of(self, writer: asyncio.StreamWriter) -> ProxiedConnection:
        """Return the object for an accepted connection; a subclass may return one of its own."""
        return ProxiedConnection(self, writer)

    def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self.connection_of(writer)
        self.made += 1
        self.connections.append(connection)
        task = asyncio.create_task(connection.run(reader))
        self._running.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            self.connections.remove(connection)
            self.changed()

        task.add_done_callback(over)
        self.changed()


@contextlib.contextmanager
def in_a_thread(
    target_port: int, *, seed: int | None = None
) -> Iterator[tuple[Proxy, Callable[[Coroutine[Any, Any, Any]], Any]]]:
    """A proxy with a thread and a loop of its own, and what runs a coroutine of it there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(HANG_TIMEOUT)

    try:
        proxy = Proxy(target_port, seed=seed)
        run(proxy.__aenter__())
        try:
            yield proxy, run
        finally:
            run(proxy.__aexit__(None, sys.exc_info()[1], None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def main(target_port: int) -> None:
    """Obey the lines of the standard input until it ends."""
    with in_a_thread(target_port) as (proxy, run):
        print(proxy.port, flush=True)

        async def obey(line: str) -> None:
            if line in ("partition", "heal"):
                await getattr(proxy, line)()
            elif line == "reset":
                proxy.reset()
            else:
                proxy.faults = Faults(**json.loads(line))

        for line in sys.stdin:
            run(obey(line.strip()))
            print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
