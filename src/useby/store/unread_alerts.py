"""Find the lots whose alert on expiry nobody has read yet; only those are repeated."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.notification import Cause
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.schema import notification_items as items
from useby.store.schema import notifications

_GIVEN_PRODUCTS: Final = values_table(notifications.c.user_id, notifications.c.product_id)
_EXPIRED: Final = PackedSelect(
    sa.select(
        notifications.c.user_id,
        notifications.c.product_id,
        notifications.c.seq,
        notifications.c.lot_ids,
        notifications.c.read_at,
    ).where(
        sa.tuple_(notifications.c.user_id, notifications.c.product_id).in_(
            sa.select(*_GIVEN_PRODUCTS.c)
        ),
        notifications.c.event == sa.literal_column(f"'{Cause.EXPIRED}'"),
    )
)
_EXPIRED_ITEMS: Final = PackedSelect(
    sa.select(
        items.c.user_id,
        items.c.product_id,
        notifications.c.seq,
        items.c.lot_id,
        notifications.c.read_at,
    )
    .join(
        notifications,
        sa.and_(
            notifications.c.user_id == items.c.user_id,
            notifications.c.id == items.c.notification_id,
        ),
    )
    .where(
        sa.tuple_(items.c.user_id, items.c.product_id).in_(sa.select(*_GIVEN_PRODUCTS.c)),
        items.c.event == sa.literal_column(f"'{Cause.EXPIRED}'"),
    )
)


def unread_expired_lots(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], set[str]]:
    """Return, by user and product, the lots of which the newest alert on expiry is unread."""
    if not keys:
        return {}
    given = values_params(connection, *zip(*keys, strict=True))
    rows = [
        *_EXPIRED(connection, **given),
        *((*key, seq, (lot,), at) for *key, seq, lot, at in _EXPIRED_ITEMS(connection, **given)),
    ]
    newest = {
        (owner, product_id, lot_id): read_at is None
        for owner, product_id, _, lot_ids, read_at in sorted(rows, key=itemgetter(2))
        for lot_id in lot_ids
    }
    found: dict[tuple[str, str], set[str]] = {}
    for (owner, product_id, lot_id), is_unread in newest.items():
        if is_unread:
            found.setdefault((owner, product_id), set()).add(lot_id)
    return found
