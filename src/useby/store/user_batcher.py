"""Run items of many users in shared transactions, in which one user delays only themselves.

One worker takes all waiting items and processes them in one transaction: a transaction for each
cost three times as much. On PostgreSQL another transaction may lock a user's row. The batch then
skips that user's items, which move to a queue of the user's own, so nobody else waits for the row.
Work that no locked row delays needs only a ``useby.batcher.Batcher``.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from useby.backoff import Backoff

T = TypeVar("T")

RETRY_SECONDS: Final = 0.25
RETRY_MAX_SECONDS: Final = 5.0
"""Maximum seconds between two attempts for a user whose items even a waiting batch skipped."""


class Work(Protocol[T]):
    """Function that processes a batch."""

    async def __call__(self, batch: Sequence[T], /, *, may_wait: bool) -> Sequence[T]:
        """Process a batch without raising.

        Args:
            batch: Items of any users; of one user if ``may_wait``.
            may_wait: Whether this batch may wait for its user's row.

        Returns:
            The items that have to be tried again.
        """


class UserBatcher(Generic[T]):
    """A shared queue, and a queue for each user whose row is locked. Runs on one event loop."""

    def __init__(self, name: str, work: Work[T], user_of: Callable[[T], str], *, most: int) -> None:
        """Create empty queues; ``run`` processes them.

        Args:
            name: Prefix of the tasks' names.
            work: Function that processes a batch.
            user_of: Function that returns the user id of an item.
            most: Maximum items in one transaction.
        """
        self._name = name
        self._work = work
        self._user_of = user_of
        self._most = most
        self._queue: list[T] = []
        self._filled = asyncio.Event()
        self._locked: dict[str, list[T]] = {}

    @property
    def locked_users(self) -> frozenset[str]:
        """Ids of the users who currently have a queue of their own."""
        return frozenset(self._locked)

    def put(self, item: T) -> None:
        """Append an item to the queue."""
        self._queue.append(item)
        self._filled.set()

    async def run(self) -> None:
        """Process the queues until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._filled.wait()
                batch, self._queue = self._queue[: self._most], self._queue[self._most :]
                if not self._queue:
                    self._filled.clear()
                together: list[T] = []
                for item in batch:
                    self._locked.get(self._user_of(item), together).append(item)
                left = await self._work(together, may_wait=False) if together else ()
                for item in left:
                    user_id = self._user_of(item)
                    queue = self._locked.get(user_id)
                    if queue is None:
                        queue = self._locked[user_id] = []
                        group.create_task(self._run_locked(user_id), name=f"{self._name}-locked")
                    queue.append(item)

    async def _run_locked(self, user_id: str) -> None:
        queue, backoff = self._locked[user_id], Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS)
        while queue:
            batch = queue[: self._most]
            del queue[: self._most]
            left = await self._work(batch, may_wait=True)
            if left:
                queue[:0] = left
                await asyncio.sleep(backoff.next())
        del self._locked[user_id]
