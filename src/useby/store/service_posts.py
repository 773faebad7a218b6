"""Find the users to whom a service posts, and store the outcome of its requests for repeats.

A request of a service has notifications of many users, so ``store.idempotency``, whose rows belong
to one user, does not fit. Its rows belong to the service key.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store import slices
from useby.store.database import Transaction
from useby.store.idempotency import PURGED, RETENTION, KeyReused
from useby.store.schema import api_keys, service_answers, users

__all__ = ["RETENTION", "KeyReused", "add_answer", "answer_of", "key_exists", "users_by_address"]

_EXPIRED: Final = (
    sa.select(service_answers.c.key_id, service_answers.c.key)
    .where(
        service_answers.c.expires_at <= sa.bindparam("now", type_=service_answers.c.expires_at.type)
    )
    .order_by(service_answers.c.expires_at)
    .limit(PURGED)
    .with_for_update(skip_locked=True)
)
_PURGE: Final = sa.delete(service_answers).where(
    sa.tuple_(service_answers.c.key_id, service_answers.c.key).in_(_EXPIRED)
)


def key_exists(transaction: Transaction, key_id: str, *, alone: bool) -> bool:
    """Return whether a service key still exists; ``alone`` makes requests of the key take turns."""
    select = sa.select(api_keys.c.id).where(api_keys.c.user_id.is_(None), api_keys.c.id == key_id)
    if alone:
        select = select.with_for_update()
    return transaction.connection.scalar(select) is not None


def users_by_address(
    connection: Connection, ids: Collection[str], emails: Collection[str]
) -> tuple[set[str], Mapping[str, str]]:
    """Return the existing users among ``ids``, and the ids of those with ``emails`` by e-mail.

    Disabled users, and those who are being deleted, do not exist.
    """
    there = sa.and_(users.c.disabled_at.is_(None), ~slices.is_being_deleted(users.c.id))
    found = sa.select(users.c.id).where(users.c.id.in_(sorted(ids)), there)
    by_email = sa.select(users.c.email, users.c.id).where(users.c.email.in_(sorted(emails)), there)
    return (
        set(connection.scalars(found)) if ids else set(),
        {row.email: row.id for row in connection.execute(by_email)} if emails else {},
    )


def answer_of(
    transaction: Transaction, key_id: str, key: str, fingerprint: str, now: datetime
) -> bytes | None:
    """Return the outcome of an earlier request with this ``Idempotency-Key``, if there was one.

    Raises:
        KeyReused: The key belongs to a different request of the last 24 hours.
    """
    table = service_answers.c
    row = transaction.connection.execute(
        sa.select(table.fingerprint, table.answer).where(
            table.key_id == key_id, table.key == key, table.expires_at > now
        )
    ).first()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise KeyReused
    return bytes(row.answer)


def add_answer(
    transaction: Transaction,
    key_id: str,
    key: str,
    fingerprint: str,
    answer: bytes,
    now: datetime,
    retention: timedelta = RETENTION,
) -> None:
    """Store the outcome of a request, and delete some that have expired."""
    connection, table = transaction.connection, service_answers
    connection.execute(sa.delete(table).where(table.c.key_id == key_id, table.c.key == key))
    connection.execute(
        sa.insert(table).values(
            key_id=key_id,
            key=key,
            fingerprint=fingerprint,
            answer=answer,
            expires_at=now + retention,
        )
    )
    connection.execute(_PURGE, {"now": now})
