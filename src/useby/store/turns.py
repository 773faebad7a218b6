"""Queue transactions that wait for a user's row that another transaction locks.

Each transaction that waits for a lock occupies a connection of the pool. Only a few users are
therefore waited for at once, with one transaction each. The others retry from time to time without
waiting, and occupy no connection in between.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from useby.store.database import OwnerLocked, StoreUnavailable

T = TypeVar("T")

WAITED_FOR: Final = 4
"""Number of users whose rows are waited for at once, each with one of the pool's 10 connections."""
QUEUED: Final = 64
"""Maximum transactions of one user that may wait for the row; one more is refused at once."""
QUEUED_SECONDS: Final = 10.0
"""Seconds after which a transaction without a turn is refused: as long as ``lock_timeout``."""
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.25
"""Seconds between two attempts of a user who has no turn."""


class Turns:
    """Queues of one database, one for each user. Used on the event loop only."""

    def __init__(self) -> None:
        """Start without any queue."""
        self._few = asyncio.Semaphore(WAITED_FOR)
        self._queues: dict[str, _Queue] = {}

    async def run(self, user_id: str, attempt: Callable[[bool], Awaitable[T]]) -> T:
        """Run a transaction that met a locked user row, once it has its turn.

        Args:
            user_id: The user whose row was locked.
            attempt: Function that runs the transaction; ``True`` lets it wait for the row.

        Raises:
            StoreUnavailable: The row is still locked after ``QUEUED_SECONDS`` without a turn, or
                after ``lock_timeout`` with one; or too many transactions of this user wait.
            Exception: Any error of ``attempt``.
        """
        queue = self._queues.setdefault(user_id, _Queue())
        if queue.length >= QUEUED:
            raise StoreUnavailable("too many writes wait for a user's row")
        queue.length += 1
        try:
            return await self._run(queue, attempt)
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[user_id]

    async def _run(self, queue: "_Queue", attempt: Callable[[bool], Awaitable[T]]) -> T:
        ends = asyncio.get_running_loop().time() + QUEUED_SECONDS
        if not await _acquired(queue.first.acquire(), ends):
            raise StoreUnavailable("another transaction locks the user's row")
        try:
            return await self._run_first(ends, attempt)
        finally:
            queue.first.release()

    async def _run_first(self, ends: float, attempt: Callable[[bool], Awaitable[T]]) -> T:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while not await _acquired(self._few.acquire(), min(loop.time() + pause, ends)):
            try:
                return await attempt(False)
            except OwnerLocked:
                if loop.time() >= ends:
                    raise StoreUnavailable("another transaction locks the user's row") from None
            pause = min(2 * pause, LONGEST_PAUSE)
        try:
            return await attempt(True)
        finally:
            self._few.release()


class _Queue:
    """Transactions of one user: the first one tries, the others wait for it."""

    def __init__(self) -> None:
        self.first = asyncio.Lock()
        self.length = 0


async def _acquired(acquire: Awaitable[object], ends: float) -> bool:
    """Acquire a lock before a deadline in loop time; return false if that fails."""
    try:
        async with asyncio.timeout_at(ends):
            await acquire
    except TimeoutError:
        return False
    return True
