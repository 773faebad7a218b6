"""A queue whose worker takes many items at a time.

All items that wait while a batch is processed share one transaction, query or round trip. Any
package above the domain may import this module.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


class Batcher(Generic[T]):
    """Pass queued items to ``work`` in order, one batch after another.

    A failed batch is retried item by item, so that a bad item fails alone. Items are hashable, and
    none is queued twice at the same time. Everything runs on one event loop.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[None]],
        on_failure: Callable[[T], None],
        *,
        size: int | None = None,
        is_wanted: Callable[[T], bool] = lambda _: True,
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        """Create an empty queue; ``run`` processes it.

        Args:
            work: Processes a batch, which is never empty. It may be called again with a part of a
                batch for which it raised.
            on_failure: Called with each item for which ``work`` raised although it was alone. The
                exception is logged first.
            size: Maximum number of items in a batch; ``None`` means all that wait.
            is_wanted: Returns whether an item is still worth the work; others are dropped.
            on_idle: Called when the last batch is done and no item is queued.
        """
        self._work = work
        self._on_failure = on_failure
        self._size = size
        self._is_wanted = is_wanted
        self._on_idle = on_idle
        self._items: dict[T, None] = {}  # a dict, for its order and to find an item
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of queued items, unwanted ones included."""
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the queued items."""
        return iter(self._items)

    def put(self, item: T) -> None:
        """Add an item to the end of the queue, unless it is queued."""
        if not self._items:
            self._filled.set()
        self._items[item] = None

    def discard(self, item: T) -> None:
        """Remove an item, if it is queued."""
        self._items.pop(item, None)

    def drop_unwanted(self) -> None:
        """Drop the queued items that are no longer wanted."""
        self._items = {item: None for item in self._items if self._is_wanted(item)}

    async def run(self) -> None:
        """Process the queue until cancelled."""
        while True:
            await self._filled.wait()
            # The batch has no name here: a variable would keep its items until the next one.
            await self._run_batch(self._take())
            if not self._items:
                self._on_idle()

    def _take(self) -> list[T]:
        batch = list(islice(self._items, self._size))
        for item in batch:
            del self._items[item]
        if not self._items:
            self._filled.clear()
        return [item for item in batch if self._is_wanted(item)]

    async def _run_batch(self, batch: list[T]) -> None:
        if batch:
            await batch_or_one_by_one(batch, self._work, self._on_failure)
        else:
            await asyncio.sleep(0)  # a queue of unwanted items must not block the event loop


async def batch_or_one_by_one(
    batch: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[None]],
    on_failure: Callable[[T], None],
) -> None:
    """Process a batch; if that fails, process each item alone, so that only bad items fail.

    Args:
        batch: The items.
        work: Processes a batch.
        on_failure: Called with each item that fails alone, too. The exception is logged first.
    """
    try:
        await work(batch)
    except Exception:
        log.exception("a batch of %d failed", len(batch))
        if len(batch) == 1:
            on_failure(batch[0])
            return
        for item in batch:
            await batch_or_one_by_one([item], work, on_failure)
