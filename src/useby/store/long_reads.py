"""Limit long reads: few at once, one for each user, with users in rotation.

Searches and lists of one user could otherwise occupy every SQLite reader, or every connection to
PostgreSQL, and the look-ups of all other users would wait behind them.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from useby.store.database import ReadRefused, StoreUnavailable

READ_SECONDS: Final = 5.0
"""Time limit of a read that has its turn. A search in 20,000 products takes some 0.02 s."""
WAITING: Final = 32
"""Maximum waiting reads of one user; further ones are refused."""
WAIT_SECONDS: Final = 10.0
"""Time after which a waiting read is refused."""


def timed_out() -> ReadRefused:
    """Count a read that passed its time limit, and return the error for its caller."""
    from useby import metrics  # noqa: PLC0415 - a command needs none until then

    metrics.reads_timed_out.inc()
    return ReadRefused(f"Reading this took longer than {READ_SECONDS:g} seconds. Ask for less.")


class ReadTurns:
    """Admit reads of users in fair order. Used on the event loop only."""

    def __init__(self, at_once: int) -> None:
        """Admit ``at_once`` reads at a time, each of a different user."""
        self._at_once = at_once
        self._running: set[str] = set()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Queues by user, the next user first. A read waits if another one of its user runs, if
        all turns are taken, or if turns are held back."""
        self._held_back = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def take(self, user_id: str) -> None:
        """Wait for a turn of this user; ``give_back`` ends it.

        Raises:
            ReadRefused: Too many reads of the user wait already, or this one waited too long.
            StoreUnavailable: The database is closed.
        """
        if self._closed:
            raise StoreUnavailable("the database is closed")
        if self._is_free(user_id):
            self._start(user_id)
            return
        from useby import metrics  # noqa: PLC0415 - in a command no read waits

        queue = self._waiting.setdefault(user_id, deque())
        if len(queue) >= WAITING:
            metrics.reads_refused.inc()
            raise ReadRefused(f"{WAITING} of your requests wait for the database already.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        metrics.reads_waiting.inc()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn
        except TimeoutError:
            self._leave(user_id, turn)
            metrics.reads_refused.inc()
            raise ReadRefused("The database is busy.") from None
        except asyncio.CancelledError:
            self._leave(user_id, turn)
            raise
        finally:
            metrics.reads_waiting.dec()

    def give_back(self, user_id: str) -> None:
        """End a turn, so that the next read can start."""
        self._running.remove(user_id)
        self._admit()
        if not self._running:
            self._idle.set()

    @contextlib.asynccontextmanager
    async def turn(self, user_id: str) -> AsyncIterator[None]:
        """Hold a turn while the block runs; errors are those of ``take``."""
        await self.take(user_id)
        try:
            yield
        finally:
            self.give_back(user_id)

    @contextlib.asynccontextmanager
    async def held_back(self) -> AsyncIterator[None]:
        """Wait until no read has a turn, and start none while the block runs."""
        self._held_back += 1
        try:
            await self._idle.wait()
            yield
        finally:
            self._held_back -= 1
            self._admit()

    def close(self) -> None:
        """Refuse all waiting and later reads."""
        self._closed = True
        for queue in self._waiting.values():
            for turn in queue:
                if not turn.done():
                    turn.set_exception(StoreUnavailable("the database is closed"))
        self._waiting.clear()

    def _is_free(self, user_id: str) -> bool:
        return (
            not self._held_back
            and len(self._running) < self._at_once
            and user_id not in self._running
        )

    def _start(self, user_id: str) -> None:
        self._running.add(user_id)
        self._idle.clear()

    def _admit(self) -> None:
        """Start the reads that may start now, and move their users to the end."""
        while user_id := next((each for each in self._waiting if self._is_free(each)), None):
            queue = self._waiting.pop(user_id)
            turn = queue.popleft()
            if queue:
                self._waiting[user_id] = queue
            if not turn.cancelled():  # a cancelled caller is about to leave the queue
                self._start(user_id)
                turn.set_result(None)

    def _leave(self, user_id: str, turn: asyncio.Future[None]) -> None:
        """Remove a read from the queue, or give back the turn it got at the same moment."""
        if not turn.cancelled():
            if turn.exception() is None:
                self.give_back(user_id)
            return
        queue = self._waiting.get(user_id, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[user_id]
