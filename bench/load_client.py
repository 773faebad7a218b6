"""The load generator's process: all connections on one epoll, without a framework."""

import collections
import itertools
import select
import socket
import struct
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bench import wire
from bench.peer import HOST
from bench.peers.control import STAMP

READ = 256 * 1024
SOURCES = [f"127.0.0.{last}" for last in range(2, 10)]
"""Source addresses of connections: each has its own 28,000 ports."""
_STAMP = STAMP.encode()
_DIGITS = 19
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER value with which a closed connection leaves no port in TIME_WAIT."""
_CHURN_TICK = 0.01


@dataclass(frozen=True, slots=True)
class ClientHandshake:
    """The data that one connection sends: its handshake, and its answer to the first frame."""

    request: bytes
    reply: bytes = b""


@dataclass(frozen=True, slots=True)
class ClientScript:
    """The port and the exchange that all connections to a peer share."""

    port: int
    first_frames: tuple[bytes, ...]
    answers: dict[bytes, bytes]
    """Whole frames to write, by the payload that asks for them."""


class _Connection:
    __slots__ = ("churns", "handshake", "received", "rest", "socket", "upgraded")

    def __init__(
        self, handshake: ClientHandshake, connected: socket.socket, *, churns: bool
    ) -> None:
        self.handshake = handshake
        self.socket = connected
        self.churns = churns
        self.upgraded = False
        self.received = 0
        self.rest = b""


class LoadClient:
    """All connections, and the state of the harness's orders."""

    def __init__(self, pipe: Pipe, script: ClientScript) -> None:
        """Take orders from the harness on ``pipe``."""
        self._pipe = pipe
        self._script = script
        self._sources = itertools.cycle(SOURCES)
        self._epoll = select.epoll()
        self._epoll.register(pipe.fileno(), select.EPOLLIN)
        self._open: dict[int, _Connection] = {}
        self._waiting: collections.deque[ClientHandshake] = collections.deque()
        self._under_way = 0
        self._at_once = 0
        self._began = 0.0
        self._connecting = False
        self._received = 0
        self._first = 0.0
        self._wanted: int | None = None
        self._ages = array("q")
        self._churners: collections.deque[_Connection] = collections.deque()
        self._churn_rate = 0
        self._churn_due = 0.0
        self._churned = 0

    def run(self) -> None:
        """Carry out orders until the harness closes the pipe."""
        pipe = self._pipe.fileno()
        while True:
            for fd, _ in self._epoll.poll(_CHURN_TICK if self._churn_rate else -1):
                if fd == pipe:
                    name, *arguments = self._pipe.recv()
                    getattr(self, f"do_{name}")(*arguments)
                elif connection := self._open.get(fd):
                    self._read(connection)
            if self._churn_rate:
                self._churn()

    # orders of the harness

    def do_connect(self, handshakes: Sequence[ClientHandshake], at_once: int) -> None:
        """Connect all clients, ``at_once`` at a time, and answer with the seconds it took."""
        self._waiting.extend(handshakes)
        self._at_once = at_once
        self._connecting = True
        self._began = time.monotonic()
        self._connect_more()

    def do_churn(self, handshakes: Sequence[ClientHandshake], per_second: int) -> None:
        """Start the churn: these clients connect and disconnect repeatedly."""
        for each in handshakes:
            self._connect(each, churns=True)
        self._churned = 0
        self._churn_rate = per_second
        self._churn_due = time.monotonic()
        self._answer(None)

    def do_stop_churn(self) -> None:
        """Stop the churn, and answer with the number of reconnections."""
        self._churn_rate = 0
        self._answer(self._churned)

    def do_reset(self) -> None:
        """Reset the counters."""
        self._received = 0
        self._first = 0.0
        self._ages = array("q")
        self._answer(None)

    def do_await(self, count: int) -> None:
        """Answer once ``count`` frames have arrived."""
        self._wanted = count
        self._look_whether_enough()

    def do_ages(self) -> None:
        """Answer with the ages of all frames."""
        self._answer(self._ages.tobytes())

    # connections

    def _connect(self, handshake: ClientHandshake, *, churns: bool = False) -> None:
        connected = socket.socket()
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connected.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.bind((next(self._sources), 0))
        connected.connect((HOST, self._script.port))  # the kernel accepts at once
        connected.setblocking(False)
        connected.send(handshake.request)
        connection = _Connection(handshake, connected, churns=churns)
        self._open[connected.fileno()] = connection
        self._epoll.register(connected.fileno(), select.EPOLLIN)
        if churns:
            self._churners.append(connection)

    def _connect_more(self) -> None:
        while self._waiting and self._under_way < self._at_once:
            self._under_way += 1
            self._connect(self._waiting.popleft())
        if self._connecting and not self._under_way:
            self._connecting = False
            self._answer(time.monotonic() - self._began)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(READ)
        except OSError as error:
            data = b""
            connection.rest = str(error).encode()
        if not data:
            self._ended(connection)
            return
        if connection.rest:
            data = connection.rest + data
        if not connection.upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                connection.rest = data
                return
            if not data.startswith(b"HTTP/1.1 101 "):
                raise RuntimeError(data[:500])
            connection.upgraded = True
            data = data[end + 4 :]
            if not self._script.first_frames:
                self._is_connected(connection)
        found, connection.rest = wire.frames(data)
        for opcode, payload in found:
            self._take(connection, opcode, payload)
            if opcode == wire.CLOSE:
                return

    def _take(self, connection: _Connection, opcode: int, payload: bytes) -> None:
        at = payload.find(_STAMP)
        if at >= 0:
            self._count(payload, at)
        elif opcode == wire.PING:
            connection.socket.send(wire.client_frame(wire.PONG, payload))
        elif opcode == wire.CLOSE:
            if not connection.churns:
                raise RuntimeError(f"closed by the server: {payload!r}")
            self._ended(connection)
        elif answer := self._script.answers.get(payload):
            connection.socket.send(answer)
        elif connection.received < len(self._script.first_frames):
            self._check_first_frame(connection, payload)

    def _check_first_frame(self, connection: _Connection, payload: bytes) -> None:
        if not payload.startswith(self._script.first_frames[connection.received]):
            return
        connection.received += 1
        if connection.received == 1 and connection.handshake.reply:
            connection.socket.send(connection.handshake.reply)
        if connection.received == len(self._script.first_frames):
            self._is_connected(connection)

    def _is_connected(self, connection: _Connection) -> None:
        if not connection.churns:
            self._under_way -= 1
            self._connect_more()

    def _ended(self, connection: _Connection) -> None:
        del self._open[connection.socket.fileno()]
        connection.socket.close()
        if not connection.churns:
            raise RuntimeError(f"cut by the server: {connection.rest!r}")
        self._churned += 1
        self._connect(connection.handshake, churns=True)

    def _churn(self) -> None:
        now = time.monotonic()
        while self._churn_due <= now and self._churners:
            self._churn_due += 1 / self._churn_rate
            leaving = self._churners.popleft()
            leaving.socket.send(wire.client_frame(wire.CLOSE, b"\x03\xe8"))

    # pushed frames

    def _count(self, payload: bytes, at: int) -> None:
        now = time.monotonic_ns()
        if not self._received:
            self._first = time.monotonic()
        while at >= 0:
            begins = at + len(_STAMP)
            self._ages.append(now - int(payload[begins : begins + _DIGITS]))
            self._received += 1
            at = payload.find(_STAMP, begins + _DIGITS)
        if self._wanted is not None:
            self._look_whether_enough()

    def _look_whether_enough(self) -> None:
        if self._wanted is not None and self._received >= self._wanted:
            self._wanted = None
            self._answer(time.monotonic() - self._first)

    def _answer(self, answer: Any) -> None:
        self._pipe.send(("done", answer))
