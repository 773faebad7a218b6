"""Store unused invitations into households. Only the hash of a token is stored."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.household import Invitation
from useby.store.database import Transaction
from useby.store.schema import household_invitations as table

_COLUMNS: Final = (
    table.c.id,
    table.c.household_id,
    table.c.role,
    table.c.created_by,
    table.c.created_at,
    table.c.expires_at,
)


def add(transaction: Transaction, token_hash: str, new: Invitation) -> None:
    """Store an invitation. The caller has locked the household."""
    transaction.connection.execute(
        sa.insert(table).values(
            token_hash=token_hash,
            id=new.id,
            household_id=new.household_id,
            role=new.role,
            created_by=new.created_by,
            created_at=new.created_at,
            expires_at=new.expires_at,
        )
    )


def list_(connection: Connection, household_id: str, now: datetime) -> list[Invitation]:
    """Return the invitations of a household that can be used, oldest first."""
    rows = connection.execute(
        sa.select(*_COLUMNS)
        .where(table.c.household_id == household_id, table.c.expires_at > now)
        .order_by(table.c.created_at, table.c.id)
    )
    return [Invitation(*row) for row in rows]


def find(connection: Connection, token_hash: str, now: datetime) -> Invitation | None:
    """Return the invitation of a token; ``None`` if it was used, revoked or has expired."""
    row = connection.execute(
        sa.select(*_COLUMNS).where(table.c.token_hash == token_hash, table.c.expires_at > now)
    ).first()
    return None if row is None else Invitation(*row)


def delete(transaction: Transaction, household_id: str, invitation_id: str) -> bool:
    """Delete an invitation; return whether the household had it."""
    deleted = transaction.connection.execute(
        sa.delete(table).where(table.c.household_id == household_id, table.c.id == invitation_id)
    )
    return deleted.rowcount > 0


def delete_all(transaction: Transaction, household_id: str) -> None:
    """Delete all invitations of a household."""
    transaction.connection.execute(sa.delete(table).where(table.c.household_id == household_id))


def delete_of(transaction: Transaction, household_id: str, user_id: str) -> None:
    """Delete the invitations of a household that one member has made."""
    transaction.connection.execute(
        sa.delete(table).where(table.c.household_id == household_id, table.c.created_by == user_id)
    )


def purge(transaction: Transaction, household_id: str, now: datetime) -> None:
    """Delete the expired invitations of a household."""
    transaction.connection.execute(
        sa.delete(table).where(table.c.household_id == household_id, table.c.expires_at <= now)
    )
