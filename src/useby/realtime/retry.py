"""Retry while the database is unavailable."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from useby.backoff import Backoff
from useby.store.database import StoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_SECONDS: Final = 0.25
RETRY_MAX_SECONDS: Final = 5.0


async def retry_while_unavailable(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the result of ``attempt``; retry with backoff while the database is unavailable."""
    backoff = Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS)
    while True:
        try:
            return await attempt()
        except StoreUnavailable as error:
            log.warning("the database is unavailable and is tried again: %s", error)
            await asyncio.sleep(backoff.next())
