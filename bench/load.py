"""The load generator: one epoll loop in a process of its own, so that it is not measured itself.

The harness holds a ``Load``, which sends orders to the process; the process answers each one when
it is done.
"""

import contextlib
import multiprocessing
import traceback
from array import array
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Self

from bench import wire
from bench.load_client import ClientHandshake, ClientScript, LoadClient
from bench.peer import HOST, Dialogue, Server
from bench.processes import spawned

if TYPE_CHECKING:  # the load generator's process does without useby
    from bench.users import BenchUsers

ORDER_TIMEOUT = 120.0
"""Maximum time of an order to the process, in seconds."""


class Load:
    """The harness's handle on the load generator."""

    def __init__(self, server: Server, users: "BenchUsers") -> None:
        """Start a process that will connect to ``server``."""
        self._server = server
        self._users = users
        self._dialogue = server.peer.dialogue
        self._opcode = wire.BINARY if self._dialogue.binary else wire.TEXT
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = spawned(_main, theirs, _script_of(server.port, self._dialogue))
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
        """Connect the users from ``first`` to before ``last``.

        Args:
            first: The index of the first user.
            last: The index after the last user.
            at_once: Number of handshakes under way at a time.
            devices: Connections of each user.

        Returns:
            The seconds until the last connection has received all its first frames.
        """
        handshakes = [self._handshake(user) for user in range(first, last) for _ in range(devices)]
        seconds: float = self._ask("connect", handshakes, at_once)
        return seconds

    def churn(self, first: int, last: int, per_second: int) -> None:
        """Have these users connect and disconnect, so many a second, until ``stop_churn``."""
        self._ask("churn", [self._handshake(user) for user in range(first, last)], per_second)

    def stop_churn(self) -> int:
        """Stop the churn; return how often a connection was closed and reopened."""
        times: int = self._ask("stop_churn")
        return times

    def reset(self) -> None:
        """Reset the counters of pushed frames."""
        self._ask("reset")

    def received(self, count: int) -> float:
        """Wait for ``count`` pushed frames since ``reset``; return the seconds since the first.

        Raises:
            RuntimeError: They did not arrive.
        """
        seconds: float = self._ask("await", count)
        return seconds

    def ages(self) -> "array[int]":
        """Return the age on arrival, in nanoseconds, of each pushed frame since ``reset``."""
        return array("q", self._ask("ages"))

    def _handshake(self, index: int) -> ClientHandshake:
        user, token = self._users.ids[index], self._users.tokens[index]
        reply = self._dialogue.reply
        return ClientHandshake(
            wire.upgrade(
                HOST,
                self._server.port,
                self._dialogue.request(user, token),
                self._dialogue.protocol,
            ),
            wire.client_frame(self._opcode, reply(user, token)) if reply else b"",
        )

    def _ask(self, *words: Any) -> Any:
        with contextlib.suppress(BrokenPipeError):  # the process has failed and sent the reason
            self._pipe.send(words)
        if not self._pipe.poll(ORDER_TIMEOUT):
            raise RuntimeError(f"{words[0]}: no answer in time\n{self._server.log()}")
        kind, answer = self._pipe.recv()
        if kind == "failed":
            raise RuntimeError(f"{words[0]}: {answer}\n{self._server.log()}")
        return answer


def _script_of(port: int, dialogue: Dialogue) -> ClientScript:
    opcode = wire.BINARY if dialogue.binary else wire.TEXT
    answers = {ask: wire.client_frame(opcode, reply) for ask, reply in dialogue.answers.items()}
    return ClientScript(port, dialogue.first_frames, answers)


def _main(pipe: Connection, script: ClientScript) -> None:
    client = LoadClient(pipe, script)
    try:
        client.run()
    except (EOFError, OSError):
        pass  # the harness has closed the pipe
    except Exception:  # noqa: BLE001 - the harness raises it
        pipe.send(("failed", traceback.format_exc()))
