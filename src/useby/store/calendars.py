"""Store calendars: secret addresses under which a calendar application reads a household's dates.

Only the hash of a secret is stored, so a copy of the database opens no calendar.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.lot import Lot
from useby.domain.product import Product
from useby.store import accounts, households
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.lots import LOT_COLUMNS, lot_of
from useby.store.product_rows import PRODUCT_COLUMNS, product_of
from useby.store.schema import calendars, lots, products

_MEMBER: Final = sa.func.coalesce(calendars.c.member_id, calendars.c.household_id)
_ONE_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar without its secret."""

    id: str
    created_at: datetime
    member_id: str
    """The member of the household who has it."""


@dataclass(frozen=True, slots=True)
class OpenedCalendar:
    """A calendar, as its secret opens it."""

    secret_hash: str
    stock: User
    """Owner of the stock whose dates it shows."""
    member: User
    """The member of the household who has it."""
    created_at: datetime
    view_hash: str | None
    """Hash of the policies, zones and language with which it was last read."""
    revised_at: datetime | None
    """Time at which these were first found to be others than before."""

    @property
    def revision(self) -> int:
        """Number that is larger after each revision."""
        if self.revised_at is None:
            return 0
        return (self.revised_at - self.created_at) // _ONE_SECOND


@dataclass(frozen=True, slots=True)
class DatedLot:
    """An open lot that has a date, with its product."""

    product: Product
    version: int
    """Number that rises with each write of the product."""
    lot: Lot


def add(
    transaction: Transaction, household_id: str, secret_hash: str, calendar: StoredCalendar
) -> None:
    """Store a new calendar. The caller has locked the owner (``accounts.lock_user``)."""
    transaction.connection.execute(
        sa.insert(calendars).values(
            secret_hash=secret_hash,
            household_id=household_id,
            id=calendar.id,
            created_at=calendar.created_at,
            member_id=None if calendar.member_id == household_id else calendar.member_id,
        )
    )


def list_(connection: Connection, household_id: str) -> list[StoredCalendar]:
    """Return the calendars of a household, of all its members, oldest first."""
    rows = connection.execute(
        sa.select(calendars.c.id, calendars.c.created_at, _MEMBER)
        .where(calendars.c.household_id == household_id)
        .order_by(calendars.c.created_at, calendars.c.id)
    )
    return [StoredCalendar(*row) for row in rows]


def delete(transaction: Transaction, household_id: str, member_id: str, calendar_id: str) -> bool:
    """Delete a calendar; return whether the member had it."""
    deleted = transaction.connection.execute(
        sa.delete(calendars).where(
            calendars.c.household_id == household_id,
            calendars.c.id == calendar_id,
            _MEMBER.in_([member_id]),
        )
    )
    return deleted.rowcount > 0


def opened(connection: Connection, secret_hash: str) -> OpenedCalendar | None:
    """Return the calendar that a secret opens; ``None`` if it opens none."""
    columns = (calendars.c.created_at, calendars.c.view_hash, calendars.c.revised_at)
    row = connection.execute(
        sa.select(calendars.c.household_id, _MEMBER, *columns).where(
            calendars.c.secret_hash == secret_hash
        )
    ).first()
    if row is None:
        return None
    household_id, member_id, *values = row
    stock = households.stock_owner(connection, household_id)
    member = accounts.user(connection, member_id)
    if stock is None or member is None or member.disabled_at is not None:
        return None
    return OpenedCalendar(secret_hash, stock, member, *values)


def revise(
    transaction: Transaction, calendar: OpenedCalendar, view_hash: str, now: datetime
) -> OpenedCalendar | None:
    """Record that a calendar is read with other policies, zones or another language than before.

    Each revision is at least a second later than the one before, also if the clock is set back.

    Returns:
        The calendar as it is now; ``None`` if it has been deleted.
    """
    connection, household_id = transaction.connection, calendar.stock.id
    lock_users(transaction, household_id)
    this = (
        calendars.c.household_id == household_id,
        calendars.c.secret_hash == calendar.secret_hash,
    )
    select = sa.select(calendars.c.view_hash, calendars.c.revised_at).where(*this)
    row = connection.execute(select).first()
    if row is None:
        return None
    revised_at = row.revised_at
    if row.view_hash != view_hash:  # otherwise another request has recorded it
        revised_at = max(now, (revised_at or calendar.created_at) + _ONE_SECOND)
        values = {"view_hash": view_hash, "revised_at": revised_at}
        connection.execute(sa.update(calendars).where(*this).values(values))
    return replace(calendar, view_hash=view_hash, revised_at=revised_at)


_DATED: Final = (
    sa.select(*PRODUCT_COLUMNS, products.c.version, *LOT_COLUMNS)
    .select_from(lots)
    .join(
        products,
        sa.and_(products.c.user_id == lots.c.household_id, products.c.id == lots.c.product_id),
    )
    .where(lots.c.closed_at.is_(None))
)
_FIRST_OF_LOT: Final = len(PRODUCT_COLUMNS) + 1


def dated_lots(connection: Connection, household_id: str, limit: int) -> list[DatedLot]:
    """Return open lots that have a date: the soonest days and the soonest instants.

    The caller has brought the lots of flat products in line.

    Args:
        connection: The connection to read with.
        household_id: The household.
        limit: Maximum number of lots dated by a day, and of those dated by an instant.
    """
    rows: list[sa.Row[Any]] = []
    for date in (lots.c.expires_on, lots.c.expires_at):
        select = _DATED.where(lots.c.household_id == household_id, date.is_not(None))
        rows += connection.execute(select.order_by(date, lots.c.id).limit(limit))
    return [
        DatedLot(product_of(row), row[_FIRST_OF_LOT - 1] or 0, lot_of(row[_FIRST_OF_LOT:]))
        for row in rows
    ]
