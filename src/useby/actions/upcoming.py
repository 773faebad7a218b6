"""List the alerts that are still to come for one of a user's products."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from useby.actions import stock
from useby.domain.account import User
from useby.domain.alerts import SentAlerts
from useby.domain.lot import LotState
from useby.domain.lot_plans import may_repeat, plan
from useby.domain.movement import Movement
from useby.domain.upcoming import Upcoming, upcoming
from useby.store import alert_members, alerts, households, lots, unread_alerts
from useby.store.database import Connection, Database, Transaction
from useby.store.lots import StoredProduct


@dataclass(frozen=True, slots=True)
class _AlertInputs:
    stored: StoredProduct
    history: Sequence[Movement]
    reader: User
    """The person who gets the alerts."""
    sent: SentAlerts
    unread: Collection[str]
    """Lots of which the newest alert on expiry is unread."""
    since: datetime | None
    """Time of the scheduler's next look, if that is overdue."""


async def alerts_of(
    database: Database, user: User, owner: User, product_id: str, now: datetime
) -> list[Upcoming] | None:
    """Return the alerts that are still to come for a product, by time.

    Args:
        database: The database.
        user: The person who gets them.
        owner: The owner of the stock, whose household the person is a member of.
        product_id: The product.
        now: The current time, aware.

    Returns:
        The alerts; ``None`` if the household has no such product.
    """
    found = await database.read(lambda c: _read(c, user, owner, product_id, now), user_id=user.id)
    if found is not None and found.stored.version is None:
        # The lots of a flat row get their ids when they are brought in line.
        await database.write(lambda t: _bring_in_line(t, owner, product_id))
        found = await database.read(
            lambda c: _read(c, user, owner, product_id, now), user_id=user.id
        )
    if found is None:
        return None
    # The scheduler computes these dates again, too: the zone may have changed.
    current = stock.computed_again(found.stored, found.history, owner) if found.history else None
    theirs = found.stored.lots if current is None else current.lots
    product, reader, sent = found.stored.product, found.reader, found.sent
    return upcoming(product, theirs, reader, sent, now, unread=found.unread, since=found.since)


def _read(
    connection: Connection, user: User, owner: User, product_id: str, now: datetime
) -> _AlertInputs | None:
    key = (owner.id, product_id)
    stored = lots.stored(connection, [key]).get(key)
    if stored is None:
        return None
    moved = any(lot.state is not LotState.SEALED for lot in stored.lots)
    history = lots.history(connection, key) if moved else ()
    reader = alert_members.member_of(connection, user, owner, [product_id], now)
    sent = alert_members.sent_to(connection, reader, key)
    repeats = may_repeat(plan(stored.product, stored.lots, reader))
    about = (reader.id, product_id)
    unread = unread_alerts.unread_expired_lots(connection, [about]) if repeats else {}
    look_at = None if reader.deferral is None else alerts.due_times(connection, [key]).get(key)
    since = None if look_at is None else min(look_at, now)
    return _AlertInputs(stored, history, reader, sent, unread.get(about, ()), since)


def _bring_in_line(transaction: Transaction, owner: User, product_id: str) -> None:
    locked = households.lock(transaction, owner.id)
    if locked is not None:
        stock.load(transaction, locked, [product_id])
