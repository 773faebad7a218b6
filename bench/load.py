"""The load generator: a process of its own with one epoll loop, so that it is not what is measured.

The harness holds a ``Load`` and tells the process what to do; the process answers once it is done.
"""

import contextlib
import multiprocessing
import resource
import traceback
from array import array
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

from bench import wire
from bench.crowd import Crowd
from bench.peer import HOST, Dialogue, Server

PATIENCE = 120.0
"""Seconds that anything asked of the process may take."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What one connection says: its handshake, and its word after the first frame it hears."""

    request: bytes
    says: bytes = b""


@dataclass(frozen=True, slots=True)
class Manner:
    """What all connections to a peer have in common."""

    port: int
    hears: tuple[bytes, ...]
    answers: dict[bytes, bytes]
    """Whole frames to write, by the payload that asks for them."""


class Load:
    """The load generator as the harness sees it."""

    def __init__(self, server: Server, crowd: Crowd) -> None:
        """Start a process that will connect to ``server``."""
        self._server = server
        self._crowd = crowd
        self._dialogue = server.peer.dialogue
        self._opcode = wire.BINARY if self._dialogue.binary else wire.TEXT
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_main, args=(theirs, _manner(server.port, self._dialogue)), daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    def connect(self, first: int, last: int, *, at_once: int = 256, devices: int = 1) -> float:
        """Connect the crowd's users from ``first`` to before ``last``.

        Args:
            first: The index of the first user.
            last: The index after the last user.
            at_once: How many handshakes are under way at a time.
            devices: Connections of each.

        Returns:
            The seconds until the last one has heard all it should.
        """
        callers = [self._caller(user) for user in range(first, last) for _ in range(devices)]
        seconds: float = self._ask("connect", callers, at_once)
        return seconds

    def churn(self, first: int, last: int, per_second: int) -> None:
        """Have these users come and go, so many a second, until ``calm``."""
        self._ask("churn", [self._caller(user) for user in range(first, last)], per_second)

    def calm(self) -> int:
        """Stop the churn; how often a connection was closed and opened anew."""
        times: int = self._ask("calm")
        return times

    def reset(self) -> None:
        """Count pushed frames from nought."""
        self._ask("reset")

    def received(self, count: int) -> float:
        """Wait for ``count`` pushed frames since ``reset``; the seconds from the first to here.

        Raises:
            RuntimeError: They did not come.
        """
        seconds: float = self._ask("await", count)
        return seconds

    def ages(self) -> "array[int]":
        """How old each pushed frame since ``reset`` was when it came, in nanoseconds."""
        return array("q", self._ask("ages"))

    def _caller(self, index: int) -> Caller:
        user, token = self._crowd.ids[index], self._crowd.tokens[index]
        said = self._dialogue.says
        return Caller(
            wire.upgrade(
                HOST,
                self._server.port,
                self._dialogue.request(user, token),
                self._dialogue.protocol,
            ),
            wire.client_frame(self._opcode, said(user, token)) if said else b"",
        )

    def _ask(self, *words: Any) -> Any:
        with contextlib.suppress(BrokenPipeError):  # it has failed, and has said why
            self._pipe.send(words)
        if not self._pipe.poll(PATIENCE):
            raise RuntimeError(f"{words[0]}: no answer in time\n{self._server.log()}")
        kind, answer = self._pipe.recv()
        if kind == "failed":
            raise RuntimeError(f"{words[0]}: {answer}\n{self._server.log()}")
        return answer


def raise_file_limit() -> None:
    """Take as many descriptors as the machine gives; child processes inherit that."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _manner(port: int, dialogue: Dialogue) -> Manner:
    opcode = wire.BINARY if dialogue.binary else wire.TEXT
    answers = {ask: wire.client_frame(opcode, say) for ask, say in dialogue.answers.items()}
    return Manner(port, dialogue.hears, answers)


def _main(pipe: Connection, manner: Manner) -> None:
    from bench.callers import Callers  # noqa: PLC0415 - only this process has any

    callers = Callers(pipe, manner)
    try:
        callers.run()
    except (EOFError, OSError):
        pass  # the harness has let go
    except Exception:  # noqa: BLE001 - it is handed over
        pipe.send(("failed", traceback.format_exc()))
