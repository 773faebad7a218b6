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

from useby.store.engine import Transaction
from useby.store.schema import utc_text

KEPT: Final = timedelta(hours=24)
"""How long a key stands for its first request."""
PURGED: Final = 100
"""Expired keys that one new key removes: more than come in, and never enough to be felt."""

_FIND: Final = (
    "SELECT fingerprint, answer FROM idempotency_keys"
    " WHERE user_id = ? AND key = ? AND expires_at > ?"
)
_KEEP: Final = (
    "INSERT INTO idempotency_keys (user_id, key, fingerprint, answer, expires_at)"
    " VALUES (?,?,?,?,?) ON CONFLICT (user_id, key) DO UPDATE SET"
    " fingerprint = excluded.fingerprint, answer = excluded.answer,"
    " expires_at = excluded.expires_at"  # one that has expired may be here still
)
_PURGE: Final = (
    "DELETE FROM idempotency_keys WHERE (user_id, key) IN (SELECT user_id, key"
    " FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
)


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
    key = (request.user_id, request.key)
    stamp = utc_text(now)
    found = connection.exec_driver_sql(_FIND, (*key, stamp)).first()
    if found is not None:
        fingerprint, answer = found
        if fingerprint != request.fingerprint:
            raise KeyReused
        return bytes(answer)
    answer = work(transaction)
    connection.exec_driver_sql(_KEEP, (*key, request.fingerprint, answer, utc_text(now + KEPT)))
    purge(transaction, now)
    return answer


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some of the keys that have expired; how many.

    Whoever keeps a key does it: on a node that takes an outside issuer's tokens nobody signs in.
    """
    return transaction.connection.exec_driver_sql(_PURGE, (utc_text(now), PURGED)).rowcount
