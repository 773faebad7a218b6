"""Requests that may be sent twice and are carried out once, known by a key of their sender's.

What a request was answered is kept in the very transaction that carries it out: a crash, or a
connection that is cut at the commit, loses both or neither. Semantics and words are those of
draft-ietf-httpapi-idempotency-key-header-07, sections 2.3 (expiry), 2.4 (fingerprint) and 2.6.
Repeats in parallel need no answer of their own (its 409): they wait for the one that came first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from useby.store.engine import Transaction
from useby.store.owners import hold
from useby.store.rows import Prepared, Write
from useby.store.schema import idempotency_keys as table

KEPT: Final = timedelta(hours=24)
"""How long a key stands for its first request."""
PURGED: Final = 100
"""Expired keys that one new key removes: more than come in, and never enough to be felt."""

_KEY: Final = (table.c.user_id == sa.bindparam("owner"), table.c.key == sa.bindparam("sent"))
_MOMENT: Final = table.c.expires_at.type
_FIND: Final = Prepared(
    sa.select(table.c.fingerprint, table.c.answer).where(
        *_KEY, table.c.expires_at > sa.bindparam("now", type_=_MOMENT)
    )
)
_FORGET: Final = Prepared(sa.delete(table).where(*_KEY))
_KEEP: Final = Write(
    table.c.user_id, table.c.key, table.c.fingerprint, table.c.answer, table.c.expires_at
)
_EXPIRED: Final = (
    sa.select(table.c.user_id, table.c.key)
    .where(table.c.expires_at <= sa.bindparam("now", type_=_MOMENT))
    .order_by(table.c.expires_at)
    .limit(PURGED)
    .with_for_update(skip_locked=True)
)
_PURGE: Final = sa.delete(table).where(sa.tuple_(table.c.user_id, table.c.key).in_(_EXPIRED))


class KeyReused(Exception):  # noqa: N818 - said as the caller sees it
    """The key stands for another request."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that came with a key."""

    user_id: str
    key: str
    """Unique among the user's; at most 255 characters."""
    fingerprint: str
    """What tells this request from another one, at most 64 characters."""


def once(
    transaction: Transaction, request: Keyed, work: Callable[[Transaction], bytes], now: datetime
) -> bytes:
    """Carry a request out, unless that has been done: then only give its answer again.

    Args:
        transaction: The write under way.
        request: The request.
        work: Carries it out and gives the answer.
        now: The moment, aware.

    Raises:
        KeyReused: The key stands for another request of the last 24 hours.
    """
    connection = transaction.connection
    key = {"owner": request.user_id, "sent": request.key}
    hold(transaction, request.user_id)  # repeats wait here, and then find what was kept
    found = _FIND(connection, **key, now=now).first()
    if found is not None:
        if found.fingerprint != request.fingerprint:
            raise KeyReused
        return bytes(found.answer)
    answer = work(transaction)
    _FORGET(connection, **key)  # it may have expired and be here still
    _KEEP(connection, [(*key.values(), request.fingerprint, answer, now + KEPT)])
    purge(transaction, now)
    return answer


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some of the keys that have expired; how many.

    Whoever keeps a key does it: on a node that takes an outside issuer's tokens nobody signs in.
    """
    return transaction.connection.execute(_PURGE, {"now": now}).rowcount
