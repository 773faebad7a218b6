"""Store single posted notifications in batches: those of the same few ms share a transaction.

One worker takes all posts that wait: one query checks the tokens, one statement assigns the
numbers, one commit stores them. A transaction for each cost three times as much, most of it in
round trips to the database.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from useby.auth.tokens import Claims
from useby.domain.account import TokenRefused, TokenStatus
from useby.domain.notification import Draft, Notification
from useby.domain.quota import Limits, QuotaReached, Usage
from useby.store import accounts, notifications, posting
from useby.store.database import Database, StoreUnavailable, Transaction
from useby.store.locks import lock_users
from useby.store.user_batcher import UserBatcher

log = logging.getLogger(__name__)

BATCH: Final = 256
"""Maximum number of posts in one transaction; later posts wait for it."""


@dataclass(frozen=True, slots=True)
class Post:
    """A notification to store for the user of a token."""

    claims: Claims
    draft: Draft


class NotStored(Enum):
    """Reason for which a post is tried again."""

    BUSY = "another transaction has the user's row"


@dataclass(frozen=True, slots=True)
class _WaitingPost:
    post: Post
    result: asyncio.Future[Notification] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def user_id(self) -> str:
        return self.post.claims.user_id


class PostQueue:
    """Queues in which posts wait. All of it runs on the event loop."""

    def __init__(
        self,
        database: Database,
        *,
        provisions: bool,
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        """Create empty queues; ``run`` works them off.

        Args:
            database: The database to write to.
            provisions: Whether a new subject of an outside issuer becomes a user.
            limits: The limits of an account.
            now: The wall clock: aware, UTC.
        """
        self._database = database
        self._provisions = provisions
        self._limits = limits
        self._now = now
        self._waiting: UserBatcher[_WaitingPost] = UserBatcher(
            "posts", self._store_batch, lambda waiting: waiting.user_id, most=BATCH
        )

    async def store(self, post: Post) -> Notification:
        """Store one post and return it; when this returns, it is on stable storage.

        Raises:
            TokenRefused: The account or the sign-in of the token does not accept it.
            StoreUnavailable: The database cannot be written now.
            QuotaReached: The user's account has reached a limit.
        """
        waiting = _WaitingPost(post)
        self._waiting.put(waiting)
        return await asyncio.shield(waiting.result)  # a cancelled caller does not cancel its post

    async def run(self) -> None:
        """Work off the queues until cancelled."""
        await self._waiting.run()

    async def _store_batch(
        self, batch: Sequence[_WaitingPost], *, may_wait: bool = False
    ) -> list[_WaitingPost]:
        """Store posts and set their results; return those of users whose rows are locked."""
        posts = [waiting.post for waiting in batch]
        provisions = self._provisions and any(post.claims.session_id is None for post in posts)
        try:
            outcomes = await self._database.write(
                lambda t: store(
                    t,
                    posts,
                    self._now(),
                    provisions=provisions,
                    limits=self._limits,
                    waits=may_wait,
                ),
                one_statement=not (may_wait or provisions),
            )
        except StoreUnavailable as error:
            for waiting in batch:
                waiting.result.set_exception(error)
        except Exception as error:
            if len(batch) > 1:
                log.exception("posts could not be stored together and are stored one by one")
                return [
                    busy
                    for waiting in batch
                    for busy in await self._store_batch([waiting], may_wait=may_wait)
                ]
            batch[0].result.set_exception(error)
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, TokenRefused | QuotaReached):
                    waiting.result.set_exception(outcome)
                elif outcome is not NotStored.BUSY:
                    waiting.result.set_result(outcome)
            return [
                waiting
                for waiting, outcome in zip(batch, outcomes, strict=True)
                if outcome is NotStored.BUSY
            ]
        return []


def store(
    transaction: Transaction,
    posts: Sequence[Post],
    now: datetime,
    *,
    provisions: bool,
    limits: Limits,
    waits: bool = False,
) -> list[Notification | NotStored | TokenRefused | QuotaReached]:
    """Store the posts whose token is valid, whose account has room and whose user's row is free.

    Args:
        transaction: The write transaction.
        posts: The posts; all of one user if ``waits``.
        now: The present time, aware.
        provisions: Whether a new subject of an outside issuer becomes a user.
        limits: The limits of an account.
        waits: Whether to wait for a locked row; else the posts of its user are ``BUSY``.

    Returns:
        For each post the stored notification, or the reason for which it was not stored.
    """
    if provisions:
        outside = {post.claims.user_id for post in posts if post.claims.session_id is None}
        accounts.provision(transaction, sorted(outside), now)
    users = {post.claims.user_id for post in posts}
    if waits:
        for user_id in users:
            lock_users(transaction, user_id)
    if transaction.connection.dialect.name == "postgresql":
        return _store_in_one_statement(transaction, posts, now, limits=limits, waits=waits)
    keys = [(post.claims.user_id, post.claims.session_id, post.claims.issued_at) for post in posts]
    counts: dict[str, int] = {}
    reasons: list[TokenRefused | QuotaReached | None] = []
    for (user_id, _, _), check in zip(
        keys, accounts.check_tokens(transaction.connection, keys), strict=True
    ):
        if check.standing is not TokenStatus.GOOD:
            reasons.append(TokenRefused(check.standing))
            continue
        count = counts.get(user_id, 0) + 1
        reached = limits.reached(Usage(0, check.unread, check.bytes), unread=count)
        reasons.append(reached)
        if reached is None:
            counts[user_id] = count
    drafts = [post.draft for post, reason in zip(posts, reasons, strict=True) if reason is None]
    stored = iter(notifications.add(transaction, drafts, now))
    return [next(stored) if reason is None else reason for reason in reasons]


def _store_in_one_statement(
    transaction: Transaction,
    posts: Sequence[Post],
    now: datetime,
    *,
    limits: Limits,
    waits: bool,
) -> list[Notification | NotStored | TokenRefused | QuotaReached]:
    """Implement ``store`` on PostgreSQL."""
    outcomes = posting.store(
        transaction,
        [(post.claims.session_id, post.claims.issued_at, post.draft) for post in posts],
        now,
        limits=limits,
        waits=waits,
    )
    counts: dict[str, int] = {}
    results: list[Notification | NotStored | TokenRefused | QuotaReached] = []
    for post, outcome in zip(posts, outcomes, strict=True):
        if outcome.standing is not TokenStatus.GOOD:
            results.append(TokenRefused(outcome.standing))
        elif outcome.usage is None:
            results.append(NotStored.BUSY)
        else:
            count = counts.get(post.claims.user_id, 0) + 1
            if outcome.stored is not None:
                counts[post.claims.user_id] = count
            result = outcome.stored or limits.reached(outcome.usage, unread=count)
            if result is None:
                raise RuntimeError("a post was not stored although no limit is reached")
            results.append(result)
    return results
