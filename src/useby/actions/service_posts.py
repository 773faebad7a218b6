"""Post notifications of a service to any users, each with its own outcome."""

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from useby.domain.account import TokenRefused, TokenStatus
from useby.domain.notification import Draft, Notification
from useby.domain.quota import Limits, Quota, QuotaReached, Usage
from useby.store import accounts, notifications, service_posts
from useby.store.database import Transaction
from useby.store.locks import lock_each_user

_ITEM: Final = struct.Struct(">Bq16s")
"""Code of the outcome, ``seq``, id."""
_SECONDS: Final = struct.Struct(">q")
_STORED, _UNKNOWN, _FULL = 0, 1, 2
"""Codes of outcomes; from ``_FULL`` on, the place of the quota in ``Quota``."""
_QUOTAS: Final = tuple(Quota)


class Unknown:
    """Result of a notification to a user who does not exist or is disabled."""


UNKNOWN: Final = Unknown()
ServiceOutcome = Notification | Unknown | QuotaReached


@dataclass(frozen=True, slots=True)
class Addressed:
    """A notification to the user with an id, or else with an e-mail; its draft names nobody."""

    draft: Draft
    user_id: str | None = None
    email: str | None = None


class ServiceRequest(NamedTuple):
    """A request of a service."""

    key_id: str
    """Id of its service key."""
    idempotency_key: str | None
    fingerprint: str
    """Text that differs between different requests, at most 64 characters."""


def post(
    transaction: Transaction,
    request: ServiceRequest,
    items: Sequence[Addressed],
    *,
    limits: Limits,
    now: datetime,
) -> list[ServiceOutcome]:
    """Store the notifications whose user exists and has room; once, if the request has a key.

    Raises:
        TokenRefused: The service key has been deleted.
        KeyReused: The ``Idempotency-Key`` belongs to a different request.
    """
    key_id, key, fingerprint = request
    if not service_posts.key_exists(transaction, key_id, alone=key is not None):
        raise TokenRefused(TokenStatus.REVOKED)
    if key is None:
        return _post(transaction, items, limits, now)
    stored = service_posts.answer_of(transaction, key_id, key, fingerprint, now)
    if stored is not None:
        return _outcomes(stored, items, limits)
    outcomes = _post(transaction, items, limits, now)
    service_posts.add_answer(transaction, key_id, key, fingerprint, _receipt(outcomes, now), now)
    return outcomes


def _post(
    transaction: Transaction, items: Sequence[Addressed], limits: Limits, now: datetime
) -> list[ServiceOutcome]:
    ids, by_email = service_posts.users_by_address(
        transaction.connection,
        {each.user_id for each in items if each.user_id is not None},
        {each.email for each in items if each.email is not None},
    )
    owners = [
        by_email.get(each.email)
        if each.email is not None
        else each.user_id
        if each.user_id in ids
        else None
        for each in items
    ]
    users = sorted({owner for owner in owners if owner is not None})
    lock_each_user(transaction, users)
    checks = accounts.check_tokens(transaction.connection, [(user, None, now) for user in users])
    usages = dict(zip(users, checks, strict=True))
    counts: Counter[str] = Counter()
    outcomes: list[ServiceOutcome] = [UNKNOWN] * len(items)
    accepted: list[tuple[int, Draft]] = []
    for place, (item, owner) in enumerate(zip(items, owners, strict=True)):
        if owner is None:
            continue
        usage = Usage(0, usages[owner].unread, usages[owner].bytes)
        reached = limits.reached(usage, unread=counts[owner] + 1)
        if reached is not None:
            outcomes[place] = reached
            continue
        counts[owner] += 1
        accepted.append((place, item.draft._replace(user_id=owner)))
    added = notifications.add(transaction, [draft for _, draft in accepted], now)
    for (place, _), notification in zip(accepted, added, strict=True):
        outcomes[place] = notification
    return outcomes


def _receipt(outcomes: Sequence[ServiceOutcome], now: datetime) -> bytes:
    """Return the values assigned in a request, 25 bytes for each item."""
    packed = [_SECONDS.pack(int(now.timestamp()))]
    for each in outcomes:
        if isinstance(each, Notification):
            packed.append(_ITEM.pack(_STORED, each.seq, UUID(each.id).bytes))
        else:
            code = _UNKNOWN if isinstance(each, Unknown) else _FULL + _QUOTAS.index(each.quota)
            packed.append(_ITEM.pack(code, 0, bytes(16)))
    return b"".join(packed)


def _outcomes(receipt: bytes, items: Sequence[Addressed], limits: Limits) -> list[ServiceOutcome]:
    """Return the outcomes of the first request; the rest of them is in its repeat."""
    created = datetime.fromtimestamp(_SECONDS.unpack_from(receipt)[0], UTC)
    found: list[ServiceOutcome] = []
    rows = _ITEM.iter_unpack(receipt[_SECONDS.size :])
    for (code, seq, id_), item in zip(rows, items, strict=True):
        if code == _STORED:
            found.append(item.draft.kept(str(UUID(bytes=id_)), seq, created))
        elif code == _UNKNOWN:
            found.append(UNKNOWN)
        else:
            quota = _QUOTAS[code - _FULL]
            found.append(QuotaReached(quota, getattr(limits, quota.value)))
    return found
