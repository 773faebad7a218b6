"""Build the extended JSON of a notification: frames of extended sessions, and webhooks."""

from datetime import UTC, datetime
from functools import lru_cache

from useby.domain.notification import Cause, Notification
from useby.schemas import frames as shapes


@lru_cache(maxsize=256)
def moment(at: datetime) -> str:
    """Return a time in UTC, in whole seconds. Cached, because many have the same second."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat()[:19] + "Z"


def extended(row: Notification) -> shapes.ExtendedNotification | shapes.Summary:
    """Return the extended form of a notification (section 8 of the protocol page)."""
    more: shapes.ExtendedNotification = {
        "id": row.id,
        "message": row.message,
        "type": row.kind.value,
        "productName": row.product_name,
        "created_at": moment(row.created_at),
        "seq": row.seq,
        "event": row.event.value,
        "productId": row.product_id,
        "expiresOn": row.expires_on.isoformat() if row.expires_on else None,
        "daysLeft": row.days_left,
        "readAt": moment(row.read_at) if row.read_at else None,
        "householdId": row.household,
    }
    if row.event not in (Cause.SUMMARY, Cause.DIGEST) and not row.items:
        return more
    items: list[shapes.Item] = [
        {
            "productId": item.product_id,
            "lotId": item.lot_id,
            "message": item.message,
            "severity": item.severity.value,
        }
        for item in row.items
    ]
    summary: shapes.Summary = {**more, "items": items}
    return summary
