"""A queue whose worker takes many items at a time.

The cost of a transaction, a query or a round trip is shared by all items that wait while the one
before is under way. Any package above the domain may import this module.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


class Batcher(Generic[T]):
    """Hand the items that are put in to ``work``, in their order, one batch after another.

    A batch that fails is tried again item by item, so that a bad item costs only itself. All of
    this runs on one event loop.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[None]],
        on_failure: Callable[[T], None],
        *,
        size: int | None = None,
        is_wanted: Callable[[T], bool] = lambda _: True,
    ) -> None:
        """Make an empty queue; ``run`` works through it.

        Args:
            work: Deals with a batch, which is never empty. It may be called again with a part of a
                batch for which it raised.
            on_failure: Called with each item for which ``work`` raised although it was alone. The
                exception is logged before.
            size: Items in a batch at most; ``None`` means all that wait.
            is_wanted: Whether an item is still worth the work; others are dropped unseen.
        """
        self._work = work
        self._on_failure = on_failure
        self._size = size
        self._is_wanted = is_wanted
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        """Return how many items wait, unwanted ones too."""
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items that wait."""
        return iter(self._items)

    def put(self, item: T) -> None:
        """Add an item to the end of the queue."""
        self._items.append(item)
        self._filled.set()

    def drop_unwanted(self) -> None:
        """Free what is held for items that nobody wants any more."""
        self._items = deque(item for item in self._items if self._is_wanted(item))

    async def run(self) -> None:
        """Work through the queue until cancelled."""
        while True:
            await self._filled.wait()
            await self._run_batch(self._take())

    def _take(self) -> list[T]:
        size = len(self._items) if self._size is None else min(self._size, len(self._items))
        batch = [self._items.popleft() for _ in range(size)]
        if not self._items:
            self._filled.clear()
        return [item for item in batch if self._is_wanted(item)]

    async def _run_batch(self, batch: list[T]) -> None:
        if not batch:
            await asyncio.sleep(0)  # a queue of unwanted items must not keep the loop to itself
            return
        try:
            await self._work(batch)
        except Exception:
            log.exception("a batch of %d failed", len(batch))
            if len(batch) == 1:
                self._on_failure(batch[0])
                return
            for item in batch:
                await self._run_batch([item])
