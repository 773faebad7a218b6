"""Sign-ins and their refresh tokens: a family each, of which only the newest is good.

A refresh token is spent when it is used (RFC 9700 section 4.14.2). Its immediate predecessor
still answers for a short grace, with the same successor, because two tabs or a lost answer are no
theft. Anything older that comes back is, and ends the family.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import sqlalchemy as sa

from useby.domain.events import AccessRevoked
from useby.store.bulk import values_params, values_table
from useby.store.database import Connection, Transaction
from useby.store.locks import lock_users
from useby.store.schema import refresh_tokens, sessions, users

PURGED: Final = 20
"""Expired sign-ins that one new sign-in removes: more than come in."""
PURGED_TOKENS: Final = 500
"""Refresh tokens that it removes with them, some 10 ms of work."""

_EXPIRED: Final = (
    sa.select(sessions.c.user_id, sessions.c.id)
    .where(sessions.c.expires_at <= sa.bindparam("now", type_=sessions.c.expires_at.type))
    .order_by(sessions.c.expires_at)
    .limit(PURGED)
    .with_for_update(skip_locked=True)
)
_GIVEN: Final = values_table(sessions.c.user_id, sessions.c.id)
_THEIR_TOKENS: Final = (
    sa.select(refresh_tokens.c.token_hash)
    .join(
        _GIVEN,
        sa.and_(
            _GIVEN.c.user_id == refresh_tokens.c.user_id, _GIVEN.c.id == refresh_tokens.c.session_id
        ),
    )
    .limit(PURGED_TOKENS)
)
_PURGE_TOKENS: Final = sa.delete(refresh_tokens).where(
    refresh_tokens.c.token_hash.in_(_THEIR_TOKENS)
)
_PURGE: Final = sa.delete(sessions).where(
    sa.tuple_(sessions.c.user_id, sessions.c.id).in_(sa.select(*_GIVEN.c)),
    ~sa.exists().where(
        refresh_tokens.c.user_id == sessions.c.user_id,
        refresh_tokens.c.session_id == sessions.c.id,
    ),
)


class Rotation(Enum):
    """What became of a refresh token that was presented."""

    ROTATED = "rotated"
    REPEATED = "repeated"
    """Spent within the grace; the successor it has already is answered again."""
    REUSED = "theft"
    """Spent long ago: its family has been ended."""
    UNKNOWN = "unknown"
    """Not ours, expired, its session has ended, or its user is disabled."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The outcome, and whose session it is about (empty when unknown)."""

    outcome: Rotation
    user_id: str = ""
    session_id: str = ""


def open_session(
    transaction: Transaction,
    *,
    user_id: str,
    session_id: str,
    token_hash: str | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a sign-in, with its first refresh token if it has one."""
    lock_users(transaction, user_id)
    transaction.connection.execute(
        sa.insert(sessions).values(
            user_id=user_id, id=session_id, created_at=now, expires_at=expires_at
        )
    )
    if token_hash is not None:
        _keep(transaction, token_hash, user_id, session_id, expires_at)


def rotate(
    transaction: Transaction,
    *,
    token_hash: str,
    successor_hash: str,
    now: datetime,
    grace: timedelta,
    expires_at: datetime,
) -> Rotated:
    """Spend a refresh token and keep its successor.

    A theft's outcome is a value and no exception, because what it does must be committed.
    """
    connection = transaction.connection
    owner = connection.scalar(
        sa.select(refresh_tokens.c.user_id).where(refresh_tokens.c.token_hash == token_hash)
    )
    if owner is None:
        return Rotated(Rotation.UNKNOWN)
    lock_users(transaction, owner)  # of two that present the token at once, the second repeats
    row = connection.execute(
        sa.select(
            refresh_tokens.c.user_id,
            refresh_tokens.c.session_id,
            refresh_tokens.c.successor_hash,
            refresh_tokens.c.spent_at,
            refresh_tokens.c.expires_at,
        )
        .join(
            sessions,
            sa.and_(
                sessions.c.user_id == refresh_tokens.c.user_id,
                sessions.c.id == refresh_tokens.c.session_id,
            ),
        )
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            refresh_tokens.c.token_hash == token_hash,
            sessions.c.revoked_at.is_(None),
            users.c.disabled_at.is_(None),
        )
    ).first()
    if row is None or row.expires_at <= now:
        return Rotated(Rotation.UNKNOWN)
    if row.spent_at is not None:
        successor_spent = connection.scalar(
            sa.select(refresh_tokens.c.spent_at).where(
                refresh_tokens.c.token_hash == row.successor_hash
            )
        )
        if successor_spent is None and now - row.spent_at <= grace:
            return Rotated(Rotation.REPEATED, row.user_id, row.session_id)
        end_session(transaction, row.user_id, row.session_id, now)
        return Rotated(Rotation.REUSED, row.user_id, row.session_id)
    connection.execute(
        sa.update(refresh_tokens)
        .where(refresh_tokens.c.token_hash == token_hash)
        .values(spent_at=now, successor_hash=successor_hash)
    )
    _keep(transaction, successor_hash, row.user_id, row.session_id, expires_at)
    connection.execute(
        sa.update(sessions)
        .where(sessions.c.user_id == row.user_id, sessions.c.id == row.session_id)
        .values(expires_at=expires_at)
    )
    return Rotated(Rotation.ROTATED, row.user_id, row.session_id)


def end_session(transaction: Transaction, user_id: str, session_id: str, now: datetime) -> None:
    """End one sign-in and everything it opened; one that has ended is left as it is."""
    lock_users(transaction, user_id)
    ended = transaction.connection.execute(
        sa.update(sessions)
        .where(
            sessions.c.user_id == user_id,
            sessions.c.id == session_id,
            sessions.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    if ended.rowcount:
        transaction.publish(AccessRevoked(user_id, session_id))


def session_of(transaction: Transaction, token_hash: str) -> tuple[str, str] | None:
    """The user and session of a refresh token, spent or not."""
    row = transaction.connection.execute(
        sa.select(refresh_tokens.c.user_id, refresh_tokens.c.session_id).where(
            refresh_tokens.c.token_hash == token_hash
        )
    ).first()
    return (row.user_id, row.session_id) if row else None


def good_session(connection: Connection, email: str, token_hash: str, now: datetime) -> str | None:
    """Return the open sign-in of a refresh token that is good and not spent, if it is this user's.

    Args:
        connection: The snapshot to look at.
        email: The user's, in lower case.
        token_hash: The token's.
        now: The moment, aware.
    """
    return connection.scalar(
        sa.select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user_id)
        .join(
            refresh_tokens,
            sa.and_(
                refresh_tokens.c.user_id == sessions.c.user_id,
                refresh_tokens.c.session_id == sessions.c.id,
            ),
        )
        .where(
            refresh_tokens.c.token_hash == token_hash,
            refresh_tokens.c.spent_at.is_(None),
            refresh_tokens.c.expires_at > now,
            sessions.c.revoked_at.is_(None),
            users.c.email == email,
        )
    )


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some sign-ins whose last token has expired, and some of their tokens before them.

    A sign-in that was refreshed for months has thousands of tokens. It goes with the last of them,
    so no transaction deletes more than ``PURGED_TOKENS``.

    Returns:
        How many sign-ins were deleted.
    """
    connection = transaction.connection
    expired = [tuple(row) for row in connection.execute(_EXPIRED, {"now": now})]
    if not expired:
        return 0
    keys = values_params(connection, *zip(*expired, strict=True))
    connection.execute(_PURGE_TOKENS, keys)
    return connection.execute(_PURGE, keys).rowcount


def _keep(
    transaction: Transaction,
    token_hash: str,
    user_id: str,
    session_id: str,
    expires_at: datetime,
) -> None:
    transaction.connection.execute(
        sa.insert(refresh_tokens).values(
            token_hash=token_hash,
            user_id=user_id,
            session_id=session_id,
            expires_at=expires_at,
        )
    )
