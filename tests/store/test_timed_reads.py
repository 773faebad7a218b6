"""Long reads on SQLite pause while a large write runs."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import Connection
from tests.support.time_limits import HANG_TIMEOUT

from useby.store import timed_reads
from useby.store.database import ReadRefused
from useby.store.groups import Job
from useby.store.sqlite import sqlite_engine
from useby.store.timed_reads import TimedReads


class WatchedEvent(threading.Event):
    """An event that shows that somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_awaited.set()
        return super().wait(timeout)


def read(path: Path, reads: TimedReads, work: Any) -> Job[Any]:
    """Run one long read, as a thread of the database does."""
    loop = asyncio.new_event_loop()
    job: Job[Any] = Job(work, loop.create_future())
    loop.close()
    engine = sqlite_engine(path, writes=False)
    with engine.connect() as connection:
        reads.run(connection, [job])
    engine.dispose()
    return job


def test_a_long_read_starts_after_the_large_write_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_reads, "PAUSE_SECONDS", HANG_TIMEOUT)
    reads, done = TimedReads(), list[str]()
    reads._may_run = event = WatchedEvent()
    path = tmp_path / "useby.db"
    reader = threading.Thread(target=read, args=(path, reads, lambda _: done.append("read")))
    with reads.paused():
        reader.start()
        assert event.is_awaited.wait(HANG_TIMEOUT)
        done.append("write")
    reader.join(HANG_TIMEOUT)
    assert done == ["write", "read"]


def test_a_long_read_that_runs_already_pauses_at_its_next_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_reads, "PAUSE_SECONDS", HANG_TIMEOUT)
    monkeypatch.setattr(timed_reads, "PROGRESS_STEPS", 10)
    reads, done = TimedReads(), list[str]()
    runs, may_go_on = threading.Event(), threading.Event()

    def count(connection: Connection) -> None:
        runs.set()
        may_go_on.wait(HANG_TIMEOUT)
        connection.exec_driver_sql(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 99)"
            " SELECT count(*) FROM numbers"
        )
        done.append("read")

    reads._may_run = event = WatchedEvent()
    event.set()
    reader = threading.Thread(target=read, args=(tmp_path / "useby.db", reads, count))
    reader.start()
    assert runs.wait(HANG_TIMEOUT)
    event.is_awaited.clear()
    with reads.paused():
        may_go_on.set()
        assert event.is_awaited.wait(HANG_TIMEOUT)
        done.append("write")
    reader.join(HANG_TIMEOUT)
    assert done == ["write", "read"]


def test_a_write_that_takes_longer_than_a_pause_does_not_stop_a_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_reads, "PAUSE_SECONDS", 0)
    reads = TimedReads()
    with reads.paused():
        job = read(tmp_path / "useby.db", reads, lambda c: c.exec_driver_sql("SELECT 7").scalar())
    assert (job.result, job.error) == (7, None)


class SlowWrites(threading.Event):
    """Never set: one large write after the other. Each wait for one takes a second of a clock."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self._clock = clock
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        self._clock[0] += 1
        return False


def test_pauses_extend_the_time_limit_of_a_read_until_it_has_paused_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(timed_reads, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(timed_reads, "PROGRESS_STEPS", 10)
    monkeypatch.setattr(timed_reads, "READ_SECONDS", 1.5)
    reads = TimedReads()
    reads._may_run = writes = SlowWrites(clock)
    count = (
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 999)"
        " SELECT count(*) FROM numbers"
    )
    job = read(tmp_path / "useby.db", reads, lambda c: c.exec_driver_sql(count).scalar())
    assert (job.result, job.error) == (999, None)
    assert writes.waits == timed_reads.PAUSES_SECONDS

    def slowly(connection: Connection) -> object:
        clock[0] += 1.6
        return connection.exec_driver_sql(count).scalar()

    late = read(tmp_path / "useby.db", reads, slowly)
    assert isinstance(late.error, ReadRefused)
