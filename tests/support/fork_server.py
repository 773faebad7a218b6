"""Start Python programs as forks of a process that has already imported useby.

The imports take most of a node's start, and the tests start hundreds of nodes. The first start of
a test process creates the server of ``multiprocessing``, which imports ``PRELOADED`` once; each
program is a fork of it, with its own arguments, folder, environment and output. Variables that
Python reads at its own start, such as PYTHONHASHSEED, have no effect on a fork.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import TextIO

PRELOADED = (
    "tests.support.fork_server",
    "useby.serving",
    "useby.cli.serve",
    "useby.auth.external",
    "useby.bus.nats",
    "useby.store.postgres",
    "alembic.command",
    "alembic.op",
    "alembic.autogenerate",
    "alembic.runtime.environment",
    "argon2",
    "rich.console",
    "rich.traceback",
    "pygments.lexers",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl",
    "pwdlib.hashers.argon2",
    "useby.store.sqlite",
    "tests.support.one_tls_context",
    "tests.support.quick_sign_in",
    "tests.support.frozen_modules",  # the last one
)
"""Modules that a node imports on its way to its first line of output; one that is missing here
costs time and nothing else."""
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))
_starting = threading.Lock()


class ForkedProgram:
    """A process with those methods of ``subprocess.Popen`` that the tests use."""

    def __init__(self, process: ForkServerProcess, stdout: TextIO) -> None:
        self._process = process
        self.stdout: TextIO | None = stdout

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status; ``None`` while the program runs, negative after a signal."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit status.

        Raises:
            subprocess.TimeoutExpired: The program still runs after ``timeout`` seconds.
        """
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the program has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


Program = ForkedProgram | subprocess.Popen[str]


def forked_program(
    program: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdin: str = ""
) -> ForkedProgram:
    """Start ``python`` with the arguments ``program``: a path, or ``-m`` and a module.

    ``stdin`` is a short text, which a pipe has room for.
    """
    ours, theirs = os.pipe()
    output = Connection(theirs, readable=False)
    theirs, ours_to_write = os.pipe()
    given = Connection(theirs, writable=False)
    os.write(ours_to_write, stdin.encode())
    os.close(ours_to_write)
    arguments = (tuple(program), folder, dict(environment), given, output)
    process = _context.Process(target=_run, args=arguments, daemon=True)
    with given, output, _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")  # the child would import the tests' first
        try:
            process.start()
        finally:
            sys.modules["__main__"] = main
    return ForkedProgram(process, os.fdopen(ours))


def python_program(
    program: Sequence[str], *, folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    """Start ``python`` as ``forked_program`` does, but as a process that imports for itself."""
    return subprocess.Popen(
        [sys.executable, *program],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _run(
    program: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    given: Connection,
    output: Connection,
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(given.fileno(), 0)
    sys.stdin = os.fdopen(0, closefd=False)  # ``multiprocessing`` has opened /dev/null
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    given.close()
    output.close()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    if program[0] == "-m":
        sys.argv = list(program[1:])
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(program)
        runpy.run_path(program[0], run_name="__main__")
