"""Waiting for a store that is away: sockets stay. And bad rows cost only whoever they are of."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from useby.store.database import StoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_SECONDS: Final = 0.25
RETRY_MAX_SECONDS: Final = 5.0


async def retry_while_unavailable(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try again, ever more slowly, for as long as the store is away."""
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
    """Work a batch off; if that fails, each by itself, so that a bad one costs only itself.

    Args:
        batch: What waits.
        work: Asks the store about a batch and hands out what it says.
        give_up: Called with each for which even that has failed.
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
