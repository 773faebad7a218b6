"""The code of the commit before lots, as the base of what lots cost.

The repository's history has it. It is exported into a temporary folder and runs with the same
interpreter and libraries as this code.
"""

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from bench import peer
from bench.peer import Dialogue, Peer, Server
from bench.users import BenchUsers

ROOT = Path(__file__).parent.parent
FIRST_OF_LOTS = "src/useby/store/migrations/versions/0014_lots.py"
"""The file whose first commit is the first one with lots."""
PARTS = "src/useby", "clients/js", "bench"
WORKER = Path(__file__).with_name("stock_worker.py")
RENAMED = {
    "users.py": "from bench.crowd import gather as create_users, settle as create_accounts",
    "alert_data.py": "from bench.larder import *",
    "alert_data_postgres.py": "from bench.larder_postgres import *",
}
"""Modules from which the worker imports, with their names in the bench before lots."""


@dataclass(frozen=True)
class Code:
    """A version of the code, as the folder in which ``python -m`` finds it."""

    title: str
    folder: Path


NOW = Code("useby", ROOT)


def before_lots(folder: Path) -> Code:
    """Export the code of the commit before lots into ``folder``.

    Raises:
        RuntimeError: The repository's history is not there, or not as far back.
    """
    first = _git("log", "--diff-filter=A", "--format=%H", "--", FIRST_OF_LOTS).decode().split()
    if not first:
        raise RuntimeError("the git history has no commit before lots; run `git fetch --unshallow`")
    with tarfile.open(fileobj=BytesIO(_git("archive", f"{first[-1]}^", *PARTS))) as archive:
        archive.extractall(folder, filter="tar")
    (folder / "bench").rename(folder / "src/bench")
    shutil.copy(WORKER, folder / "src/bench")
    for name, text in RENAMED.items():
        (folder / "src/bench" / name).write_text(text + "\n")
    return Code("useby before lots", folder / "src")


def _git(*words: str) -> bytes:
    done = subprocess.run(  # noqa: S603 - our own words
        ["git", *words],  # noqa: S607 - wherever it is installed
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(
            f"git {words[0]} failed: {reason}; run the bench in a clone of the whole repository"
        )
    return done.stdout


class Worker:
    """A process that carries out the orders of ``bench.stock_worker`` with one version's code."""

    def __init__(self, code: Code) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.stock_worker"],
            cwd=code.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, name: str, **values: Any) -> dict[str, Any]:
        """Wait until an order is carried out; return its answer.

        Raises:
            RuntimeError: The process has ended; its error is on standard error.
        """
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None and answers is not None  # noqa: S101, PT018 - they are pipes
        given.write(json.dumps({"order": name} | values, default=str) + "\n")
        given.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError(f"the order {name!r} failed; its error is printed above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def working(code: Code) -> Iterator[Worker]:
    """Run a worker until the block ends."""
    worker = Worker(code)
    try:
        yield worker
    finally:
        worker.stop()


@contextmanager
def node(code: Code, users: BenchUsers, folder: Path) -> Iterator[Server]:
    """Run ``useby serve`` of a version on the users' own database until the block ends."""

    def environment(users: BenchUsers, _folder: Path) -> Mapping[str, str]:
        return {
            "USEBY_DATABASE_URL": f"sqlite:///{users.database}",
            "USEBY_SECRET_KEY": users.key,
            "USEBY_LOG_LEVEL": "WARNING",
        }

    served = Peer(
        name="useby",
        title=code.title,
        token="useby",  # noqa: S106 - the verifying software
        argv=lambda _users, _folder, port: [*peer.python("useby"), "serve", "--port", str(port)],
        dialogue=Dialogue(lambda _user, token: f"/?access_token={token}"),
        publisher=lambda _server, _users: _Silent(),
        environment=environment,
        cwd=code.folder,
    )
    with peer.serving(served, users, folder) as (server, _):
        yield server


class _Silent:
    """A publisher of a node that is used over REST alone."""

    def prepare(self, count: int, among: int) -> None:
        """Do nothing."""

    def push(self, count: int, among: int, **_options: Any) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
