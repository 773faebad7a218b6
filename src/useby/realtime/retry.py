"""Retry while the database is unavailable; isolate the failing items of a batch."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from useby.store.database import StoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_SECONDS: Final = 0.25
"""Seconds before the first retry; each further wait is twice as long."""
RETRY_MAX_SECONDS: Final = 5.0
"""Maximum seconds between two retries."""


async def retry_while_unavailable(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the result of ``attempt``; retry with backoff while the database is unavailable."""
    wait = RETRY_SECONDS
    while True:
        try:
            return await attempt()
        except StoreUnavailable as error:
            log.warning("the store is away, connections wait: %s", error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_MAX_SECONDS)


async def batch_or_one_by_one(
    batch: Sequence[T], work: Callable[[Sequence[T]], Awaitable[None]], give_up: Callable[[T], None]
) -> None:
    """Process a batch; if that fails, process each item alone, so that only bad items fail.

    Args:
        batch: The items.
        work: Processes a batch.
        give_up: Called with each item that fails alone, too.
    """
    try:
        await work(batch)
    except Exception:
        log.exception("%d could not be dealt with together", len(batch))
        if len(batch) == 1:
            give_up(batch[0])
            return
        for each in batch:
            await batch_or_one_by_one([each], work, give_up)
