"""Requests that may be sent twice and are carried out once, known by a key of their sender's.

The answer is kept in the transaction that carries the request out: a crash, or a connection that
is cut at the commit, loses both or neither. Semantics and words are those of
draft-ietf-httpapi-idempotency-key-header-07, sections 2.3 (expiry), 2.4 (fingerprint) and 2.6.
Repeats in parallel need no answer of their own (its 409): they wait for the one that came first.

A short answer is kept as it is. Of a long one only a receipt is kept: what was given out when the
request was carried out, 16 bytes for each notification. A repeat brings the rest of the answer
itself, since it has to be the same request. Nothing is read from the rows, so the answer is the
same bytes although notifications have been read or deleted since.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from useby.domain.notification import Draft, Notification
from useby.store.bulk import BulkWrite, CompiledStatement
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.schema import idempotency_keys as table
from useby.store.schema import users

RETENTION: Final = timedelta(hours=24)
"""How long a key stands for its first request."""
PURGED: Final = 100
"""Expired keys that one new key removes: more than come in, and never enough to be felt."""

WHOLE: Final = 1024
"""The longest answer that is kept as it is, in bytes: some three notifications."""

_RECEIPT: Final = struct.Struct(">Bqq")
"""The form's number, the moment in seconds since 1970, the first ``seq``; then the ids."""
_FORM: Final = 1
_ID_BYTES: Final = 16

_KEY: Final = (table.c.user_id == sa.bindparam("owner"), table.c.key == sa.bindparam("sent"))
_MOMENT: Final = table.c.expires_at.type
_FIND: Final = CompiledStatement(
    sa.select(table.c.fingerprint, table.c.answer).where(
        *_KEY, table.c.expires_at > sa.bindparam("now", type_=_MOMENT)
    )
)
_FORGET: Final = CompiledStatement(sa.delete(table).where(*_KEY))
_KEEP: Final = BulkWrite(
    table.c.user_id, table.c.key, table.c.fingerprint, table.c.answer, table.c.expires_at
)
_EXPIRED: Final = (
    sa.select(table.c.user_id, table.c.key)
    .where(table.c.expires_at <= sa.bindparam("now", type_=_MOMENT))
    .join(users, users.c.id == table.c.user_id)
    .order_by(table.c.expires_at)
    .limit(PURGED)
    # A purge counts in the usage of its keys' owners, whose rows are not waited for.
    .with_for_update(of=(table, users), key_share=True, skip_locked=True)
)
_PURGE: Final = sa.delete(table).where(sa.tuple_(table.c.user_id, table.c.key).in_(_EXPIRED))


class KeyReused(Exception):  # noqa: N818 - said as the caller sees it
    """The key stands for another request."""


def short(answer: bytes) -> bool:
    """Whether an answer is kept as it is."""
    return len(answer) <= WHOLE


def receipt(kept: Sequence[Notification]) -> bytes:
    """Write down what notifications of one request were given when they were kept.

    Args:
        kept: The notifications, of one user and in the order of their numbers.
    """
    first = (round(kept[0].created_at.timestamp()), kept[0].seq) if kept else (0, 0)
    return _RECEIPT.pack(_FORM, *first) + b"".join(UUID(each.id).bytes for each in kept)


def by_receipt(written: bytes, drafts: Sequence[Draft]) -> list[Notification]:
    """Make the notifications again that a request was answered with.

    Args:
        written: Their receipt.
        drafts: The notifications that the repeated request asks for.

    Raises:
        KeyReused: It is the receipt of another number of notifications.
    """
    _, seconds, first = _RECEIPT.unpack_from(written)
    ids = written[_RECEIPT.size :]
    if len(ids) != _ID_BYTES * len(drafts):  # a version in between reads requests differently
        raise KeyReused
    created = datetime.fromtimestamp(seconds, UTC)
    return [
        draft.kept(
            str(UUID(bytes=ids[number * _ID_BYTES : (number + 1) * _ID_BYTES])),
            first + number,
            created,
        )
        for number, draft in enumerate(drafts)
    ]


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that came with a key."""

    user_id: str
    key: str
    """Unique among the user's; at most 255 characters."""
    fingerprint: str
    """What tells this request from another one, at most 64 characters."""


def once(
    transaction: Transaction,
    request: IdempotentRequest,
    work: Callable[[Transaction], bytes],
    now: datetime,
) -> bytes:
    """Carry a request out, unless that has been done: then only give again what was kept of it.

    Args:
        transaction: The write under way.
        request: The request.
        work: Carries it out and gives what is to be kept: the answer, or a receipt.
        now: The moment, aware.

    Returns:
        What ``work`` gave, now or the first time.

    Raises:
        KeyReused: The key stands for another request of the last 24 hours.
    """
    connection = transaction.connection
    key = {"owner": request.user_id, "sent": request.key}
    lock_users(transaction, request.user_id)  # repeats wait here, and then find what was kept
    found = _FIND(connection, **key, now=now).first()
    if found is not None:
        kept = bytes(found.answer)
        if found.fingerprint != _marked(request.fingerprint, kept):
            raise KeyReused
        return kept
    kept = work(transaction)
    _FORGET(connection, **key)  # it may have expired and be here still
    _KEEP(connection, [(*key.values(), _marked(request.fingerprint, kept), kept, now + RETENTION)])
    purge(transaction, now)
    return kept


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some of the keys that have expired, and return their number.

    Each new key causes a purge: on a node that takes an outside issuer's tokens nobody signs in.
    """
    return transaction.connection.execute(_PURGE, {"now": now}).rowcount


def is_receipt(kept: bytes) -> bool:
    """Whether a receipt was kept, and not the answer itself (JSON)."""
    return kept[:1] == bytes([_FORM])


def _marked(fingerprint: str, kept: bytes) -> str:
    """The fingerprint under which something is kept.

    A receipt has one of its own. A node of the version before, which would send the receipt as the
    answer, takes it for another request's and refuses the repeat (422).
    """
    return f"r{fingerprint[1:]}" if is_receipt(kept) else fingerprint
