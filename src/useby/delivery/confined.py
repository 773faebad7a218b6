"""Calls of a library that blocks, confined to HTTP requests over our own client.

A confined thread can open no socket, no file of its own, no process and no further thread: an audit
hook of the interpreter denies every event that it does not list. ``requests``, by which the library
posts, hands its requests to the event loop, where ``delivery.outbound`` checks and sends them. A
part of the library that opens a connection by itself fails.
"""

import asyncio
import contextlib
import os
import sys
import sysconfig
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import cache
from io import BytesIO
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import requests
from requests.adapters import HTTPAdapter

from useby.delivery.channel import NotDelivered
from useby.delivery.outbound import Answer, Outbound

MOST_THREADS: Final = 128
"""Twice the number of channels that a worker sends to at once, for threads that do not end."""
MOST_REQUESTS: Final = 20
"""Maximum requests of a call."""
EVENTS: Final = frozenset(
    {
        *("import", "compile", "exec", "marshal.loads", "code.__new__", "function.__new__"),
        *("object.__getattr__", "object.__setattr__", "object.__delattr__", "builtins.id"),
        *("sys._getframe", "sys._getframemodulename", "sys.unraisablehook", "time.sleep"),
        *("os.listdir", "os.scandir", "array.__new__"),
    }
)
"""Audit events that are allowed; ``open`` is, too, to read files of installed packages."""
_OWN_HEADERS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}
)
"""Headers that our client sets itself."""
_REDIRECTED: Final = "location"
"""Header without which ``requests`` follows no redirect."""
_thread: Final = threading.local()

Result = TypeVar("Result")


class Denied(PermissionError):  # noqa: N818 - the name describes the result
    """A confined thread has done something else than to send a request."""


class Ended(BaseException):
    """The call is over. It is no ``Exception``, so that no handler of the library catches it."""


class Relay:
    """The requests of one confined call, and their outcome."""

    def __init__(self, outbound: Outbound, headers: dict[str, str]) -> None:
        """Store the parts; the event loop is the one that runs.

        Args:
            outbound: The client that sends the requests.
            headers: Headers that are added to each request.
        """
        self._outbound = outbound
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._sending: Future[Answer] | None = None
        self._is_over = False
        self.answers: list[Answer] = []
        self.failures: list[NotDelivered] = []
        self.denied: list[str] = []
        """Audit events that were denied."""

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Send a request of the confined thread, and wait for its answer.

        Raises:
            ConnectionError: There is no answer, or the address is refused; of ``requests``.
            Ended: The call is over, or has sent too many requests.
        """
        try:
            answer = self._begin(request).result()
        except CancelledError:
            raise Ended from None
        except NotDelivered as failed:
            self.failures.append(failed)
            raise requests.ConnectionError(failed.reason, request=request) from None
        self.answers.append(answer)
        return _response(request, answer)

    def end(self) -> None:
        """Cancel the request that is being sent, and refuse further ones."""
        with self._lock:
            self._is_over = True
            if self._sending is not None:
                self._sending.cancel()

    def _begin(self, request: requests.PreparedRequest) -> "Future[Answer]":
        headers = {
            name: value if isinstance(value, str) else value.decode("latin-1")
            for name, value in request.headers.items()
            if name.lower() not in _OWN_HEADERS
        }
        sent = self._outbound.request(
            request.method or "POST", request.url or "", headers | self._headers, _body(request)
        )
        with self._lock:
            if self._is_over or len(self.answers) + len(self.failures) >= MOST_REQUESTS:
                sent.close()
                raise Ended
            self._sending = asyncio.run_coroutine_threadsafe(sent, self._loop)
            return self._sending


class ConfinedThreads:
    """Threads for confined calls: one at a time for each key, and a limited number of all."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._places = asyncio.Semaphore(MOST_THREADS)
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def run(self, key: str, relay: Relay, work: Callable[[], Result]) -> Result:
        """Run a function in a confined thread, and return its result.

        If the caller is cancelled, the thread ends with its next request. Until then it keeps its
        place, and another call with its key waits.

        Raises:
            NotDelivered: The call is over, or the system has no thread for it.
            Exception: Any error of the function.
        """
        install()
        own = self._own.get(key)
        if own is None:
            own = self._own[key] = asyncio.Semaphore(1)
        with contextlib.ExitStack() as places:
            for each in (own, self._places):
                await each.acquire()
                places.callback(each.release)
            kept = places.pop_all()
        loop = asyncio.get_running_loop()
        outcome: Future[Result] = Future()
        outcome.set_running_or_notify_cancel()

        def release(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(kept.close)

        outcome.add_done_callback(release)
        # A thread that never ends must not keep the process from ending.
        thread = threading.Thread(target=_call, args=(work, relay, outcome), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            outcome.set_exception(
                NotDelivered("this server has no thread for the service's plug-in")
            )
        try:
            return await asyncio.wrap_future(outcome)
        finally:
            relay.end()


def _call(work: Callable[[], Result], relay: Relay, outcome: "Future[Result]") -> None:
    _thread.relay = relay
    try:
        found = work()
    except Ended:
        outcome.set_exception(NotDelivered("the attempt is over"))
    except BaseException as error:  # noqa: BLE001 - the caller gets it
        outcome.set_exception(error)
    else:
        outcome.set_result(found)


@cache
def install() -> None:
    """Confine threads from now on, in the whole process; other threads are not changed."""
    direct = HTTPAdapter.send

    def send(
        self: HTTPAdapter, request: requests.PreparedRequest, *rest: Any, **options: Any
    ) -> requests.Response:
        relay = getattr(_thread, "relay", None)
        return direct(self, request, *rest, **options) if relay is None else relay.send(request)

    start_thread = threading.Thread.start

    def start(self: threading.Thread) -> None:
        _audit("threading.Thread.start", ())  # Python 3.11 has no such event
        start_thread(self)

    HTTPAdapter.send = send  # type: ignore[method-assign]
    threading.Thread.start = start  # type: ignore[method-assign]
    sys.addaudithook(_audit)


def _audit(event: str, values: tuple[Any, ...]) -> None:
    relay = getattr(_thread, "relay", None)
    if relay is None or event in EVENTS or (event == "open" and _is_installed(*values)):
        return
    relay.denied.append(event)
    raise Denied(f"{event} is denied to a confined thread")


def _is_installed(path: Any, _mode: str | None, flags: int) -> bool:
    """Return whether a file is opened to be read, and belongs to an installed package."""
    if not isinstance(path, str) or flags & (os.O_WRONLY | os.O_RDWR):
        return False
    return os.path.realpath(path).startswith(_installed())


@cache
def _installed() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(os.path.realpath(sysconfig.get_path(each)) + os.sep for each in names)


def _body(request: requests.PreparedRequest) -> bytes:
    body: Any = request.body
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.request = request
    response.url = request.url or ""
    response.headers.update(
        {name: value for name, value in answer.headers if name.lower() != _REDIRECTED}
    )
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = BytesIO(answer.body)
    return response
