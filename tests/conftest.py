"""Fixtures of all tests.

Hypothesis judges no example by its time: on a machine whose cores are busy any may take long. It
may spend 300 s on making a failure small, so its tests have more time than the limit of a hang.
"""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import tests.support.cached_parsers
import tests.support.one_tls_context
import tests.support.quick_sign_in
import tests.support.shared_statements  # noqa: F401 - each saves what every test would spend
from hypothesis import HealthCheck, settings
from tests.support.migrated_files import new_file
from tests.support.postgres import (
    MEMORY,
    Postgres,
    fast_folder,
    postgres_server,
    shared_cluster,
)

from useby.store.database import Database
from useby.store.open import open_database

# The workers and hundreds of other processes import the same modules. Where this variable is set,
# each would compile all of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell ignores SIGINT for what it runs in the background. Programs that the tests start would
# inherit that, and not end by Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("useby", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("useby")


def pytest_configure(config: pytest.Config) -> None:
    """Put all temporary folders in memory where there is room: SQLite waits for no disk there.

    That includes those of the programs that the tests start, such as the bench.

    Some tests run programs that they have written, which some containers forbid in memory.
    """
    if fast_folder() == MEMORY and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None  # read the variable again
    if not hasattr(config, "workerinput"):
        shared = ExitStack()
        shared.enter_context(shared_cluster())
        config.add_cleanup(shared.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from scanning the growing list of tests: a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start long tests early; give one of Hypothesis the time to report its smallest failure."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = long_ones_early(items, -(-len(items) // workers))
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.timeout(600))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules and tests, which stay: half a second each time."""
    gc.freeze()
    gc.set_threshold(700, 10, 50)


def long_ones_early(items: list[pytest.Item], share: int) -> list[pytest.Item]:
    """Move each test that has a limit of its own into the first half of its worker's share.

    A worker gets ``share`` tests in a row. The cores would be idle while one worker runs a long
    test that it has started last.
    """

    def place(position: int) -> float:
        limit = items[position].get_closest_marker("timeout")
        if not limit or position % share < share / 2:
            return position
        earlier = position - share // 2
        while earlier and items[earlier - 1].path == items[earlier].path:
            earlier -= 1  # not into a module, whose fixtures would be made twice
        return earlier - 0.5

    return [items[each] for each in sorted(range(len(items)), key=place)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the result of the tests that node runs; to pytest they are one test."""
    for report in terminalreporter.getreports("passed"):
        if "node" in (properties := dict(report.user_properties)):
            terminalreporter.write_line(f"node: {properties['node']}")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema, to be read and not to be written."""
    path = tmp_path_factory.mktemp("migrated") / "useby.db"
    new_file(path)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, and on it an empty database at the newest schema, to be copied."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file of the test's own, empty."""
    path = tmp_path / "useby.db"
    new_file(path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A database of the test's own on the server, empty."""
    with postgres.own_database() as url:
        yield url


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The database that ``database`` opens; a folder whose tests run on both stores replaces it."""
    return sqlite_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of the test's own, empty and open as a node has it."""
    database = open_database(database_url, checkpoints=True)
    yield database
    await database.close()
