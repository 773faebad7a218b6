"""Timeouts of an HTTP connection: for the peer's request, and for reading our answer."""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from useby import metrics
from useby.settings import Settings

LEAST_READ: Final = 16 * 1024
"""Bytes of an answer that a peer has to read within ``answer_timeout``, unless fewer are left."""


class TimedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a timeout for a peer that does not read.

    uvicorn closes idle connections, but a transport closes only once its buffer is empty, and a
    peer that does not read keeps it full forever.
    """

    # uvicorn's own attributes fill the 30 places of a dict whose keys all objects share.
    __slots__ = ("_deadline", "_reading", "_settings", "_unread")
    flow_control: ClassVar[type[FlowControl]] = FlowControl
    """Class of ``flow``."""

    def __init__(
        self,
        settings: Settings,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Create the protocol of one connection."""
        super().__init__(config, server_state, app_state, _loop)
        self._settings = settings
        self._deadline: asyncio.TimerHandle | None = None
        """Timer that aborts if the peer does not send, or does not read our last answer."""
        self._reading: asyncio.TimerHandle | None = None
        """Timer that aborts if the peer does not read."""
        self._unread = 0
        """Unsent bytes at the start of that timer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Set the buffer limit to 0, so that the first unsent byte calls ``pause_writing``.

        The rest is what uvicorn's method does, which asks the kernel for both addresses again.
        """
        self.connections.add(self)
        self.transport = transport
        self.flow = self.flow_control(transport)
        self.server = _address(transport, "sockname")
        self.client = _address(transport, "peername")
        self.scheme = "http"  # a node has no certificates
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers."""
        self._stop_timers()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the timeout for reading."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Cancel the timeout: the peer has read everything."""
        self._unwatch()
        super().resume_writing()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        metrics.requests_rejected.labels("late").inc()
        self.transport.abort()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_soon(self) -> None:
        """Close, and abort if the peer does not read our answer within ``close_timeout``."""
        self._disarm()
        self.transport.close()
        self._deadline = self.loop.call_later(self._settings.close_timeout, self.transport.abort)

    def _watch(self) -> None:
        """Check after ``answer_timeout`` how many bytes the peer has not read."""
        self._unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self._settings.answer_timeout, self._end_if_unread)

    def _end_if_unread(self) -> None:
        """Abort if the peer has read too little since the last check."""
        if self._unread - self.transport.get_write_buffer_size() >= LEAST_READ:
            self._watch()
            return
        metrics.requests_rejected.labels("unread").inc()
        self.transport.abort()

    def _unwatch(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_timers(self) -> None:
        self._disarm()
        self._unwatch()


def _address(transport: asyncio.Transport, name: str) -> tuple[str, int] | None:
    """Return host and port of an end of the connection; ``None`` if it has none."""
    address = transport.get_extra_info(name)
    return address[:2] if isinstance(address, tuple) else None
