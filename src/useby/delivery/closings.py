"""Close notifications that a browser shows after they were read elsewhere.

A mark adds the user to a set. Once a second, one query selects those of these users who have a
browser that shows a read notification, and the worker sends one push that closes all of them. A
node that is killed within that second loses the set; the channel's next push closes them.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Final

from useby.store import shown_pushes
from useby.store.database import Database, StoreUnavailable

log = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds in which marks are collected."""
MOST_USERS: Final = 10_000
"""Maximum number of users that are remembered; what others have read is closed later."""
MOST_LOOKED_UP: Final = 500


class Closings:
    """Remembers who has read something, and has a worker look at their channels."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], wake: Callable[[], None]
    ) -> None:
        """Store the parts; ``run`` starts the work.

        Args:
            database: The database.
            now: The wall clock: aware, UTC.
            wake: Wakes the worker of this node.
        """
        self._database = database
        self._now = now
        self._wake = wake
        self._readers: set[str] = set()
        self._has_readers = asyncio.Event()

    def add(self, user_id: str) -> None:
        """Remember that a user has read something."""
        if len(self._readers) < MOST_USERS:
            self._readers.add(user_id)
            self._has_readers.set()

    async def run(self) -> None:
        """Look until cancelled; a look that fails is repeated."""
        while True:
            await self._has_readers.wait()
            await asyncio.sleep(PAUSE)
            users = set(islice(self._readers, MOST_LOOKED_UP))
            self._readers -= users
            try:
                self._readers |= await self._look(users)
            except StoreUnavailable as error:
                log.warning("the database is unavailable, closing is retried: %s", error)
                self._readers |= users
            except Exception:
                log.exception("looking for what is to be closed failed")
            if not self._readers:
                self._has_readers.clear()

    async def _look(self, users: set[str]) -> set[str]:
        """Have the worker look at channels; return the users to look up again."""
        keys = await self._database.read(lambda c: shown_pushes.to_close(c, users))
        if not keys:
            return set()
        now = self._now()
        busy = await self._database.write(lambda t: shown_pushes.look_at(t, keys, now))
        self._wake()
        return {user_id for user_id, _ in busy}
