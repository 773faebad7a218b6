"""Limit how many imports a node receives and runs at once, and one account to one of them.

A request waits for a slot before its body is read, so that the network, and not this node, has the
bodies of those that wait. A client that sends slowly holds a slot, but not a turn to run.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from useby.api.errors import RETRY_AFTER_SECONDS, Problem

SLOTS: Final = 8
"""Files that a node receives or has in memory at once."""
TURNS: Final = 2
"""Files that a node reads and stores at once."""
WAIT_SECONDS: Final = 10.0
"""Time for which a request waits for a slot; a body has 30 seconds by default to arrive."""


class ImportSlots:
    """Slots and turns of one node. Used on the event loop only."""

    def __init__(self) -> None:
        """Start with all slots free."""
        self.turns = asyncio.Semaphore(TURNS)
        """A turn is held while a file is read and stored."""
        self._free = asyncio.Semaphore(SLOTS)
        self._users: set[str] = set()

    @contextlib.asynccontextmanager
    async def slot(self, user_id: str) -> AsyncIterator[None]:
        """Hold a slot within the block.

        Raises:
            Problem: 429, an import of this user runs or waits; 503, no slot became free.
        """
        if user_id in self._users:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Another import of this account is running.",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        self._users.add(user_id)
        try:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._free.acquire()
            except TimeoutError:
                raise Problem.unavailable("Too many imports at once.", WAIT_SECONDS) from None
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._users.discard(user_id)
