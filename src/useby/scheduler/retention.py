"""Delete read notifications once they are older than the node keeps them."""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from useby.store import retention
from useby.store.database import Database, StoreUnavailable

log = logging.getLogger(__name__)

FIRST_SECONDS: Final = 300.0
"""Maximum time until a node's first pass; random, so that nodes that start together differ."""
PASS_SECONDS: Final = 6 * 3600.0
"""Time from one pass to the next."""
PAUSE_SECONDS: Final = 0.05
"""Time between two slices, in which others write."""


class Retention:
    """Deletes old read notifications, in passes. Any number of nodes may do so on one database."""

    def __init__(self, database: Database, now: Callable[[], datetime], *, days: int) -> None:
        """Store the database, the wall clock (aware, UTC) and the time to keep; 0 keeps all."""
        self._database = database
        self._now = now
        self._days = days

    async def run(self) -> None:
        """Make a pass every few hours until cancelled; an error ends only its own pass."""
        if not self._days:
            return
        pause = random.uniform(0, FIRST_SECONDS)  # noqa: S311 - it hides nothing
        while True:
            await asyncio.sleep(pause)
            pause = PASS_SECONDS
            try:
                deleted = await self.prune()
            except StoreUnavailable as error:
                log.warning("old notifications are deleted in the next pass: %s", error)
            except Exception:
                log.exception("old notifications are deleted in the next pass")
            else:
                if deleted:
                    log.info("deleted %d notifications read %d days ago", deleted, self._days)

    async def prune(self) -> int:
        """Make one pass over all notifications; return the number deleted.

        Raises:
            StoreUnavailable: The database can't be used now. Some slices may be committed.
        """
        before = self._now() - timedelta(days=self._days)
        deleted, last = 0, None
        while True:
            old, last = await self._database.read(
                partial(retention.slice_after, after=last, before=before)
            )
            if old:
                deleted += await self._database.write(
                    partial(retention.delete_read, keys=old, before=before), large=True
                )
            if last is None:
                return deleted
            await asyncio.sleep(PAUSE_SECONDS)
