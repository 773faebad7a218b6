"""Turns of those who wait for a user's row that another transaction holds.

Each transaction that waits for a lock keeps a connection of the pool. So few users are waited for
at once, one transaction each; the others try from time to time without waiting, and keep none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from useby.store.database import OwnerHeld, StoreUnavailable

T = TypeVar("T")

WAITED_FOR: Final = 4
"""Users whose rows are waited for at once, each with a connection of the pool's ten."""
QUEUED: Final = 64
"""Transactions of one user that may wait for the row; one more is refused at once."""
QUEUED_SECONDS: Final = 10.0
"""Seconds after which a transaction that got no turn is given up: as long as ``lock_timeout``."""
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.25
"""Seconds between two attempts of a user who has no turn."""


class Turns:
    """The queues of one database, one a user. All of it runs on the event loop."""

    def __init__(self) -> None:
        """Make no queue yet."""
        self._few = asyncio.Semaphore(WAITED_FOR)
        self._queues: dict[str, _Queue] = {}

    async def run(self, user_id: str, attempt: Callable[[bool], Awaitable[T]]) -> T:
        """Run a transaction whose user's row was held, once it is this transaction's turn.

        Args:
            user_id: The user whose row was held.
            attempt: Runs the transaction; ``True`` lets it wait for the row.

        Raises:
            StoreUnavailable: The row is still held after ``QUEUED_SECONDS`` without a turn, or
                after ``lock_timeout`` with one; or too many transactions of this user wait.
            Exception: What ``attempt`` raised.
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
            raise StoreUnavailable("another transaction holds the user's row")
        try:
            return await self._run_first(ends, attempt)
        finally:
            queue.first.release()

    async def _run_first(self, ends: float, attempt: Callable[[bool], Awaitable[T]]) -> T:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while not await _acquired(self._few.acquire(), min(loop.time() + pause, ends)):
            try:
                return await attempt(False)
            except OwnerHeld:
                if loop.time() >= ends:
                    raise StoreUnavailable("another transaction holds the user's row") from None
            pause = min(2 * pause, LONGEST_PAUSE)
        try:
            return await attempt(True)
        finally:
            self._few.release()


class _Queue:
    """The transactions of one user: the first tries, the rest wait for it."""

    def __init__(self) -> None:
        self.first = asyncio.Lock()
        self.length = 0


async def _acquired(acquire: Awaitable[object], ends: float) -> bool:
    """Acquire a lock until a moment of the loop's time; ``False`` if it could not be had."""
    try:
        async with asyncio.timeout_at(ends):
            await acquire
    except TimeoutError:
        return False
    return True
