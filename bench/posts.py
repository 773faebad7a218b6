"""Post over HTTP from a separate process: one request at a time on each connection."""

import asyncio
import multiprocessing
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Self

from bench.peer import HOST
from bench.processes import spawned

RUN_TIMEOUT = 120.0
DIGITS = b"#" * 19
"""Placeholder for the moment at which a request was to be sent (monotonic ns)."""


@dataclass(frozen=True, slots=True)
class Task:
    """The posts of one run."""

    requests: Sequence[bytes]
    """One connection for each request, which repeats it."""
    count: int
    """Number of posts in total."""
    per_second: float = 0.0
    """Posts per second, independent of answers; 0 sends each post as soon as another is
    answered."""


class Posts:
    """The harness's handle on the process."""

    def __init__(self, port: int) -> None:
        """Start the process; it will post to ``port``."""
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = spawned(_main, theirs, port)
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    def run(self, task: Task, within: float = RUN_TIMEOUT) -> float:
        """Send all posts; return the seconds until the last one was answered.

        Raises:
            RuntimeError: A post was not answered with 2xx, or not in time.
        """
        self._pipe.send(task)
        if not self._pipe.poll(within):
            raise RuntimeError("posts: no answer in time")
        answer = self._pipe.recv()
        if isinstance(answer, str):
            raise RuntimeError(f"posts: {answer}")  # noqa: TRY004 - the process sent it
        seconds: float = answer
        return seconds


class _Run:
    """A task in progress."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.left = task.count
        self.unanswered = task.count
        self.idle: deque[_Connection] = deque()
        self.due: deque[int] = deque()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def free(self, connection: "_Connection") -> None:
        """Have a free connection send its next post."""
        if self.task.per_second:
            if self.due:
                connection.post(self.due.popleft())
            else:
                self.idle.append(connection)
        elif self.left:
            self.left -= 1
            connection.post(time.monotonic_ns())

    def answered(self, connection: "_Connection") -> None:
        self.unanswered -= 1
        if not self.unanswered and not self.done.done():
            self.done.set_result(None)
        self.free(connection)

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))

    async def send_steadily(self) -> None:
        """Send at a steady rate; stamp each post with the moment at which it was due."""
        began = time.monotonic_ns()
        step = 1e9 / self.task.per_second
        for number in range(self.task.count):
            at = began + round(number * step)
            if (ahead := at - time.monotonic_ns()) > 0:
                await asyncio.sleep(ahead / 1e9)
            if self.idle:
                self.idle.popleft().post(at)
            else:
                self.due.append(at)


class _Connection(asyncio.Protocol):
    """A kept-alive connection."""

    def __init__(self, run: _Run, request: bytes) -> None:
        self._run = run
        self._request = request
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._run.free(self)

    def post(self, stamp: int) -> None:
        transport = self._transport
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - TCP is one
        transport.write(self._request.replace(DIGITS, b"%019d" % stamp))

    def data_received(self, data: bytes) -> None:
        self._rest += data
        head, found, body = self._rest.partition(b"\r\n\r\n")
        if not found:
            return
        if head[9:10] != b"2":
            self._run.fail(self._rest[:300].decode(errors="replace"))
        elif len(body) >= _length(head):
            self._rest = b""
            self._run.answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.fail(f"cut: {exc}")


def _length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"content-length:")
    return int(after.partition(b"\r\n")[0])


def _main(pipe: Connection, port: int) -> None:
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer: float | str = asyncio.run(_post(task, port))
        except (RuntimeError, OSError) as error:
            answer = str(error)
        pipe.send(answer)


async def _post(task: Task, port: int) -> float:
    loop, run = asyncio.get_running_loop(), _Run(task)
    began = time.monotonic()
    lines = [
        await loop.create_connection(lambda request=request: _Connection(run, request), HOST, port)  # type: ignore[misc]
        for request in task.requests
    ]
    if task.per_second:
        await run.send_steadily()
    await run.done
    seconds = time.monotonic() - began
    for transport, _ in lines:
        transport.abort()
    return seconds
