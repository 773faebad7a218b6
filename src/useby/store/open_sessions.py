"""List a user's sign-ins that have neither ended nor expired."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from useby.domain.account import OpenSession
from useby.domain.client_names import ClientName
from useby.store.api_keys import is_of_key
from useby.store.cursor import BadCursor, Page, decode, encode, storable
from useby.store.database import Connection
from useby.store.schema import sessions
from useby.store.sessions import KEY_ID
from useby.store.signing_keys import current_id

_LIST: Final = "sessions"


def all_of(
    connection: Connection, user_id: str, key_ids: Collection[str] | None, now: datetime
) -> list[OpenSession]:
    """Return all of a user's open sign-ins, the newest first.

    Args:
        connection: The snapshot to read.
        user_id: The user.
        key_ids: Ids of the accepted keys; ``None`` if they are not known: then the list also has
            sign-ins that a new key has ended.
        now: The current time, aware.
    """
    return _read(connection, _open(user_id, key_ids, now))


def page(
    connection: Connection,
    user_id: str,
    key_ids: Collection[str],
    now: datetime,
    *,
    cursor: str | None,
    limit: int,
) -> Page[OpenSession]:
    """Return a page of a user's open sign-ins, the newest first.

    Args:
        connection: The snapshot to read.
        user_id: The user.
        key_ids: Ids of the accepted keys.
        now: The current time, aware.
        cursor: Cursor of the page.
        limit: Maximum number of sign-ins.

    Raises:
        BadCursor: The cursor is invalid.
    """
    statement = _open(user_id, key_ids, now).limit(limit + 1)
    if cursor is not None:
        (last,) = decode(cursor, _LIST, (str,))
        if not storable(last):
            raise BadCursor
        statement = statement.where(sessions.c.id < last)
    found = _read(connection, statement)
    items = tuple(found[:limit])
    return Page(items, encode(_LIST, (items[-1].id,)) if len(found) > limit else None)


def under_earlier_key(connection: Connection, found: Collection[OpenSession]) -> set[str]:
    """Return the ids of sign-ins that are bound to another key than the nodes sign with."""
    current = current_id(connection)
    return {each.id for each in found if current is not None and each.key_id != current}


def _open(
    user_id: str, key_ids: Collection[str] | None, now: datetime
) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            sessions.c.id,
            sessions.c.created_at,
            sa.func.coalesce(sessions.c.used_at, sessions.c.created_at),
            sessions.c.expires_at,
            sessions.c.program,
            sessions.c.system,
            KEY_ID,
        )
        .where(
            sessions.c.user_id == user_id,
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > now,
            ~is_of_key(sessions),
            sa.true() if key_ids is None else KEY_ID.in_(list(key_ids)),
        )
        .order_by(sessions.c.id.desc())  # an id begins with the time at which it was made
    )


def _read(connection: Connection, statement: sa.Select[*tuple[Any, ...]]) -> list[OpenSession]:
    return [
        OpenSession(id_, created_at, used_at, expires_at, ClientName(program, system), key_id)
        for id_, created_at, used_at, expires_at, program, system, key_id in connection.execute(
            statement
        )
    ]
