"""Checks that a fault leaves nothing in a node that runs in the test's own process."""

import asyncio
import contextlib
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.process_node import until

from useby.store.postgres import POOL, PostgresDatabase

OURS = ("Proxy.", "ProxiedConnection.", "until", "Device.")
"""Tasks of the test itself, which are no leaks."""


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """In the end, nothing has been logged that nobody had thought of."""
    yield
    gc.collect()  # a task whose error was not taken logs it when it is freed
    messages = [
        record.getMessage()
        for when in ("setup", "call", "teardown")
        for record in caplog.get_records(when)
        if record.levelno >= logging.ERROR or "never retrieved" in record.getMessage()
    ]
    assert messages == []


@contextlib.asynccontextmanager
async def nothing_left(*houses: InProcessNode) -> AsyncIterator[None]:
    """After the block, the tasks of nodes on PostgreSQL and their pools are as before.

    A pool may have made more connections, but has no more than it may, and all of them are free.
    """
    before = _tasks()
    yield
    await until(lambda: not _tasks() - before)
    for house in houses:
        database = house.node.database
        assert isinstance(database, PostgresDatabase)
        await until(partial(_has_all_back, database))
        assert _open(database) <= POOL


def _has_all_back(database: PostgresDatabase) -> bool:
    """Compare counts: one whose query was cancelled is given back before the pool drops it."""
    pool: Any = database._engine.pool
    return (pool.checkedout(), pool.checkedin()) == (0, _open(database))


def _open(database: PostgresDatabase) -> int:
    return sum(not each.is_closed() for each in database._connections)


def _tasks() -> Counter[str]:
    """The tasks there are, by what they run."""
    names = (
        getattr(each.get_coro(), "__qualname__", "")
        for each in asyncio.all_tasks()
        if each is not asyncio.current_task()
    )
    return Counter(each for each in names if not each.startswith(OURS))
