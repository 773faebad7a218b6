"""Answer some requests without ASGI: with one call, and one write for head and body.

uvicorn starts a request's task at the end of its head and exchanges messages with the application.
``DirectHttpProtocol`` starts it at the end of the body where ``match`` accepts the head. A request
that is not answered after all becomes an ordinary one, with its whole body.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from useby.realtime.deadlines import TimedHttpProtocol
from useby.realtime.pacer import Pacer


class DirectRequest(Protocol):
    """A request whose head was accepted."""

    def answer(self, body: bytes) -> Awaitable[Response | None]:
        """Return the answer; ``None`` if the application has to give it. It never raises."""


Match = Callable[[Scope], DirectRequest | None]
"""Returns the request with a head; ``None`` if the application has to answer it."""


class DirectHttpProtocol(TimedHttpProtocol):
    """uvicorn's HTTP protocol, which answers the requests that ``match`` accepts."""

    __slots__ = ("_direct", "_match", "_pacer")

    def __init__(self, match: Match, pacer: Pacer, *args: Any, **others: Any) -> None:
        """Create the protocol of one connection; ``pacer`` is the node's."""
        super().__init__(*args, **others)
        self._match = match
        self._pacer = pacer
        self._direct: tuple[RequestResponseCycle, DirectRequest] | None = None
        """Request whose body is not complete yet."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start a request at the end of its head, unless it may be answered directly."""
        scope: Any = cycle.scope
        request = self._match(scope)
        if request is None:
            self._pacer.call_soon(self.loop, partial(super()._start_asgi_task, cycle, app))
        else:
            self._direct = cycle, request

    def on_message_complete(self) -> None:
        """Start a request that is answered directly."""
        super().on_message_complete()
        if self._direct is not None:
            task = self.loop.create_task(self._answer(*self._direct))
            self._direct = None
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop a request whose body is not complete."""
        self._direct = None
        super().connection_lost(exc)

    async def _answer(self, cycle: RequestResponseCycle, request: DirectRequest) -> None:
        answer = await request.answer(bytes(cycle.body))
        if answer is None:
            await cycle.run_asgi(self.app)
            return
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if not cycle.disconnected:
            self._write(cycle, answer)

    def _write(self, cycle: RequestResponseCycle, answer: Response) -> None:
        parts = [STATUS_LINE[answer.status_code]]
        for name, value in (*cycle.default_headers, *answer.raw_headers):
            parts += (name, b": ", value, b"\r\n")
        if (b"connection", b"close") in answer.raw_headers:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", bytes(answer.body))
        self.transport.write(b"".join(parts))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
        cycle.on_response = _nothing  # the cycle and this object would refer to each other


def _nothing() -> None:
    pass
