"""Run several processes on one port: start them, restart one that died, stop them together.

Each process is an ordinary node on the same PostgreSQL and NATS. The kernel spreads connections
over them (SO_REUSEPORT). Their counters lie in one folder, from which each of them answers
``/metrics`` for all.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import multiprocess

from useby import logs
from useby.auth.key import SettingsError, signing_key
from useby.backoff import Backoff
from useby.listening import listen, url_of
from useby.metrics import MULTIPROCESS
from useby.process import STOP_SECONDS, handle_stop_signals, stop_signals_deferred
from useby.settings import Settings
from useby.store import migrate
from useby.store.url import database_file

log = logging.getLogger(__name__)

WORKER: Final = "--worker"
"""Flag that marks a ``useby serve`` process as one of several workers."""
RETRY_SECONDS: Final = 0.5
RETRY_MAX_SECONDS: Final = 30.0
STABLE_SECONDS: Final = 30.0
"""A worker that ran for this long is restarted after RETRY_SECONDS at most when it dies."""
GRACE_SECONDS: Final = 6.0
"""Time that a worker gets after its drain before it is killed."""


class Worker:
    """One worker process, restarted whenever it ends unexpectedly."""

    def __init__(self, number: int, environment: Mapping[str, str], folder: Path) -> None:
        """Store the environment of the process and the folder of its counters."""
        self.has_listened = asyncio.Event()
        self._number = number
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> bool:
        """Run the process until ``stop`` is called; return whether it then ended well.

        Raises:
            SettingsError: The process could not start.
        """
        backoff = Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            listened, status = await self._run_once()
            if self._stopping.is_set():
                return status == 0 or not listened  # a signal ends it while it starts
            if not self.has_listened.is_set():
                raise SettingsError(f"worker {self._number} could not start (status {status})")
            log.error("worker %d ended with status %d and is restarted", self._number, status)
            if loop.time() - began >= STABLE_SECONDS:
                backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next()):
                    await self._stopping.wait()
                return True

    def stop(self, number: signal.Signals) -> None:
        """Send a signal to the process, and do not restart it."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _run_once(self) -> tuple[bool, int]:
        """Run the process once; return whether it came to listen, and its exit status."""
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "useby", "serve", WORKER),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,  # ends with this process; the worker then stops
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the supervisor, which forwards it
        )
        if self._stopping.is_set():
            process.terminate()
        assert process.stdout is not None  # noqa: S101 - for mypy
        listened = bool(await process.stdout.readline())  # the only line on its standard output
        if listened:
            self.has_listened.set()
        status = await process.wait()
        multiprocess.mark_process_dead(process.pid, str(self._folder))  # type: ignore[no-untyped-call]
        return listened, status


def serve(settings: Settings, count: int, ready: Callable[[str], None] = lambda _: None) -> int:
    """Run ``count`` processes on one port until SIGTERM or SIGINT.

    Args:
        settings: The settings of each node.
        count: Number of processes.
        ready: Called with the URL once all of them listen.

    Returns:
        0 if all processes ended well and in time after a requested stop.

    Raises:
        SettingsError: The settings do not allow several processes, or one could not start.
        OSError: The address is in use.
        StoreUnavailable: The database cannot be used.
    """
    if database_file(settings.database_url) is not None or not settings.nats_url:
        raise SettingsError(
            "several workers need USEBY_DATABASE_URL=postgresql://… and USEBY_NATS_URL=nats://…:"
            " each is a process of its own, and a SQLite file has one"
        )
    signing_key(settings, None)
    # A bound socket that does not listen receives no connection: it only holds the port.
    with (
        stop_signals_deferred(),
        contextlib.closing(listen(settings, share_port=True, only_bind=True)) as held,
        tempfile.TemporaryDirectory(prefix="useby-metrics-") as folder,
    ):
        logs.configure(settings)
        return asyncio.run(_supervise(settings, count, held, Path(folder), ready))


async def _supervise(
    settings: Settings,
    count: int,
    held: socket.socket,
    folder: Path,
    ready: Callable[[str], None],
) -> int:
    environment = os.environ | {
        "USEBY_HOST": settings.host,
        "USEBY_PORT": str(held.getsockname()[1]),
        "USEBY_DATABASE_URL": settings.database_url,
        MULTIPROCESS: str(folder),
    }
    workers = [Worker(number, environment, folder) for number in range(1, count + 1)]
    loop = asyncio.get_running_loop()
    # Migrate once here, so that the workers do not all try at the same time.
    migrating = asyncio.create_task(migrate.ensure_current(settings.database_url), name="migrating")

    def stop(number: signal.Signals) -> None:
        for worker in workers:
            worker.stop(number)

    def begin_stop(number: signal.Signals) -> None:
        migrating.cancel()
        stop(number)
        seconds = max(STOP_SECONDS, settings.drain_seconds) + GRACE_SECONDS
        loop.call_later(seconds, stop, signal.SIGKILL)

    handle_stop_signals(begin_stop)
    await asyncio.wait([migrating])
    if migrating.cancelled():
        return 0
    migrating.result()

    async def report_when_all_listen() -> None:
        for worker in workers:
            await worker.has_listened.wait()
        ready(url_of(settings.host, held))

    reporting = asyncio.create_task(report_when_all_listen(), name="reporting")
    running = [asyncio.create_task(each.run(), name="worker") for each in workers]
    try:
        return 0 if all(await asyncio.gather(*running)) else 1
    finally:
        reporting.cancel()
        begin_stop(signal.SIGTERM)
        await asyncio.gather(*running, return_exceptions=True)
