"""Store sign-ins and their refresh tokens; only the newest token of a sign-in is valid.

A refresh token is spent when it is used (RFC 9700 section 4.14.2). Its immediate predecessor
still works for a short grace period, with the same successor, because two tabs or a lost response
are no theft. Use of any older token is treated as theft and ends the sign-in.

A sign-in is bound to the key under which its newest token was issued. Callers pass the ids of the
keys that they accept; under another key its tokens are unknown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from useby.domain.client_names import UNNAMED, ClientName
from useby.domain.events import AccessRevoked
from useby.store import channels
from useby.store.api_keys import is_of_key
from useby.store.bulk import values_params, values_table
from useby.store.database import Connection, Transaction
from useby.store.locks import lock_users
from useby.store.schema import refresh_tokens, sessions, users
from useby.store.signing_keys import FIRST_ID

PURGED: Final = 20
"""Maximum expired sign-ins that one new sign-in removes: more than are added."""
PURGED_TOKENS: Final = 500
"""Maximum refresh tokens that are removed in one transaction, some 10 ms of work."""
MOST_TOKENS: Final = 100_000
"""Maximum refresh tokens of a user, spent ones included; some 50 MB. It is that of 32 devices which
refresh every quarter of an hour and keep their tokens for 30 days."""
COUNTED: Final = "00"
"""First digits of the hashes at which a user's tokens are counted: at one refresh of 256, because
the count takes some ms for a user who has many."""

KEY_ID: Final = sa.func.coalesce(sessions.c.key_id, FIRST_ID)
"""Id of the key that a sign-in is bound to."""

_EXPIRED: Final = (
    sa.select(sessions.c.user_id, sessions.c.id)
    .where(sessions.c.expires_at <= sa.bindparam("now", type_=sessions.c.expires_at.type))
    .order_by(sessions.c.expires_at)
    .limit(PURGED)
    .with_for_update(skip_locked=True)
)
_TOKENS_OF: Final = (
    sa.select(sa.func.count())
    .select_from(refresh_tokens)
    .where(refresh_tokens.c.user_id == sa.bindparam("owner"))
)
_USELESS: Final = (
    sa.select(refresh_tokens.c.token_hash)
    .join(
        sessions,
        sa.and_(
            sessions.c.user_id == refresh_tokens.c.user_id,
            sessions.c.id == refresh_tokens.c.session_id,
        ),
    )
    .where(
        refresh_tokens.c.user_id == sa.bindparam("owner"),
        sa.or_(
            refresh_tokens.c.expires_at <= sa.bindparam("now", type_=sessions.c.expires_at.type),
            sessions.c.revoked_at.is_not(None),
        ),
    )
    .limit(PURGED_TOKENS)
)
_DROP_USELESS: Final = sa.delete(refresh_tokens).where(refresh_tokens.c.token_hash.in_(_USELESS))
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
    """Result of presenting a refresh token."""

    ROTATED = "rotated"
    REPEATED = "repeated"
    """Spent within the grace period; its existing successor is returned again."""
    REUSED = "theft"
    """Spent long ago: its sign-in has been ended."""
    UNKNOWN = "unknown"
    """Not issued here or under another key, or expired, or its sign-in has ended, or its user is
    disabled."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """Result of a rotation, with its user and sign-in (empty if the token is unknown)."""

    outcome: Rotation
    user_id: str = ""
    session_id: str = ""
    key_id: str = ""
    """Key whose successor was stored, if the token was rotated or repeated."""


def open_session(
    transaction: Transaction,
    *,
    user_id: str,
    session_id: str,
    token_hash: str | None,
    key_id: str | None = None,
    now: datetime,
    expires_at: datetime,
    client: ClientName = UNNAMED,
) -> None:
    """Add a sign-in of a program, with its first refresh token and its key ``key_id``, if any."""
    lock_users(transaction, user_id)
    transaction.connection.execute(
        sa.insert(sessions).values(
            user_id=user_id,
            id=session_id,
            created_at=now,
            used_at=now,
            expires_at=expires_at,
            key_id=key_id,
            program=client.program,
            system=client.system,
        )
    )
    if token_hash is not None:
        _add_token(transaction, token_hash, user_id, session_id, expires_at)


def rotate(
    transaction: Transaction,
    *,
    token_hash: str,
    successors: Mapping[str, str],
    now: datetime,
    grace: timedelta,
    expires_at: datetime,
) -> Rotated:
    """Spend a refresh token and store its successor.

    Theft is returned as a value and not raised, because the end of the sign-in must be committed.

    Args:
        transaction: The running write.
        token_hash: Hash of the token.
        successors: Hash of the token's successor under each accepted key, by the key's id. The
            first is stored; the others are returned if another node has stored them.
        now: The current time, aware.
        grace: Time for which a spent token gets the same successor again.
        expires_at: The end of the successor, and of the sign-in.
    """
    connection = transaction.connection
    owner = connection.scalar(
        sa.select(refresh_tokens.c.user_id).where(refresh_tokens.c.token_hash == token_hash)
    )
    if owner is None:
        return Rotated(Rotation.UNKNOWN)
    lock_users(transaction, owner)  # of two concurrent uses of a token, the second is a repeat
    row = _token(connection, token_hash, successors)
    if row is None or row.expires_at <= now:
        return Rotated(Rotation.UNKNOWN)
    if row.spent_at is not None:
        return _spent_again(transaction, row, successors, now, grace)
    key_id, successor_hash = next(iter(successors.items()))
    connection.execute(
        sa.update(refresh_tokens)
        .where(refresh_tokens.c.token_hash == token_hash)
        .values(spent_at=now, successor_hash=successor_hash)
    )
    _add_token(transaction, successor_hash, row.user_id, row.session_id, expires_at)
    connection.execute(
        sa.update(sessions)
        .where(sessions.c.user_id == row.user_id, sessions.c.id == row.session_id)
        .values(expires_at=expires_at, key_id=key_id, used_at=now)
    )
    if successor_hash.startswith(COUNTED) and not _make_room(connection, row.user_id, now):
        end_session(transaction, row.user_id, row.session_id, now)
        return Rotated(Rotation.UNKNOWN)
    return Rotated(Rotation.ROTATED, row.user_id, row.session_id, key_id)


def _make_room(connection: Connection, user_id: str, now: datetime) -> bool:
    """Return whether a user may have another token; delete some useless ones if there are many.

    A spent token is kept until it expires, because its use is theft: a sign-in that is refreshed in
    a loop would otherwise fill the disk. It ends, unless tokens that no longer count can go first.
    """
    if (connection.scalar(_TOKENS_OF, {"owner": user_id}) or 0) <= MOST_TOKENS:
        return True
    return connection.execute(_DROP_USELESS, {"owner": user_id, "now": now}).rowcount > 0


def _token(connection: Connection, token_hash: str, key_ids: Collection[str]) -> Any:
    """Return the row of a refresh token, spent or not, if its sign-in has not ended."""
    return connection.execute(
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
            KEY_ID.in_(list(key_ids)),
            users.c.disabled_at.is_(None),
        )
    ).first()


def _spent_again(
    transaction: Transaction,
    row: Any,
    successors: Mapping[str, str],
    now: datetime,
    grace: timedelta,
) -> Rotated:
    """Return the stored successor of a spent token within the grace; else end its sign-in."""
    successor_spent = transaction.connection.scalar(
        sa.select(refresh_tokens.c.spent_at).where(
            refresh_tokens.c.token_hash == row.successor_hash
        )
    )
    if successor_spent is not None or now - row.spent_at > grace:
        end_session(transaction, row.user_id, row.session_id, now)
        return Rotated(Rotation.REUSED, row.user_id, row.session_id)
    for key_id, successor_hash in successors.items():
        if successor_hash == row.successor_hash:
            return Rotated(Rotation.REPEATED, row.user_id, row.session_id, key_id)
    return Rotated(Rotation.UNKNOWN)  # a node with a newer key has stored the successor


def end_session(transaction: Transaction, user_id: str, session_id: str, now: datetime) -> bool:
    """End one sign-in, revoke its tokens, and delete the channel of its browser.

    Returns:
        False if the user has no such sign-in, or it had already ended.
    """
    lock_users(transaction, user_id)
    ended = transaction.connection.execute(
        sa.update(sessions)
        .where(
            sessions.c.user_id == user_id,
            sessions.c.id == session_id,
            sessions.c.revoked_at.is_(None),
            ~is_of_key(sessions),
        )
        .values(revoked_at=now)
    )
    if not ended.rowcount:
        return False
    channels.end_with_sign_ins(transaction, user_id, [session_id], now)
    transaction.publish(AccessRevoked(user_id, session_id))
    return True


def session_of(transaction: Transaction, token_hash: str) -> tuple[str, str] | None:
    """Return the user id and sign-in id of a refresh token, spent or not."""
    row = transaction.connection.execute(
        sa.select(refresh_tokens.c.user_id, refresh_tokens.c.session_id).where(
            refresh_tokens.c.token_hash == token_hash
        )
    ).first()
    return (row.user_id, row.session_id) if row else None


def good_session(
    connection: Connection, email: str, token_hash: str, key_ids: Collection[str], now: datetime
) -> str | None:
    """Return the sign-in of a valid, unspent refresh token; ``None`` if it is not this user's.

    Args:
        connection: The snapshot to read.
        email: The user's e-mail in lower case.
        token_hash: Hash of the token.
        key_ids: Ids of the accepted keys.
        now: The current time, aware.
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
            KEY_ID.in_(list(key_ids)),
            users.c.email == email,
        )
    )


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some sign-ins whose last token has expired, and some of their tokens before them.

    A sign-in that was refreshed for months has thousands of tokens. It is deleted with the last of
    them, so no transaction deletes more than ``PURGED_TOKENS``.

    Returns:
        The number of deleted sign-ins.
    """
    connection = transaction.connection
    expired = [tuple(row) for row in connection.execute(_EXPIRED, {"now": now})]
    if not expired:
        return 0
    keys = values_params(connection, *zip(*expired, strict=True))
    connection.execute(_PURGE_TOKENS, keys)
    return connection.execute(_PURGE, keys).rowcount


def _add_token(
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
