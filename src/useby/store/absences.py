"""Find channels whose next notification a node may skip, as their user is at a device there."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.channel import DeliveryState
from useby.store import channels
from useby.store.schema import channels as table
from useby.store.schema import outbox
from useby.store.shown_pushes import ChannelKey

ChannelPosition = tuple[datetime, str, str]
"""Time at which a channel is to be looked at, its user and its id."""
_ORDER: Final = (table.c.next_at, table.c.user_id, table.c.id)


class Absence(NamedTuple):
    """A channel that is due only if its user is away."""

    key: ChannelKey
    seq: int
    """``seq`` of its first pending notification; 0 if it has none, which any device has seen."""
    presence: timedelta
    """Time for which the user is at a device after the last frame of its client."""
    place: ChannelPosition
    """Position in the order of channels."""


def absences(
    connection: Connection,
    now: datetime,
    grace: timedelta,
    most: int,
    after: ChannelPosition | None = None,
) -> list[Absence]:
    """Return channels in their grace, in which a node that has the user's device may skip a row.

    Args:
        connection: A connection.
        now: The current time, aware.
        grace: Length of the grace.
        most: Maximum number of channels.
        after: Position behind which the list begins.
    """
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
        sa.select(seq, table.c.next_at, *channels.COLUMNS)
        .where(
            table.c.next_at <= now,
            table.c.next_at > now - grace,
            table.c.only_when_away,
            channels.IS_PRESENT,
            sa.true() if after is None else sa.tuple_(*_ORDER) > sa.tuple_(*_bound(after)),
        )
        .order_by(*_ORDER)
        .limit(most)
    )
    found = [(first, at, channels.from_columns(columns)) for first, at, *columns in rows]
    return [
        Absence(each.key, first or 0, each.presence, (at, *each.key)) for first, at, each in found
    ]


def _bound(place: ChannelPosition) -> list[sa.ColumnElement[Any]]:
    return [sa.literal(value, column.type) for value, column in zip(place, _ORDER, strict=True)]
