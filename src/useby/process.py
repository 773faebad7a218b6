"""The server process: stop requests, file limit, interpreter settings, and logging of loop errors.

The module imports nothing of the node, so that a supervisor of several processes can use it.
"""

import asyncio
import contextlib
import gc
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from useby import metrics

STOP_SECONDS: Final = 4.0
"""Time until a stopping process exits, whatever its peers do; later, if its drain takes longer."""
STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""Signals by which an operator stops a process."""
GC_THRESHOLDS: Final = (2_000, 5, 500)
"""``gc.set_threshold`` values for generations 0, 1 and 2. A collection of generation 0 looks at
2,000 objects (0.5 ms) and one of generation 1 at 10,000 (7 ms). With 10,000 and 10 they took 5 and
80 ms at 8,000 connections, for the same CPU in all, and every connection waits for each."""
SWITCH_SECONDS: Final = 0.0002
"""Maximum time for which the event loop and the database threads wait for each other's turn.
Python's default of 5 ms raised the p99 of posts at half capacity from 14 to 34 ms. SQLite's driver
gives up its turn three or four times for each statement: under siege (``docs/performance.md``) 1 ms
raised the mean time of a post from 31 to 37 ms."""
LOOP_ERRORS_A_SECOND: Final = 5


@contextlib.contextmanager
def stop_signals_deferred() -> Iterator[None]:
    """Block SIGTERM and SIGINT until an event loop unblocks them, or until the block ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def handle_stop_signals(on_signal: Callable[[signal.Signals], None]) -> None:
    """Call ``on_signal`` on the running event loop at each stop signal, deferred ones included."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class StopRequests:
    """Requests to stop this process: a stop signal, or the end of its parent process.

    The first request cancels the task that created this object, until ``stop`` is set; the process
    migrates its database then, or waits for another that does. From then on each request calls
    ``stop``.
    """

    def __init__(self, *, with_parent: bool = False) -> None:
        """Receive requests on the running event loop.

        Args:
            with_parent: Whether the end of standard input, which the parent process holds open, is
                a request.
        """
        self.stop: Callable[[], None] | None = None
        self.cancelled_start = False
        self._starting = asyncio.current_task()
        handle_stop_signals(lambda _: self._on_request())
        if with_parent:
            asyncio.get_running_loop().add_reader(sys.stdin, self._on_parent_end)

    def _on_request(self) -> None:
        if self.stop is not None:
            self.stop()
        elif not self.cancelled_start and self._starting is not None:
            self.cancelled_start = True
            self._starting.cancel()

    def _on_parent_end(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        self._on_request()


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one; child processes inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tune_interpreter() -> None:
    """Run the garbage collector rarely, measure it, and switch between threads more often.

    A connection leaves no cycles and keeps some thirty objects: with Python's default thresholds
    the collector took 28 of the 250 µs of a handshake, and found nothing.
    """
    gc.collect()
    metrics.time_collector()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)


class RateLimitedHandler:
    """The event loop's exception handler; logs a limited number of errors per second."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count the errors by the loop's clock."""
        self._loop = loop
        self._second = 0
        self._logged = 0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error as asyncio does, unless this second already had too many."""
        second = int(self._loop.time())
        if second != self._second:
            self._second, self._logged = second, 0
        self._logged += 1
        if self._logged <= LOOP_ERRORS_A_SECOND:
            loop.default_exception_handler(context)
