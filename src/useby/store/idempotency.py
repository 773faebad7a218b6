"""Run a request once although it may be sent twice, identified by a key of the client's.

The response is stored in the transaction that runs the request: a crash, or a connection that
is cut at the commit, loses both or neither. Semantics and terms are those of
draft-ietf-httpapi-idempotency-key-header-07, sections 2.3 (expiry), 2.4 (fingerprint) and 2.6.
Concurrent repeats need no response of their own (its 409): they wait for the first request.

A short response is stored as it is. For a long one only a receipt is stored: the values assigned
when the request ran, 16 bytes for each notification. The rest of the response comes from the
repeat, since it has to be the same request. The long response to a change of stock has a movement
for each lot, whose ids and quantities are not in the request: it is stored compressed, in less than
100 bytes a movement. No rows are read, so a repeated response has the same bytes even if what it
shows has been read or deleted since.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from useby.domain.notification import Draft, Notification
from useby.store.bulk import CompiledStatement
from useby.store.bulk_write import BulkWrite
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.schema import idempotency_keys as table
from useby.store.schema import users

RETENTION: Final = timedelta(hours=24)
"""Lifetime of a key."""
PURGED: Final = 100
"""Expired keys removed for each new key: more than are added, and few enough to be fast."""

WHOLE: Final = 1024
"""Maximum size in bytes of a response stored as it is: some three notifications."""

_RECEIPT: Final = struct.Struct(">Bqq")
"""Format number, time in seconds since 1970, first ``seq``; the ids follow."""
_FORM: Final = 1
_PACKED: Final = b"\x02"
"""First byte of a compressed response; a receipt begins with ``_FORM``, and no text with either."""
_ID_BYTES: Final = 16

_KEY: Final = (table.c.user_id == sa.bindparam("owner"), table.c.key == sa.bindparam("sent"))
_MOMENT: Final = table.c.expires_at.type
_FIND: Final = CompiledStatement(
    sa.select(
        table.c.fingerprint,
        table.c.answer,
        (table.c.expires_at > sa.bindparam("now", type_=_MOMENT)).label("is_valid"),
    ).where(*_KEY)
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
    .limit(sa.literal_column(str(PURGED)))
    .offset(sa.literal_column("0"))  # SQLAlchemy would add it on SQLite, as a parameter
    # A purge changes the usage rows of the keys' owners, so it skips owners that are locked.
    .with_for_update(of=(table, users), key_share=True, skip_locked=True)
)
_PURGE: Final = CompiledStatement(
    sa.delete(table).where(sa.tuple_(table.c.user_id, table.c.key).in_(_EXPIRED))
)


class KeyReused(Exception):  # noqa: N818 - callers see this name
    """The key belongs to a different request."""


def short(answer: bytes) -> bool:
    """Return whether a response is short enough to be stored as it is."""
    return len(answer) <= WHOLE


def receipt(kept: Sequence[Notification]) -> bytes:
    """Return the values assigned to the notifications of one request, in binary form.

    Args:
        kept: The notifications of one user, by ``seq``.
    """
    first = (round(kept[0].created_at.timestamp()), kept[0].seq) if kept else (0, 0)
    return _RECEIPT.pack(_FORM, *first) + b"".join(UUID(each.id).bytes for each in kept)


def by_receipt(written: bytes, drafts: Sequence[Draft]) -> list[Notification]:
    """Rebuild the notifications with which a request was answered.

    Args:
        written: Their receipt.
        drafts: The notifications in the repeated request.

    Raises:
        KeyReused: The receipt is of a different number of notifications.
    """
    _, seconds, first = _RECEIPT.unpack_from(written)
    ids = written[_RECEIPT.size :]
    if len(ids) != _ID_BYTES * len(drafts):  # a newer version may parse the request differently
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


def packed(answer: bytes) -> bytes:
    """Return a response as it is stored: a long one is compressed."""
    return answer if short(answer) else _PACKED + zlib.compress(answer)


def unpacked(kept: bytes) -> bytes:
    """Return the response that ``packed`` has stored."""
    return zlib.decompress(kept[1:]) if kept[:1] == _PACKED else kept


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that has an idempotency key."""

    user_id: str
    key: str
    """Unique for the user; at most 255 characters."""
    fingerprint: str
    """Text that differs between different requests, at most 64 characters."""


def once(
    transaction: Transaction,
    request: IdempotentRequest,
    work: Callable[[Transaction], bytes],
    now: datetime,
) -> bytes:
    """Run a request, or return the stored result if it already ran.

    Args:
        transaction: The running write.
        request: The request.
        work: Function that runs it and returns the result to store: the response, or a receipt.
        now: The current time, aware.

    Returns:
        The result of ``work``, from now or from the first time.

    Raises:
        KeyReused: The key belongs to a different request of the last 24 hours.
    """
    connection = transaction.connection
    key = {"owner": request.user_id, "sent": request.key}
    lock_users(transaction, request.user_id)  # repeats wait here, then find the stored result
    row = _FIND(connection, **key, now=now).first()
    if row is not None and row.is_valid:
        kept = bytes(row.answer)
        if row.fingerprint != _marked(request.fingerprint, kept):
            raise KeyReused
        return kept
    kept = work(transaction)
    if row is not None:
        _FORGET(connection, **key)
    _KEEP(connection, [(*key.values(), _marked(request.fingerprint, kept), kept, now + RETENTION)])
    purge(transaction, now)
    return kept


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some of the expired keys, and return their number.

    Each new key causes a purge, because sign-ins do not purge on a node that accepts the tokens of
    an outside issuer.
    """
    return _PURGE(transaction.connection, now=now).rowcount


def is_receipt(kept: bytes) -> bool:
    """Return whether a stored result is a receipt and not the response itself (JSON)."""
    return kept[:1] == bytes([_FORM])


def _marked(fingerprint: str, kept: bytes) -> str:
    """Return the fingerprint under which a result is stored.

    A receipt or a compressed response has a fingerprint of its own. A node of an older version,
    which would send it as the response, takes it for a different request's and refuses the repeat
    (422).
    """
    is_text = not (is_receipt(kept) or kept[:1] == _PACKED)
    return fingerprint if is_text else f"r{fingerprint[1:]}"
