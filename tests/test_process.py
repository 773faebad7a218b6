"""Stop requests, the file limit and the log of the event loop's errors."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT

from useby.process import (
    GC_THRESHOLDS,
    LOOP_ERRORS_A_SECOND,
    STOP_SIGNALS,
    RateLimitedHandler,
    StopRequests,
    raise_file_limit,
)


@pytest.fixture(autouse=True)
async def no_handlers() -> Any:
    """Remove the handlers that a test leaves on its loop."""
    yield
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.parametrize("number", sorted(STOP_SIGNALS))
async def test_a_signal_cancels_a_start_once(number: signal.Signals) -> None:
    cancelled = []

    async def start() -> StopRequests:
        requests = StopRequests()
        for _ in range(2):
            os.kill(os.getpid(), number)
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                cancelled.append(requests.cancelled_start)
        return requests

    await asyncio.create_task(start())
    assert cancelled == [True]


async def test_each_signal_after_the_start_calls_stop() -> None:
    stops: list[None] = []
    requests = StopRequests()
    requests.stop = lambda: stops.append(None)

    def called(count: int) -> bool:
        return len(stops) == count

    for count in (1, 2):
        os.kill(os.getpid(), signal.SIGTERM)
        await until(partial(called, count))
    assert not requests.cancelled_start


async def test_the_end_of_the_parent_process_calls_stop_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, parents = os.pipe()
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        stops: list[None] = []
        requests = StopRequests(with_parent=True)
        requests.stop = lambda: stops.append(None)
        os.close(parents)
        await until(lambda: stops)
        await asyncio.sleep(0.05)
        assert len(stops) == 1


DEFERRED = """
import asyncio, os, signal
from useby.process import StopRequests, stop_signals_deferred

async def main():
    stopped = asyncio.Event()
    with stop_signals_deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        requests = StopRequests()
        requests.stop = stopped.set
        await stopped.wait()

asyncio.run(main())
print("stopped")
"""


def test_a_deferred_signal_arrives_when_requests_are_handled() -> None:
    """In a process of its own: another thread of this one would take the signal, and end it."""
    done = subprocess.run(
        [sys.executable, "-c", DEFERRED],
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr


@pytest.fixture
def file_limit() -> Iterator[tuple[int, int]]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_limit_of_open_files_is_raised_to_the_hard_one(file_limit: tuple[int, int]) -> None:
    soft, hard = file_limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard - 1), hard))
    raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


async def test_a_flood_of_loop_errors_is_logged_a_few_times_a_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    handler = RateLimitedHandler(loop)
    for _ in range(10 * LOOP_ERRORS_A_SECOND):
        handler(loop, {"message": "a failed callback"})
    logged = caplog.text.count("a failed callback")
    assert LOOP_ERRORS_A_SECOND <= logged <= 2 * LOOP_ERRORS_A_SECOND


def test_a_collection_of_the_younger_generations_looks_at_ten_thousand_objects_at_most() -> None:
    """The event loop stands still for it: at 8,000 connections, 7 ms for each ten thousand."""
    youngest, middle, oldest = GC_THRESHOLDS
    assert youngest * middle <= 10_000
    assert youngest * middle * oldest == 5_000_000
