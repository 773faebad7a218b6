"""Waiting for a store that is away: sockets stay."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from useby.store.engine import StoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_SECONDS: Final = 0.25
RETRY_LONGEST: Final = 5.0


async def until_it_works(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try again, ever more slowly, for as long as the store is away."""
    wait = RETRY_SECONDS
    while True:
        try:
            return await attempt()
        except StoreUnavailable as error:
            log.warning("the store is away, connections wait: %s", error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_LONGEST)
