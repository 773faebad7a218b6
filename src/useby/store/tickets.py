"""Store one-use WebSocket tickets until they are redeemed.

All nodes share them, so a ticket from one node opens a WebSocket once, at any node.
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
"""Expired tickets removed for each new ticket: more than are added, and few enough to be fast."""

_KEY: Final = (table.c.user_id, table.c.ticket_hash)
_SHOWN: Final = values_table(*_KEY)
# A locked ticket is being redeemed or purged, so there is no need to wait for it.
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
    .returning(
        *_KEY,
        table.c.session_id,
        table.c.issued_at,
        table.c.until,
        table.c.expires_at,
        table.c.scopes,
        table.c.household_id,
    )
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
    """The token that a ticket replaces, without its text."""

    user_id: str
    session_id: str | None
    """Id of the token's sign-in; ``None`` for an outside issuer's token."""
    issued_at: datetime
    """Time at which the token was issued."""
    token_expires_at: datetime
    """Time at which the token expires."""
    scopes: tuple[str, ...] = ()
    """Scopes of an API key; empty for any other token."""
    household_id: str | None = None
    """Household of an API key; ``None`` for any other token."""


def add(
    transaction: Transaction, ticket_hash: str, grant: TicketGrant, expires_at: datetime
) -> None:
    """Store a new ticket and its grant until ``expires_at``."""
    lock_users(transaction, grant.user_id)
    transaction.connection.execute(
        sa.insert(table).values(
            user_id=grant.user_id,
            ticket_hash=ticket_hash,
            session_id=grant.session_id,
            issued_at=grant.issued_at,
            until=grant.token_expires_at,
            expires_at=expires_at,
            scopes=grant.scopes,
            household_id=grant.household_id,
        )
    )


def redeem(
    transaction: Transaction, shown: Collection[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], TicketGrant]:
    """Redeem tickets.

    Args:
        transaction: The running write.
        shown: Pairs of a user id and a ticket's hash.
        now: The current time, aware.

    Returns:
        The grants of the valid tickets, by user id and hash. If the same ticket is redeemed
        several times, on any nodes and at any time, only one call gets its grant.
    """
    rows = transaction.connection.execute(
        _REDEEM, values_params(transaction.connection, *zip(*shown, strict=True))
    )
    return {
        (row.user_id, row.ticket_hash): TicketGrant(
            row.user_id,
            row.session_id,
            row.issued_at,
            row.until,
            row.scopes,
            row.household_id,
        )
        for row in rows
        if row.expires_at > now
    }


def purge(transaction: Transaction, now: datetime) -> int:
    """Delete some of the expired tickets; return their number."""
    return transaction.connection.execute(_PURGE, {"now": now}).rowcount
