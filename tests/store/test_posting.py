"""Posts that PostgreSQL stores in one statement: the same answers as one by one, and on SQLite.

covers: useby.store.posting
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner

from useby.actions import post_queue
from useby.actions.post_queue import NotStored, Post
from useby.auth.tokens import Claims
from useby.domain.account import TokenRefused
from useby.domain.events import Event, NotificationsAdded
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.quota import Limits, QuotaReached
from useby.store import accounts, notifications, sessions, usage
from useby.store.database import Database, Transaction
from useby.store.open import open_database

ROUNDS = 40
ROOM = 10**9


class _Undone(Exception):
    """Raised to roll a transaction back."""


def _post(user_id: str, session_id: str | None, text: str) -> Post:
    claims = Claims(user_id, session_id, NOON, NOON + timedelta(hours=1), "")
    return Post(claims, Draft(user_id, text, Severity.WARNING, Cause.CUSTOM, "Milk"))


def _store(transaction: Transaction, posts: Sequence[Post], limits: Limits) -> list[Any]:
    found = post_queue.store(transaction, posts, NOON, provisions=False, limits=limits)
    return list(map(_plain, found))


def _plain(outcome: Notification | NotStored | TokenRefused | QuotaReached) -> Any:
    """Return an outcome without its random id, as a value that can be compared."""
    if isinstance(outcome, Notification):
        return outcome._replace(id="")
    return outcome if isinstance(outcome, NotStored) else (type(outcome), str(outcome))


async def _undone(database: Database, work: Any) -> Any:
    found: list[Any] = []

    def undo(transaction: Transaction) -> None:
        found.append(work(transaction))
        raise _Undone

    try:
        await database.write(undo)
    except _Undone:
        return found[0]


async def _people(database: Database) -> list[tuple[str, str | None]]:
    """Add users in each state; return the user and the sign-in of tokens of each."""
    tokens: list[tuple[str, str | None]] = [("nobody", "s"), ("nobody", None)]
    for state in ("fine", "full", "ended", "disabled", "everywhere"):
        owner = await a_kept_owner(database, id=state, email=f"{state}@useby.example")
        for session in ("s", "t"):
            await database.write(
                partial(
                    sessions.open_session,
                    user_id=owner.id,
                    session_id=session,
                    token_hash=None,
                    now=NOON,
                    expires_at=NOON + timedelta(days=1),
                )
            )
        tokens += [(state, "s"), (state, "t"), (state, None), (state, "none")]

    def change(transaction: Transaction) -> None:
        accounts.end_sessions(transaction, "ended", NOON, keep="t")
        accounts.end_sessions(transaction, "everywhere", NOON)
        accounts.disable_user(transaction, "disabled", disabled=True, now=NOON)
        drafts = [_post("full", "s", str(n)).draft for n in range(7)]
        notifications.add(transaction, drafts, NOON)

    await database.write(change)
    return tokens


@on_postgres
async def test_posts_in_one_statement_have_the_outcomes_of_posts_one_by_one_and_of_sqlite(
    database: Database, sqlite_url: str
) -> None:
    chance = random.Random(23)
    tokens = await _people(database)
    other = open_database(sqlite_url)
    try:
        await _people(other)
        for _ in range(ROUNDS):
            posts = [
                _post(*chance.choice(tokens), str(number)) for number in range(chance.randint(1, 9))
            ]
            unread, size = chance.choice((0, 7, 8, 9, ROOM)), chance.choice((0, ROOM))
            limits = Limits(ROOM, unread, size)
            together = await _undone(database, lambda t: _store(t, posts, limits))  # noqa: B023
            apart = await _undone(
                database,
                lambda t: [_store(t, [each], limits)[0] for each in posts],  # noqa: B023
            )
            assert together == apart
            assert together == await _undone(other, lambda t: _store(t, posts, limits))  # noqa: B023
    finally:
        await other.close()


@on_postgres
async def test_the_limit_of_bytes_is_checked_by_the_usage_before_the_posts(
    database: Database,
) -> None:
    await _people(database)
    kept = await database.read(lambda c: usage.of(c, "full"))
    posts = [_post("full", "s", "one"), _post("full", "s", "two")]
    for size, stored in ((kept.bytes, 0), (kept.bytes + 1, 2)):
        limits = Limits(ROOM, ROOM, size)
        found = await _undone(database, lambda t: _store(t, posts, limits))  # noqa: B023
        assert sum(isinstance(each, Notification) for each in found) == stored


@on_postgres
async def test_groups_of_two_nodes_number_each_user_without_a_gap(
    database: Database, database_url: str, news: list[Event]
) -> None:
    """Rows that the other node locks are skipped and tried again."""
    users = [
        (await a_kept_owner(database, id=f"u{n}", email=f"u{n}@b.example")).id for n in range(5)
    ]
    nodes = [database, open_database(database_url)]
    nodes[1].on_commit = news.append

    async def post(node: Database, name: str) -> None:
        left = [_post(user, None, f"{name} {number}") for number in range(30) for user in users]
        while left:
            group, left = left[:10], left[10:]
            found = await node.write(
                partial(
                    post_queue.store,
                    posts=group,
                    now=NOON,
                    provisions=False,
                    limits=Limits(ROOM, ROOM, ROOM),
                ),
                one_statement=True,
            )
            busy = [post for post, each in zip(group, found, strict=True) if each is NotStored.BUSY]
            stored = [each for each in found if isinstance(each, Notification)]
            assert len(busy) + len(stored) == len(group)
            left += busy

    try:
        await asyncio.gather(*(post(node, f"{n}") for n, node in enumerate(nodes * 2)))
    finally:
        await nodes[1].close()
    for user in users:
        rows = await database.read(
            partial(notifications.page_after, user_id=user, after=0, limit=1000)
        )
        assert [row.seq for row in rows] == list(range(1, 4 * 30 + 1))
        published = [
            row.id
            for event in news
            if isinstance(event, NotificationsAdded) and event.user_id == user
            for row in event.notifications
        ]
        assert sorted(published) == sorted(row.id for row in rows)
