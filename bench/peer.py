"""What the harness must know of a peer, and a peer's server while it runs."""

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
from typing import Protocol

import psutil

from bench.crowd import Crowd

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOG = "log"
TOGETHER = 50
"""Frames that a server pushes before its event loop gets its turn."""
Argv = Callable[[Crowd, Path, int], Sequence[str]]
"""The server's command line, given the crowd, a folder of its own and a free port."""


@dataclass(frozen=True)
class Dialogue:
    """What a client says and hears until it counts as connected."""

    request: Callable[[str, str], str]
    """The request's target for a user's id and token."""
    hears: tuple[bytes, ...] = (b'{"type":"CONNECTION_ESTABLISHED"',)
    """How the frames begin that the server sends, in their order; none: the handshake is all."""
    says: Callable[[str, str], bytes] | None = None
    """What the client says after the first of them, for a user's id and token."""
    protocol: str = ""
    """The subprotocol that is offered."""
    binary: bool = False
    """Whether the client's frames are binary."""
    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    """What a client must answer to keep the connection."""


class Publisher(Protocol):
    """Makes a server push."""

    def prepare(self, count: int, among: int) -> None:
        """Have what so many calls of ``push`` will push made beforehand, if that can be done."""

    def push(
        self,
        count: int,
        among: int,
        *,
        together: int = TOGETHER,
        at: int | None = None,
        litter: int = 0,
    ) -> None:
        """Push notifications to users drawn by lot.

        Args:
            count: How many.
            among: The lot is drawn among this many of the crowd's first users.
            together: How many leave before the server's loop gets its turn.
            at: What they are stamped with (monotonic ns); ``None`` means the moment they leave.
            litter: How many objects the server leaves to its garbage collector besides, if it
                is one that runs code of ours.
        """

    def close(self) -> None:
        """Let go of what was opened for it."""


@dataclass(frozen=True)
class Peer:
    """One of those who are measured."""

    name: str
    """What it is called on the command line."""
    title: str
    token: str
    """Who verifies the token; empty if nobody can."""
    argv: Argv
    dialogue: Dialogue
    publisher: Callable[["Server", Crowd], Publisher] | None = None
    """Who makes it push; ``None``: the server does, told on its standard input."""
    prepares: bool = False
    """Whether it can be told to make its news beforehand."""
    environment: Callable[[Crowd, Path], Mapping[str, str]] = lambda _crowd, _folder: {}
    """What its server finds in the environment."""
    posts: Mapping[str, str] = field(default_factory=dict)
    """Where a notification is posted over HTTP: the paths for a ``single`` one, and a ``batch``."""


class Server:
    """A peer's server process, with all its children."""

    def __init__(
        self, peer: Peer, process: subprocess.Popen[bytes], port: int, folder: Path
    ) -> None:
        """Look after a process that has been started."""
        self.peer = peer
        self.port = port
        self.folder = folder
        self._process = process

    def tree(self) -> list[psutil.Process]:
        """The process and its descendants."""
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def cpu(self) -> float:
        """CPU seconds that the whole tree has used, in user and kernel mode."""
        return sum(sum(each.cpu_times()[:2]) for each in self.tree())

    def memory(self) -> int:
        """Bytes of the whole tree by PSS: pages that are shared count in part."""
        return sum(held(each.pid, "Pss") for each in self.tree())

    def own_memory(self) -> int:
        """Bytes that are in no file: of what processes share, PSS changes when others end."""
        return sum(held(each.pid, "Pss_Anon") for each in self.tree())

    def tell(self, **order: int | str | None) -> None:
        """Write an order to the server's standard input."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened so
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def heard(self, word: str, within: float = START_SECONDS) -> list[str]:
        """Wait for the line that begins with ``word``; its other words.

        Raises:
            RuntimeError: It did not come; the message holds the server's log.
        """
        out = self._process.stdout
        assert out is not None  # noqa: S101 - it was opened so
        ends = time.monotonic() + within
        while select.select([out], [], [], max(0.0, ends - time.monotonic()))[0]:
            line = out.readline().decode()
            if not line:
                break
            if line.split()[:1] == [word]:
                return line.split()[1:]
        raise RuntimeError(f"{self.peer.title} never said {word!r}:\n{self.log()}")

    def log(self) -> str:
        """The end of what the server has written to standard error."""
        return (self.folder / LOG).read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End the process and its children; there is nothing that they would have to save."""
        tree = self.tree() if self._process.poll() is None else []
        for each in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(tree, timeout=STOP_SECONDS)
        self._process.communicate(timeout=STOP_SECONDS)


class _ByOrder:
    """Makes a server push that listens to its standard input."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def prepare(self, count: int, among: int) -> None:
        if self._server.peer.prepares:
            self._server.tell(prepare=count, among=among, together=TOGETHER, at=None)
            self._server.heard("prepared")

    def push(
        self,
        count: int,
        among: int,
        *,
        together: int = TOGETHER,
        at: int | None = None,
        litter: int = 0,
    ) -> None:
        stamp = None if at is None else str(at)  # more digits than a double holds
        self._server.tell(push=count, among=among, together=together, at=stamp, litter=litter)

    def close(self) -> None:
        """Nothing was opened."""


@contextlib.contextmanager
def serving(peer: Peer, crowd: Crowd, folder: Path) -> Iterator[tuple[Server, Publisher]]:
    """A peer's server, in ``folder``, until the block ends.

    Raises:
        RuntimeError: It did not start; the message holds its log.
    """
    folder.mkdir(parents=True)
    port = _free_port()
    with (folder / LOG).open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            list(peer.argv(crowd, folder, port)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **peer.environment(crowd, folder)},
        )
    server = Server(peer, process, port, folder)
    try:
        if peer.publisher is None:
            server.heard("ready")
            yield server, _ByOrder(server)
        else:
            _await_port(server)
            publisher = peer.publisher(server, crowd)
            try:
                yield server, publisher
            finally:
                publisher.close()
    finally:
        server.stop()


def python(module: str) -> list[str]:
    """The beginning of a command line that runs one of our modules."""
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
    """Bytes of one kind that a process holds (``smaps_rollup`` in proc(5))."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = next(line.split()[1] for line in rollup.splitlines() if line.startswith(f"{kind}:"))
    return int(kib) * 1024
