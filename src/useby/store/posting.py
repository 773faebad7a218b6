"""PostgreSQL: check, number and store the posts of many users in one statement.

A post in a transaction took six round trips: ``BEGIN``, the lock, the token, ``seq``, the row and
``COMMIT``. Here one statement is the whole transaction:

- *checked* looks up the tokens, in the snapshot of the statement;
- *locked* locks the rows of the users that are free, and of their usage. PostgreSQL reads the
  newest version of a row that it locks, so ``seq`` and usage are current;
- *accepted* are the good posts of locked users within their limits;
- *allocated* raises ``seq``, and *stored* inserts the notifications;
- the result has a row for each post of a user who exists.

SQLite has no ``INSERT`` inside of a statement, and no round trips.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

import sqlalchemy as sa

from useby.domain.account import TokenStatus
from useby.domain.notification import Draft, Notification
from useby.domain.quota import Limits, Usage
from useby.store import accounts, notifications
from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.column_types import UtcDateTime
from useby.store.database import Transaction
from useby.store.schema import notifications as table
from useby.store.schema import sessions, usage, users


class PostOutcome(NamedTuple):
    """Result of one post."""

    standing: TokenStatus
    usage: Usage | None
    """Usage of the account before the posts; ``None`` if another transaction locks its row."""
    stored: Notification | None
    """The notification; ``None`` if the token, the lock or a limit did not allow it."""


def _checked(given: sa.CTE) -> sa.CTE:
    """Look up the tokens of users who exist."""
    # For EXISTS, a plan that PostgreSQL keeps may hash all sign-ins.
    no_session = (
        sa.select(sessions.c.id)
        .where(
            sessions.c.user_id == given.c.user_id,
            sessions.c.id == given.c.session_id,
            sessions.c.revoked_at.is_(None),
        )
        .limit(sa.literal_column("1"))
        .scalar_subquery()
        .is_(None)
    )
    return (
        sa.select(
            given.c.number,
            given.c.user_id,
            users.c.disabled_at.is_not(None).label("disabled"),
            accounts.is_ended(given, no_session).label("ended"),
        )
        .join_from(given, users, users.c.id == given.c.user_id)
        .cte("checked")
    )


def _locked(given: sa.CTE, *, waits: bool) -> sa.CTE:
    """Lock the rows of the users and of their usage."""
    return (
        sa.select(users.c.id, usage.c.unread, usage.c.bytes)
        .join(usage, usage.c.user_id == users.c.id)
        .where(users.c.id.in_(sa.select(given.c.user_id)))
        .order_by(users.c.id)  # transactions for the same users lock them in the same order
        .with_for_update(of=(users, usage), key_share=True, skip_locked=not waits)
        .cte("locked")
    )


def _accepted(checked: sa.CTE, locked: sa.CTE) -> sa.CTE:
    """Count the good posts of each locked user, and take those within the limits."""
    numbered = (
        sa.select(
            checked.c.number,
            checked.c.user_id,
            locked.c.unread,
            locked.c.bytes,
            sa.func.row_number()
            .over(partition_by=checked.c.user_id, order_by=checked.c.number)
            .label("count"),
        )
        .join_from(checked, locked, locked.c.id == checked.c.user_id)
        .where(~checked.c.disabled, ~checked.c.ended)
        .cte("numbered")
    )
    return (
        sa.select(numbered.c.number, numbered.c.user_id, numbered.c.count)
        .where(*(~exceeded for exceeded in _exceeded(numbered)))
        .cte("accepted")
    )


def _exceeded(numbered: sa.CTE) -> list[sa.ColumnElement[bool]]:
    """Return SQL for the limits of an account, by the rule that also gives the reason."""
    columns: Any = numbered.c
    limits = Limits(0, cast("int", _limit("unread")), cast("int", _limit("bytes")))
    compared: Any = limits.compared(Usage(0, columns.unread, columns.bytes), unread=columns.count)
    return [exceeded for _, _, exceeded in compared]


def _limit(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(f"limit_{name}", type_=sa.BigInteger)


def _seqs(accepted: sa.CTE) -> sa.CTE:
    """Raise ``seq`` of the users, and number the posts by it."""
    counts = (
        sa.select(accepted.c.user_id, sa.func.count().label("count"))
        .group_by(accepted.c.user_id)
        .cte("counts")
    )
    allocated = (
        sa.update(users)
        .where(users.c.id == counts.c.user_id)
        .values(seq=users.c.seq + counts.c.count)
        .returning(users.c.id, (users.c.seq - counts.c.count).label("before"))
        .cte("allocated")
    )
    return (
        sa.select(accepted.c.number, (allocated.c.before + accepted.c.count).label("seq"))
        .join_from(accepted, allocated, allocated.c.id == accepted.c.user_id)
        .cte("seqs")
    )


def _stored(given: sa.CTE, seqs: sa.CTE) -> sa.CTE:
    """Insert the notifications."""
    values = {column.name: column for column in given.c} | {"seq": seqs.c.seq}
    rows = sa.select(*(values[column.name] for column in notifications.INSERTED)).join_from(
        given, seqs, seqs.c.number == given.c.number
    )
    return sa.insert(table).from_select(notifications.INSERTED, rows).cte("stored")


def _statement(*, waits: bool) -> CompiledStatement:
    given = sa.select(
        values_table(
            sa.column("number", sa.Integer),
            sa.column("session_id", sa.Text),
            sa.column("issued_at", UtcDateTime),
            *(column for column in notifications.INSERTED if column is not table.c.seq),
        )
    ).cte("given")
    checked, locked = _checked(given), _locked(given, waits=waits)
    seqs = _seqs(_accepted(checked, locked))
    rows = checked.outerjoin(locked, locked.c.id == checked.c.user_id).outerjoin(
        seqs, seqs.c.number == checked.c.number
    )
    return CompiledStatement(
        sa.select(
            checked.c.number,
            checked.c.disabled,
            checked.c.ended,
            locked.c.unread,
            locked.c.bytes,
            seqs.c.seq,
        )
        .select_from(rows)
        .add_cte(_stored(given, seqs))
    )


_STORE: Final = {waits: _statement(waits=waits) for waits in (False, True)}


def store(
    transaction: Transaction,
    posts: Sequence[tuple[str | None, datetime, Draft]],
    now: datetime,
    *,
    limits: Limits,
    waits: bool,
) -> list[PostOutcome]:
    """Store the posts whose token is good, whose account has room and whose user's row is free.

    Args:
        transaction: The running write, which may consist of this statement.
        posts: The sign-in and the time of issue of each post's token, and its notification.
        now: The current time, aware.
        limits: The limits of an account.
        waits: Whether to wait for locked rows; else the posts of their users are not stored.
    """
    created = now.replace(microsecond=0)
    new = [draft.kept(notifications.new_id(), 0, created) for _, _, draft in posts]
    rows = [
        (number, session_id, issued_at, *_without_seq(notification))
        for number, ((session_id, issued_at, _), notification) in enumerate(
            zip(posts, new, strict=True)
        )
    ]
    params = values_params(transaction.connection, *zip(*rows, strict=True))
    outcomes = [PostOutcome(TokenStatus.UNKNOWN, None, None)] * len(posts)
    for number, disabled, ended, unread, size, seq in _STORE[waits](
        transaction.connection, **params, limit_unread=limits.unread, limit_bytes=limits.bytes
    ):
        stored = None
        if seq is not None:
            stored = posts[number][2].kept(new[number].id, seq, created)
        outcomes[number] = PostOutcome(
            accounts.standing_of(disabled, ended),
            None if unread is None else Usage(0, unread, size),
            stored,
        )
    notifications.publish(transaction, [each.stored for each in outcomes if each.stored])
    return outcomes


def _without_seq(notification: Notification) -> tuple[Any, ...]:
    user_id, _, *others = notifications.insert_values(notification)
    return (user_id, *others)
