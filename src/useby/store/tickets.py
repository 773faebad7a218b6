"""One-use tickets for the socket: what each stands for, until somebody shows it.

Kept where every node finds them, so that a ticket of one opens the socket at any other, and once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from useby.store.bulk import values_params, values_table
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.schema import tickets as table

PURGED: Final = 100
"""Expired tickets that one new ticket removes: more than come in, and never enough to be felt."""

_KEY: Final = (table.c.user_id, table.c.ticket_hash)
_SHOWN: Final = values_table(*_KEY)
# Who finds a ticket locked need not wait: it is being spent, or purged.
_LIVE: Final = (
    sa.select(*_KEY)
    .join(
        _SHOWN,
        sa.and_(_SHOWN.c.user_id == table.c.user_id, _SHOWN.c.ticket_hash == table.c.ticket_hash),
    )
    .with_for_update(of=table, skip_locked=True)
)
_REDEEM: Final = (
    sa.delete(table)
    .where(sa.tuple_(*_KEY).in_(_LIVE))
    .returning(*_KEY, table.c.session_id, table.c.issued_at, table.c.until, table.c.expires_at)
)
_EXPIRED: Final = (
    sa.select(*_KEY)
    .where(table.c.expires_at <= sa.bindparam("now", type_=table.c.expires_at.type))
    .order_by(table.c.expires_at)
    .limit(PURGED)
    .with_for_update(skip_locked=True)
)
_PURGE: Final = sa.delete(table).where(sa.tuple_(*_KEY).in_(_EXPIRED))


@dataclass(frozen=True, slots=True)
class TicketGrant:
    """What a ticket stands for: a token, without its text."""

    user_id: str
    session_id: str | None
    """The token's sign-in; ``None`` for an outside issuer's."""
    issued_at: datetime
    """When the token was issued."""
    token_expires_at: datetime
    """When the token ends."""


def keep(
    transaction: Transaction, ticket_hash: str, stake: TicketGrant, expires_at: datetime
) -> None:
    """Keep what a new ticket stands for, until ``expires_at``."""
    lock_users(transaction, stake.user_id)
    transaction.connection.execute(
        sa.insert(table).values(
            user_id=stake.user_id,
            ticket_hash=ticket_hash,
            session_id=stake.session_id,
            issued_at=stake.issued_at,
            until=stake.token_expires_at,
            expires_at=expires_at,
        )
    )


def redeem(
    transaction: Transaction, shown: Collection[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], TicketGrant]:
    """Spend tickets.

    Args:
        transaction: The write under way.
        shown: Their owners and hashes.
        now: The moment, aware.

    Returns:
        What those that were good stand for, by owner and hash. Of several calls that are shown
        the same ticket, on whatever nodes and however close, one finds it.
    """
    rows = transaction.connection.execute(
        _REDEEM, values_params(transaction.connection, *zip(*shown, strict=True))
    )
    return {
        (row.user_id, row.ticket_hash): TicketGrant(
            row.user_id, row.session_id, row.issued_at, row.until
        )
        for row in rows
        if row.expires_at > now
    }


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some of the tickets that nobody has shown in time; how many."""
    return transaction.connection.execute(_PURGE, {"now": now}).rowcount
