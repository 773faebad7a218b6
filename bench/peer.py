"""Descriptions of peers, and a peer's server while it runs."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

if TYPE_CHECKING:  # the processes that cause the load do without useby
    from bench.users import BenchUsers

HOST = "127.0.0.1"
START_SECONDS = 120.0
STOP_SECONDS = 10.0
LOG = "log"
TOGETHER = 50
"""Frames that a server pushes before its event loop runs again."""
Argv = Callable[["BenchUsers", Path, int], Sequence[str]]
"""The server's command line, given the users, a folder of its own and a free port."""


@dataclass(frozen=True)
class Dialogue:
    """The exchange after which a client counts as connected."""

    request: Callable[[str, str], str]
    """Returns the request's target for a user's id and token."""
    first_frames: tuple[bytes, ...] = (b'{"type":"CONNECTION_ESTABLISHED"',)
    """Prefixes of the server's first frames, in order; empty if the handshake is enough."""
    reply: Callable[[str, str], bytes] | None = None
    """Returns the client's payload after the first of them, for a user's id and token."""
    protocol: str = ""
    """The offered subprotocol."""
    binary: bool = False
    """True if the client's frames are binary."""
    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    """Answers that a client must send to keep the connection, by the payload received."""


class Publisher(Protocol):
    """Makes a server push."""

    def prepare(self, count: int, among: int) -> None:
        """Build the messages of ``count`` pushes beforehand, if the server can."""

    def push(
        self,
        count: int,
        among: int,
        *,
        together: int = TOGETHER,
        at: int | None = None,
        garbage: int = 0,
    ) -> None:
        """Push notifications to randomly drawn users.

        Args:
            count: Number of notifications.
            among: Users are drawn among the first ones, this many.
            together: Number of frames sent before the server's event loop runs again.
            at: The stamp (monotonic ns); ``None`` means the moment of sending.
            garbage: Number of objects that the server also leaves to its garbage collector, if it
                runs code of ours.
        """

    def close(self) -> None:
        """Close the publisher's connections."""


@dataclass(frozen=True)
class Peer:
    """A server that is measured."""

    name: str
    """Name on the command line."""
    title: str
    token: str
    """The software that verifies the token; empty if none can."""
    argv: Argv
    dialogue: Dialogue
    publisher: Callable[["Server", "BenchUsers"], Publisher] | None = None
    """Makes the publisher; ``None`` if the server itself pushes, by orders on its standard
    input."""
    prepares: bool = False
    """True if the server can build its messages beforehand."""
    environment: Callable[["BenchUsers", Path], Mapping[str, str]] = lambda _users, _folder: {}
    """Returns the server's environment variables."""
    posts: Mapping[str, str] = field(default_factory=dict)
    """Paths to which notifications are posted over HTTP: a ``single`` one, and a ``batch``."""
    cwd: Path | None = None
    """The server's working directory; ``None`` means that of the bench."""


class Server:
    """A peer's server process, with all its children."""

    def __init__(
        self, peer: Peer, process: subprocess.Popen[bytes], port: int, folder: Path
    ) -> None:
        """Wrap a process that has been started."""
        self.peer = peer
        self.port = port
        self.folder = folder
        self._process = process

    def tree(self) -> list[psutil.Process]:
        """Return the process and its descendants."""
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def cpu(self) -> float:
        """Return the CPU seconds that the whole tree has used, in user and kernel mode."""
        return sum(sum(each.cpu_times()[:2]) for each in self.tree())

    def memory(self) -> int:
        """Return the bytes of the whole tree by PSS: shared pages count in part."""
        return sum(held(each.pid, "Pss") for each in self.tree())

    def own_memory(self) -> int:
        """Return the bytes in no file: the PSS of shared pages changes when other processes end."""
        return sum(held(each.pid, "Pss_Anon") for each in self.tree())

    def order(self, **order: int | str | None) -> None:
        """Write an order to the server's standard input."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def await_line(self, word: str, within: float = START_SECONDS) -> list[str]:
        """Wait for the line that begins with ``word``; return its other words.

        Raises:
            RuntimeError: The line did not arrive; the message contains the server's log.
        """
        out = self._process.stdout
        assert out is not None  # noqa: S101 - it was opened as a pipe
        ends = time.monotonic() + within
        while select.select([out], [], [], max(0.0, ends - time.monotonic()))[0]:
            line = out.readline().decode()
            if not line:
                break
            if line.split()[:1] == [word]:
                return line.split()[1:]
        raise RuntimeError(f"{self.peer.title} never printed {word!r}:\n{self.log()}")

    def log(self) -> str:
        """Return the end of the server's standard error."""
        return (self.folder / LOG).read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """Kill the process and its children; they have nothing to save."""
        tree = self.tree() if self._process.poll() is None else []
        for each in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(tree, timeout=STOP_SECONDS)
        self._process.communicate(timeout=STOP_SECONDS)


class _ByOrder:
    """Makes a server push by orders on its standard input."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def prepare(self, count: int, among: int) -> None:
        if self._server.peer.prepares:
            self._server.order(prepare=count, among=among, together=TOGETHER, at=None)
            self._server.await_line("prepared")

    def push(
        self,
        count: int,
        among: int,
        *,
        together: int = TOGETHER,
        at: int | None = None,
        garbage: int = 0,
    ) -> None:
        stamp = None if at is None else str(at)  # it has more digits than a double can represent
        self._server.order(push=count, among=among, together=together, at=stamp, garbage=garbage)

    def close(self) -> None:
        """Do nothing, as nothing was opened."""


@contextlib.contextmanager
def serving(peer: Peer, users: "BenchUsers", folder: Path) -> Iterator[tuple[Server, Publisher]]:
    """Run a peer's server in ``folder`` until the block ends.

    Raises:
        RuntimeError: The server did not start; the message contains its log.
    """
    folder.mkdir(parents=True)
    port = _free_port()
    with (folder / LOG).open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            list(peer.argv(users, folder, port)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **peer.environment(users, folder)},
            cwd=peer.cwd,
        )
    server = Server(peer, process, port, folder)
    try:
        if peer.publisher is None:
            server.await_line("ready")
            yield server, _ByOrder(server)
        else:
            _await_port(server)
            publisher = peer.publisher(server, users)
            try:
                yield server, publisher
            finally:
                publisher.close()
    finally:
        server.stop()


def python(module: str) -> list[str]:
    """Return the beginning of a command line that runs one of our modules."""
    return [sys.executable, "-m", module]


def _await_port(server: Server) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, server.port)).close()
        except OSError as error:
            if time.monotonic() > ends:
                raise RuntimeError(
                    f"{server.peer.title} never listened:\n{server.log()}"
                ) from error
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def held(pid: int, kind: str) -> int:
    """Return the bytes of one kind that a process holds (``smaps_rollup`` in proc(5))."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = next(line.split()[1] for line in rollup.splitlines() if line.startswith(f"{kind}:"))
    return int(kib) * 1024
