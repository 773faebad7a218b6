"""Single notifications that are posted in the same few milliseconds share a transaction.

One worker takes all that wait: one look at who still may, one statement that numbers, one commit.
A transaction for each cost three times as much, most of it in going to the store and back.

On PostgreSQL another transaction may hold a user's row, for as long as a lock is waited for at
most. Strangers don't wait for that: such a user's posts go to a line of their own, for one wait.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from useby.auth.tokens import Claims
from useby.domain.account import Standing
from useby.domain.notification import Draft, Notification
from useby.store import accounts, notifications
from useby.store.engine import Database, StoreUnavailable, Transaction
from useby.store.owners import hold, hold_free

log = logging.getLogger(__name__)

TOGETHER: Final = 256
"""Posts in one transaction; the next ones wait for these."""
APART: Final = 4
"""Users whose rows are waited for at a time, who came first first; each takes a connection of the
pool's few."""


@dataclass(frozen=True, slots=True)
class Post:
    """Something to be told to the bearer of a token."""

    claims: Claims
    draft: Draft


class Unkept(Enum):
    """Why a post was not kept."""

    REVOKED = "the token has been revoked"
    BUSY = "another transaction has the user's row"


_REFUSED: Final[dict[Standing, Unkept]] = {
    each: Unkept.REVOKED for each in Standing if each is not Standing.GOOD
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    post: Post
    kept: asyncio.Future[Notification | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def user_id(self) -> str:
        return self.post.claims.user_id


class Posts:
    """The lines in which posts wait. All of it runs on the event loop."""

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
        self._line: list[_Waiting] = []
        self._wanted = asyncio.Event()
        self._apart: dict[str, list[_Waiting]] = {}
        self._few_apart = asyncio.Semaphore(APART)

    async def keep(self, post: Post) -> Notification | None:
        """Keep one; when this returns it is on stable storage.

        Returns:
            What was kept; ``None`` if the token has been revoked.

        Raises:
            StoreUnavailable: The database can't be written now.
        """
        waiting = _Waiting(post)
        self._line.append(waiting)
        self._wanted.set()
        return await asyncio.shield(waiting.kept)  # a caller that is cancelled cancels nothing

    async def run(self) -> None:
        """Work the lines off until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wanted.wait()
                turn, self._line = self._line[:TOGETHER], self._line[TOGETHER:]
                if not self._line:
                    self._wanted.clear()
                together: list[_Waiting] = []
                for each in turn:
                    self._apart.get(each.user_id, together).append(each)
                for each in await self._keep_together(together):
                    line = self._apart.get(each.user_id)
                    if line is None:
                        line = self._apart[each.user_id] = []
                        group.create_task(self._keep_apart(each.user_id), name="posts-apart")
                    line.append(each)

    async def _keep_apart(self, user_id: str) -> None:
        line = self._apart[user_id]
        async with self._few_apart:
            turn = line[:TOGETHER]
            del line[:TOGETHER]
            await self._keep_together(turn, waits=True)
        del self._apart[user_id]
        self._line = line + self._line
        if line:
            self._wanted.set()

    async def _keep_together(
        self, turn: Sequence[_Waiting], *, waits: bool = False
    ) -> list[_Waiting]:
        """Keep these, or say why not; which are left, because their users' rows are another's."""
        if not turn:
            return []
        posts = [each.post for each in turn]
        try:
            outcomes = await self._database.write(
                lambda t: keep(t, posts, self._now(), provisions=self._provisions, waits=waits)
            )
        except StoreUnavailable as error:
            for each in turn:
                each.kept.set_exception(error)
        except Exception as error:
            if len(turn) > 1:
                log.exception("posts could not be kept together and are kept one by one")
                return [
                    left for each in turn for left in await self._keep_together([each], waits=waits)
                ]
            turn[0].kept.set_exception(error)
        else:
            for each, outcome in zip(turn, outcomes, strict=True):
                if outcome is not Unkept.BUSY:
                    each.kept.set_result(None if outcome is Unkept.REVOKED else outcome)
            return [
                each for each, outcome in zip(turn, outcomes, strict=True) if outcome is Unkept.BUSY
            ]
        return []


def keep(
    transaction: Transaction,
    posts: Sequence[Post],
    now: datetime,
    *,
    provisions: bool,
    waits: bool = False,
) -> list[Notification | Unkept]:
    """Keep the posts of those who still may, and whose rows are free or are waited for."""
    keys = [(each.claims.user_id, each.claims.session_id, each.claims.issued_at) for each in posts]
    outside = {user_id for user_id, session_id, _ in keys if session_id is None}
    if provisions and outside:
        accounts.provision(transaction, sorted(outside), now)
    users = {user_id for user_id, _, _ in keys}
    if waits:
        hold(transaction, users)
    held = users if waits else hold_free(transaction, users)
    found = accounts.standings(transaction.connection, keys)
    unkept = [
        _REFUSED.get(standing) or (None if post.claims.user_id in held else Unkept.BUSY)
        for post, (standing, _, _) in zip(posts, found, strict=True)
    ]
    drafts = [post.draft for post, why in zip(posts, unkept, strict=True) if why is None]
    kept = iter(notifications.add(transaction, drafts, now))
    return [next(kept) if why is None else why for why in unkept]
