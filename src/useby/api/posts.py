"""Single notifications that are posted in the same few milliseconds share a transaction.

One worker takes all that wait: one look at who still may, one statement that numbers, one commit.
A transaction for each cost three times as much, most of it in going to the store and back.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from useby.auth.tokens import Claims
from useby.domain.account import Standing
from useby.domain.notification import Draft, Notification
from useby.store import accounts, notifications
from useby.store.engine import Database, StoreUnavailable, Transaction

log = logging.getLogger(__name__)

TOGETHER: Final = 256
"""Posts in one transaction; the next ones wait for these."""


@dataclass(frozen=True, slots=True)
class Post:
    """Something to be told to the bearer of a token."""

    claims: Claims
    draft: Draft


class Posts:
    """The line in which posts wait. All of it runs on the event loop."""

    def __init__(
        self, database: Database, *, provisions: bool, now: Callable[[], datetime]
    ) -> None:
        """Make an empty line; ``run`` works it off.

        Args:
            database: Where to write to.
            provisions: Whether an outside issuer's subject becomes a user at first sight.
            now: The wall clock: aware, UTC.
        """
        self._database = database
        self._provisions = provisions
        self._now = now
        self._line: list[tuple[Post, asyncio.Future[Notification | None]]] = []
        self._wanted = asyncio.Event()

    async def keep(self, post: Post) -> Notification | None:
        """Keep one; when this returns it is on stable storage.

        Returns:
            What was kept; ``None`` if the token has been revoked.

        Raises:
            StoreUnavailable: The database can't be written now.
        """
        kept: asyncio.Future[Notification | None] = asyncio.get_running_loop().create_future()
        self._line.append((post, kept))
        self._wanted.set()
        return await asyncio.shield(kept)  # a caller that is cancelled cancels nothing

    async def run(self) -> None:
        """Work the line off until cancelled."""
        while True:
            await self._wanted.wait()
            turn, self._line = self._line[:TOGETHER], self._line[TOGETHER:]
            if not self._line:
                self._wanted.clear()
            await self._keep_together(turn)

    async def _keep_together(
        self, turn: Sequence[tuple[Post, asyncio.Future[Notification | None]]]
    ) -> None:
        posts = [post for post, _ in turn]
        try:
            kept = await self._database.write(
                lambda t: keep(t, posts, self._now(), provisions=self._provisions)
            )
        except StoreUnavailable as error:
            for _, answer in turn:
                answer.set_exception(error)
        except Exception as error:
            if len(turn) > 1:
                log.exception("posts could not be kept together and are kept one by one")
                for each in turn:
                    await self._keep_together([each])
            else:
                turn[0][1].set_exception(error)
        else:
            for (_, answer), said in zip(turn, kept, strict=True):
                answer.set_result(said)


def keep(
    transaction: Transaction, posts: Sequence[Post], now: datetime, *, provisions: bool
) -> list[Notification | None]:
    """Keep the posts of those who still may; ``None`` in place of the others'."""
    keys = [(each.claims.user_id, each.claims.session_id, each.claims.issued_at) for each in posts]
    outside = {user_id for user_id, session_id, _ in keys if session_id is None}
    if provisions and outside:
        accounts.provision(transaction, sorted(outside), now)
    found = accounts.standings(transaction.connection, keys)
    allowed = [standing is Standing.GOOD for standing, _, _ in found]
    drafts = [post.draft for post, good in zip(posts, allowed, strict=True) if good]
    kept = iter(notifications.add(transaction, drafts, now))
    return [next(kept) if good else None for good in allowed]
