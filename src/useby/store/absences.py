"""Find channels whose next notification a node may skip, as their user is at a device there."""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.channel import DeliveryState
from useby.store import channels
from useby.store.schema import channels as table
from useby.store.schema import outbox
from useby.store.shown_pushes import Key


class Absence(NamedTuple):
    """A channel that is due only if its user is away."""

    key: Key
    seq: int
    """``seq`` of its first pending notification."""
    presence: timedelta
    """Time for which the user is at a device after the last frame of its client."""


def absences(connection: Connection, now: datetime, grace: timedelta, most: int) -> list[Absence]:
    """Return channels in their grace, in which a node that has the user's device may skip a row."""
    seq = (
        sa.select(sa.func.min(outbox.c.seq))
        .where(
            outbox.c.user_id == table.c.user_id,
            outbox.c.channel_id == table.c.id,
            outbox.c.state == DeliveryState.PENDING,
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(seq, *channels.COLUMNS)
        .where(table.c.next_at <= now, table.c.next_at > now - grace, table.c.only_when_away)
        .order_by(table.c.next_at)
        .limit(most)
    )
    found = [(row[0], channels.from_columns(row[1:])) for row in rows]
    return [
        Absence((each.user_id, each.id), first, each.presence)
        for first, each in found
        if first is not None
    ]
