"""Accept connections: the listening socket, its accept loop, and the limits for connections."""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn

from useby import metrics
from useby.realtime.http import BoundedHttpProtocol
from useby.realtime.slots import ENOUGH_FILES, RAISE_LIMIT, ConnectionSlots, SlotLimits
from useby.settings import Settings, http_url

log = logging.getLogger(__name__)

BACKLOG: Final = 2048
"""Connections that wait in the kernel when a node restarts and all its clients reconnect."""
OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of ``accept`` that mean that no descriptor, or no memory for one, is left."""
RETRY_SECONDS: Final = 1.0
"""Time until ``accept`` is retried when even the spare descriptor does not help."""
OUT_SECONDS: Final = 5.0
"""Time without such an error after which the node counts as ready again."""
LOG_SECONDS: Final = 10.0
"""Minimum time between two log lines about such errors."""
_NO_ROOM: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 8\r\nretry-after: 2\r\nconnection: close\r\n\r\nNo limits."
)


class Listening(uvicorn.Server):
    """uvicorn with the node's own signal handling and accept loop."""

    def __init__(self, config: uvicorn.Config, slots: ConnectionSlots) -> None:
        """Serve ``config``'s application to the connections that ``slots`` admits."""
        super().__init__(config)
        self._slots = slots

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals: uvicorn would end the process by the signal."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting connections."""
        make: Any = self.config.http_protocol_class

        def make_protocol() -> BoundedHttpProtocol:
            protocol: BoundedHttpProtocol = make(self.config, self.server_state, {})
            return protocol

        self.servers = [
            Door(each, make_protocol, self._slots)  # type: ignore[misc]
            for each in sockets or ()
        ]
        self.started = True


class Door:
    """The accept loop of a listening socket.

    asyncio's own loop makes a task of each connection before it can be counted, so the process runs
    out of descriptors although connections are limited; it then logs up to ``backlog`` tracebacks
    per wake-up (python/cpython#151615). This loop counts each connection as it accepts it. It keeps
    a spare descriptor to answer with 503 when no other is left.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], BoundedHttpProtocol],
        slots: ConnectionSlots,
    ) -> None:
        """Accept from ``listener`` until ``close``, each connection with a protocol of its own."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._kind = listener.family, listener.type, listener.proto
        self._make_protocol = make_protocol
        self._slots = slots
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY)
        self._again: asyncio.TimerHandle | None = None
        self._recovery: asyncio.TimerHandle | None = None
        self._logged_at = -LOG_SECONDS
        self._turned_away = 0
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Stop accepting."""
        self._loop.remove_reader(self._listener)
        for timer in (self._again, self._recovery):
            if timer is not None:
                timer.cancel()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    async def wait_closed(self) -> None:
        """Return at once: nothing outlives ``close``."""

    def _accept(self) -> None:
        for _ in range(self._slots.accepts):
            try:
                # ``accept`` does the same, and makes members of enums of two numbers each time.
                fd, address = self._listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in OUT_OF_FILES:
                    raise
                self._note(error)
                if not self._turn_away():
                    self._loop.remove_reader(self._listener)
                    self._again = self._loop.call_later(RETRY_SECONDS, self._resume)
                    return
            else:
                self._let_in(socket.socket(*self._kind, fileno=fd), address)

    def _let_in(self, connection: socket.socket, address: object) -> None:
        connection.setblocking(False)
        protocol = self._make_protocol()
        self._slots.take(protocol)
        try:
            # ``connect_accepted_socket`` does the same in a task, which costs some 20 µs more.
            self._loop._make_socket_transport(  # type: ignore[attr-defined]  # noqa: SLF001
                connection, protocol, extra={"peername": address}
            )
        except OSError:  # the peer has already disconnected
            self._slots.free(protocol)
            connection.close()

    def _turn_away(self) -> bool:
        """Answer a connection with 503 through the spare descriptor; return whether it worked."""
        if self._spare is None:
            return False
        os.close(self._spare)
        self._spare = None
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            pass
        except OSError:
            return False
        else:
            metrics.requests_rejected.labels("full").inc()
            self._turned_away += 1
            with connection, contextlib.suppress(OSError):
                connection.setblocking(False)
                connection.send(_NO_ROOM)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(2**16)  # unread data would make the kernel send a reset
        return self._take_spare()

    def _take_spare(self) -> bool:
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY)
        return self._spare is not None

    def _resume(self) -> None:
        self._again = None
        if self._spare is None:
            self._take_spare()
        self._loop.add_reader(self._listener, self._accept)

    def _note(self, error: OSError) -> None:
        """Mark the node as not ready, and log the error at most once per LOG_SECONDS."""
        self._slots.out_of_files = True
        if self._recovery is not None:
            self._recovery.cancel()
        self._recovery = self._loop.call_later(OUT_SECONDS, self._recovered)
        now = self._loop.time()
        if now >= self._logged_at + LOG_SECONDS:
            self._logged_at = now
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            log.error(
                "a connection can't be accepted (%s); the limit of open files is %d. New"
                " connections are answered with 503, %d of them so far. %s",
                error.strerror,
                limit,
                self._turned_away,
                RAISE_LIMIT,
            )

    def _recovered(self) -> None:
        self._slots.out_of_files = False


def listen(
    settings: Settings, *, share_port: bool = False, only_bind: bool = False
) -> socket.socket:
    """Open the listening socket with a bounded send buffer, inherited by connections on Linux.

    Args:
        settings: The address, the port and the size of the buffer.
        share_port: Allow other processes to listen there; the kernel spreads connections over them.
        only_bind: Hold the address without listening yet.

    Raises:
        OSError: The address is in use.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is given because asyncio sets TCP_NODELAY only where it is; without TCP_NODELAY a
    # second frame waits some 40 ms for the acknowledgement of the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # The kernel doubles the requested size to cover its own bookkeeping (socket(7)).
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, settings.kernel_send_buffer_bytes // 2
        )
        listener.bind((settings.host, settings.port))
        if not only_bind:
            listener.listen(BACKLOG)  # connections wait in the kernel from here on
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    return http_url(host, listener.getsockname()[1])


def slot_limits(settings: Settings) -> SlotLimits:
    """Divide the process's limit of open files, and log a warning if it is small.

    Raises:
        SettingsError: The limit leaves no room for connections.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = SlotLimits.of(files, settings.max_connections)
    requested = settings.max_connections
    if limits.connections < requested if requested else files < ENOUGH_FILES:
        log.warning(
            "the limit of open files is %d: there is room for %d WebSocket connections%s. %s",
            files,
            limits.connections,
            f", and USEBY_MAX_CONNECTIONS is {requested}" if requested else "",
            RAISE_LIMIT,
        )
    return limits
