"""One live socket and its hub, without a store: the test decides when marks are answered."""

from datetime import UTC, datetime
from typing import Any, Self

from tests.support.raw_websocket import Frame
from tests.support.settings import SettingsWithoutFile
from tests.support.simulation.parts import Alarm, Loop, MemoryTransport, frames_in

from useby.bus import NoBus
from useby.realtime.effects import Mark
from useby.realtime.hub import Hub
from useby.realtime.session import Session
from useby.realtime.socket import SLICE, Socket
from useby.realtime.states import SessionState
from useby.settings import Settings

SETTINGS = SettingsWithoutFile()


class Alone:
    """A plain connection of one user, past its first frame."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.alarm = Alarm("useby")
        self.transport = MemoryTransport(self.loop, 0, reads=True)
        self.latest_seq = bytearray()
        self.transport.on_read = self.latest_seq.extend
        self.marked: list[str] = []
        self.waiting: list[tuple[Socket, Mark]] = []
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        nothing: Any = None
        self.hub = Hub(
            SETTINGS,
            nothing,
            nothing,
            NoBus(),
            now=lambda: datetime.now(UTC),
        )
        requests: Any = self.hub.requests
        requests.mark = lambda socket, wanted: self.waiting.append((socket, wanted))
        session = Session("ada")
        session.state = SessionState.LIVE
        self.socket = Socket(self.hub, self.transport, session)
        self.hub.registry.add(self.socket)
        self.transport.set_protocol(self.socket)

    def __enter__(self) -> Self:
        self.alarm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.alarm.__exit__()
        self.transport.vanish()
        self.loop.settle()
        self.loop.end()

    def mark(self) -> bool:
        """Make durable what is to be marked; whether there was any."""
        self.loop.settle()
        batch, self.waiting = self.waiting, []
        for socket, mark in batch:
            assert mark.ids, "a plain session names what it marks"
            self.marked += mark.ids
            socket.reply(socket.session.marked)
        self.loop.settle()
        return bool(batch)

    def frames(self) -> list[Frame]:
        """Return the frames that the client was sent."""
        received = bytearray(self.latest_seq)
        frames = list(frames_in(received))
        assert not received, "half a frame"
        return frames

    def assert_nothing_failed(self) -> None:
        assert self.alarm.records == []
        self.loop.raise_faults()


def assert_bounded(socket: Socket, most: Settings = SETTINGS) -> None:
    """Check the bounds, in bytes and by count, of a connection's memory."""
    wire, session = socket._wire, socket.session
    assert len(socket._assembler or b"") <= most.message_max_bytes
    if wire is not None:  # bytes were received
        assert len(wire.reader.buffer) <= most.message_max_bytes
        assert wire.events == []
        assert sum(map(len, wire.writes)) <= SLICE, "pongs that wait their turn"
    assert len(session._inbox or ()) <= SLICE // SMALLEST + 1
    assert socket.transport.get_write_buffer_size() + socket._unsent <= (
        most.send_buffer_bytes + CLOSE_FRAME
    )


SMALLEST = 6
"""Bytes of the smallest frame."""
CLOSE_FRAME = 127
