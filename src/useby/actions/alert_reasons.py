"""Read why a notification was sent: the policies that give its alerts, as they are now."""

from datetime import datetime

from useby.actions import households
from useby.domain.account import User
from useby.domain.alert_reasons import AlertReason, reasons_of
from useby.domain.household import UnknownHousehold
from useby.domain.notification import MOST_SHOWN, Cause, Draft, Notification
from useby.store import alert_members, lots, notification_items, notifications
from useby.store.database import Connection

_ALERTS = frozenset({Cause.EXPIRING, Cause.EXPIRED})
_TOGETHER = frozenset({Cause.SUMMARY, Cause.DIGEST})


def read(
    connection: Connection, user: User, notification_id: str, now: datetime
) -> list[AlertReason] | None:
    """Return why a notification was sent.

    Args:
        connection: The snapshot to read.
        user: The one who was notified.
        notification_id: The notification.
        now: The current time, aware.

    Returns:
        The reasons of its most urgent alerts, at most ``MOST_SHOWN`` of them; none for a
        notification without alerts, or about a household that the user has left. ``None`` if the
        user has no such notification.
    """
    found = notifications.get(connection, user.id, notification_id)
    if found is None:
        return None
    alerts = _alerts_of(connection, found)
    household_id = found.household_id or user.id
    stock = user
    if household_id != user.id or user.shares:
        try:
            stock, _ = households.stock_of(connection, user, household_id)
        except UnknownHousehold:
            return []
    products = list(dict.fromkeys(each.product_id for each in alerts if each.product_id))
    reader = alert_members.member_of(connection, user, stock, products, now)
    return _reasons(connection, reader, stock.id, alerts, found.created_at)


def _alerts_of(connection: Connection, found: Notification) -> list[Draft]:
    if found.event in _TOGETHER:
        return notification_items.alerts(connection, found.user_id, found.id, MOST_SHOWN)
    if found.event not in _ALERTS:
        return []
    return [
        Draft(
            found.user_id,
            found.message,
            found.kind,
            found.event,
            found.product_name,
            found.product_id,
            found.expires_on,
            found.days_left,
        )
    ]


def _reasons(
    connection: Connection, reader: User, household_id: str, alerts: list[Draft], at: datetime
) -> list[AlertReason]:
    keys = [(household_id, each.product_id or "") for each in alerts]
    stored = lots.stored(connection, keys)
    every = lots.all_lots_of(connection, keys)
    sent = {key: alert_members.sent_to(connection, reader, key) for key in stored}
    found: dict[AlertReason, None] = {}
    for key, alert in zip(keys, alerts, strict=True):
        if key in stored:
            product, its = stored[key].product, every.get(key, [])
            reasons = reasons_of(product, its, reader, sent[key], alert, at)
            found |= dict.fromkeys(reasons)
    return list(found)
