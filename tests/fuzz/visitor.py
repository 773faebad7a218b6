"""One HTTP connection in memory, its application an echo, its time standing still."""

import json
import re
import zlib
from collections import deque
from typing import Any, Self

from tests.support.settings import SettingsWithoutFile
from tests.support.simulation.parts import Alarm, Loop, MemoryTransport
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.server import ServerState

from useby.realtime.http import READ_BYTES, BoundedHttpProtocol
from useby.realtime.pacer import Pacer
from useby.realtime.slots import ConnectionSlots, SlotLimits

SETTINGS = SettingsWithoutFile()
KEEP_ALIVE = 5
"""Seconds that uvicorn keeps an idle connection."""
STATUSES = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def echoed(method: str, path: str, body: bytes) -> bytes:
    """Return the application's answer to a request."""
    return json.dumps([method, path, len(body), zlib.crc32(body)]).encode()


class _Admissions:
    """Takes upgraded connections, and ends them."""

    settings = SETTINGS

    def __init__(self) -> None:
        self.slots = ConnectionSlots(SlotLimits(9, 9), lambda: 0)

    def host_allowed(self, host: str) -> bool:
        return True

    def accept(self, before: Any, transport: Any, knock: Any, answer: bytes) -> None:
        transport.write(answer)
        transport.close()


class _NoPipeline(deque[Any]):
    """Takes nothing: a request is parsed when the one before it is answered."""

    def appendleft(self, request: Any) -> None:
        raise AssertionError("two requests at a time")


class Visitor:
    """A connection, and all that it was answered."""

    def __init__(self, *, reads: bool = True) -> None:
        self.loop = Loop()
        self.alarms = [Alarm("useby"), Alarm("uvicorn")]
        self.transport = MemoryTransport(self.loop, 0, reads=reads)
        self.latest_seq = bytearray()
        self.transport.on_read = self.latest_seq.extend
        self.asked = 0
        """Requests that the application was called for."""
        config = Config(
            self._echo,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE,
        )
        admission: Any = _Admissions()
        self.protocol = BoundedHttpProtocol(
            admission, lambda _: None, Pacer(), config, ServerState(), {}, self.loop
        )
        self.protocol.pipeline = _NoPipeline()
        self.transport.set_protocol(self.protocol)
        self.loop.call_soon(self.protocol.connection_made, self.transport)
        self.loop.settle()

    async def _echo(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        answer = echoed(scope["method"], scope["raw_path"].decode(), body)
        length = str(len(answer)).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
        )
        await send({"type": "http.response.body", "body": answer})

    def __enter__(self) -> Self:
        for alarm in self.alarms:
            alarm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.vanish()
        self.loop.settle()
        for alarm in self.alarms:
            alarm.__exit__()
        self.loop.end()

    def peer_sends(self, piece: bytes) -> None:
        """Send a piece, and have the node do all that follows from it."""
        for start in range(0, len(piece), READ_BYTES):  # a transport reads no more at once
            self.transport.peer_sends(piece[start : start + READ_BYTES])
            self.loop.settle()
            self.assert_bounded()

    def assert_bounded(self) -> None:
        """Check the bounds of a connection's memory."""
        protocol = self.protocol
        assert len(protocol._unparsed) <= READ_BYTES
        assert len(protocol.headers or ()) <= SETTINGS.head_max_headers + 1
        if protocol.cycle is not None:
            assert len(protocol.cycle.body) <= HIGH_WATER_LIMIT + READ_BYTES

    def assert_nothing_failed(self) -> None:
        for alarm in self.alarms:
            assert alarm.records == [], alarm.records
        self.loop.raise_faults()

    def answers(self) -> list[tuple[int, bytes]]:
        """Status and body of each answer; refusals of every kind count as one."""
        parts = STATUSES.split(bytes(self.latest_seq))
        assert parts[0] == b"", parts[0]
        found = []
        for status, rest in zip(map(int, parts[1::2]), parts[2::2], strict=True):
            refused = status in (400, 413, 414, 426, 431)
            found.append((400, b"") if refused else (status, rest.partition(b"\r\n\r\n")[2]))
        return found
