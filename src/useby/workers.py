"""Several processes on one port: starts them, restarts one that died, stops them together.

Each is a node like any other, on the same PostgreSQL and NATS. The kernel spreads connections
over them (SO_REUSEPORT), and their counters lie in one folder, from which any of them answers
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
from useby.api.health import MULTIPROCESS
from useby.app import STOP_SECONDS, STOP_SIGNALS, stop_signals_deferred
from useby.auth.key import SettingsError, signing_key
from useby.listening import listen, url_of
from useby.settings import Settings
from useby.store import migrate
from useby.store.database import database_file

log = logging.getLogger(__name__)

WORKER: Final = "--worker"
"""The flag by which ``useby serve`` knows that it is one of several."""
RETRY_SECONDS: Final = 0.5
RETRY_MAX_SECONDS: Final = 30.0
STABLE_SECONDS: Final = 30.0
"""Who has lived as long as this is restarted at once when it dies."""
GRACE_SECONDS: Final = 6.0
"""What a worker is given beyond its drain before it is killed."""


class Worker:
    """One process, started anew whenever it ends unasked."""

    def __init__(self, number: int, environment: Mapping[str, str], folder: Path) -> None:
        """Take what it starts with, and where its counters lie."""
        self.has_listened = asyncio.Event()
        self._number = number
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> bool:
        """Have it serve until it is asked to stop; whether it then ended well.

        Raises:
            SettingsError: It could not even start.
        """
        pause = RETRY_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            listened, status = await self._run_once()
            if self._stopping.is_set():
                return status == 0 or not listened  # before Python takes signals, they end it
            if not self.has_listened.is_set():
                raise SettingsError(f"worker {self._number} could not start (status {status})")
            log.error("worker %d has ended with %d and is started anew", self._number, status)
            if loop.time() - began >= STABLE_SECONDS:
                pause = RETRY_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
                return True
            pause = min(pause * 2, RETRY_MAX_SECONDS)

    def stop(self, number: signal.Signals) -> None:
        """Signal the process, and start it no more."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _run_once(self) -> tuple[bool, int]:
        """One life of the process: whether it came to listen, and how it ended."""
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "useby", "serve", WORKER),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,  # ends with us, however we end, and the worker sees it
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the supervisor, who passes it on
        )
        if self._stopping.is_set():
            process.terminate()
        assert process.stdout is not None  # noqa: S101 - for mypy
        listened = bool(await process.stdout.readline())  # all that it ever says there
        if listened:
            self.has_listened.set()
        status = await process.wait()
        multiprocess.mark_process_dead(process.pid, str(self._folder))  # type: ignore[no-untyped-call]
        return listened, status


def serve(settings: Settings, count: int, ready: Callable[[str], None] = lambda _: None) -> int:
    """Run ``count`` processes on one port until SIGTERM or SIGINT.

    Args:
        settings: Those of each node.
        count: How many processes.
        ready: Called with the URL once all of them listen.

    Returns:
        0 if all have ended well, and in time, after a stop that was asked for.

    Raises:
        SettingsError: The settings don't let several processes serve, or one could not start.
        OSError: The address is taken.
        StoreUnavailable: The database can't be used.
    """
    if database_file(settings.database_url) is not None or not settings.nats_url:
        raise SettingsError(
            "several workers need USEBY_DATABASE_URL=postgresql://… and USEBY_NATS_URL=nats://…:"
            " each is a process of its own, and a SQLite file has one"
        )
    signing_key(settings, None)
    # A socket that is bound and does not listen takes no connection: it holds the port.
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
    # Once, and not by all of them at the same time.
    migrating = asyncio.create_task(migrate.ensure_current(settings.database_url), name="migrating")

    def stop(number: signal.Signals) -> None:
        for worker in workers:
            worker.stop(number)

    def ask(number: signal.Signals) -> None:
        migrating.cancel()
        stop(number)
        patience = max(STOP_SECONDS, settings.drain_seconds) + GRACE_SECONDS
        loop.call_later(patience, stop, signal.SIGKILL)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, ask, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    await asyncio.wait([migrating])
    if migrating.cancelled():
        return 0
    migrating.result()

    async def say_when_all_listen() -> None:
        for worker in workers:
            await worker.has_listened.wait()
        ready(url_of(settings.host, held))

    telling = asyncio.create_task(say_when_all_listen(), name="telling")
    running = [asyncio.create_task(each.run(), name="worker") for each in workers]
    try:
        return 0 if all(await asyncio.gather(*running)) else 1
    finally:
        telling.cancel()
        ask(signal.SIGTERM)
        await asyncio.gather(*running, return_exceptions=True)
