"""Claim channels that have something to deliver.

A claim ends by itself, so that another node goes on when a worker is killed. Channels that other
transactions lock are left to them.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from uuid_utils import uuid7

from useby.domain.channel import Channel
from useby.domain.delivery import ChannelClaim, WorkerPlaces
from useby.store import channels
from useby.store.database import Transaction
from useby.store.schema import channels as table
from useby.store.schema import users
from useby.store.shown_pushes import ChannelKey

CLAIM_SECONDS: Final = 20.0
"""Time for which a claim lasts: an attempt takes at most half of it, and each row renews it."""
UNLIMITED: Final = WorkerPlaces()
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_MAY_REST: Final = users.c.deferral.is_not(None)
_ACTIVE: Final = sa.and_(table.c.user_id == users.c.id, users.c.disabled_at.is_(None))


class ChannelsDue(NamedTuple):
    """Times at which workers have to look at channels; ``None`` if there is no such channel."""

    fresh: datetime | None
    """That of channels whose last attempt was successful."""
    failing: datetime | None


def next_due(
    connection: Connection, fresh: WorkerPlaces = UNLIMITED, failing: WorkerPlaces = UNLIMITED
) -> ChannelsDue:
    """Return the earliest times at which channels are to be looked at.

    Args:
        connection: A connection.
        fresh: Places of channels whose last attempt was successful.
        failing: Places of the others.
    """
    earliest = sa.select(table.c.next_at).join(users, _ACTIVE).order_by(table.c.next_at).limit(1)
    at = [
        connection.scalar(earliest.where(table.c.next_at.is_not(None), *_group(places, fails)))
        for places, fails in ((fresh, False), (failing, True))
    ]
    return ChannelsDue(*at)


def claim(
    transaction: Transaction,
    now: datetime,
    most: int,
    *,
    failing: bool,
    places: WorkerPlaces = UNLIMITED,
    grace: timedelta = timedelta(),
    present: Collection[ChannelKey] = (),
) -> list[ChannelClaim]:
    """Claim channels that are to be looked at; those that another transaction locks are left.

    Args:
        transaction: The running write.
        now: The current time, aware.
        most: Maximum number of channels.
        failing: True for channels whose last attempt failed, false for the others.
        places: Places that users have in this group; those who have all are left out.
        grace: Time for which a channel that is for absent users is left to the nodes that have a
            device of the user.
        present: Channels of users who are at a device of this node, which are claimed in any case:
            within the grace only to skip what they have seen.
    """
    over = [~table.c.only_when_away, table.c.next_at <= now - grace]
    if present:
        over.append(sa.tuple_(table.c.user_id, table.c.id).in_(list(present)))
    claim_id = str(uuid7())
    rows = transaction.connection.execute(
        sa.select(table.c.next_at, table.c.failures, _MAY_REST, *channels.COLUMNS)
        .join(users, _ACTIVE)
        .where(table.c.next_at <= now, *_group(places, failing), sa.or_(*over))
        .order_by(table.c.next_at)
        .limit(most)
        .with_for_update(of=table, key_share=True, skip_locked=True)
    ).all()
    found = []
    for since, failures, may_rest, *columns in rows:
        channel = channels.from_columns(columns)
        until = _sends_until(channel, since, now, grace)
        found.append(ChannelClaim(claim_id, channel, failures, may_rest, until))
    fits = places.fitting(each.channel.user_id for each in found)
    claims = [each for each, has_place in zip(found, fits, strict=True) if has_place]
    if claims:
        transaction.connection.execute(
            sa.update(table)
            .where(table.c.user_id == sa.bindparam("owner"), table.c.id == sa.bindparam("channel"))
            .values(claim=claim_id, next_at=now + timedelta(seconds=CLAIM_SECONDS)),
            [{"owner": each.channel.user_id, "channel": each.channel.id} for each in claims],
        )
    return claims


def _group(places: WorkerPlaces, failing: bool) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of fresh or of failing channels, whose users can have a place."""
    group = [table.c.failures > 0 if failing else table.c.failures == 0, channels.IS_PRESENT]
    return [*group, table.c.user_id.not_in(places.full)] if places.full else group


def _sends_until(
    channel: Channel, since: datetime, now: datetime, grace: timedelta
) -> datetime | None:
    """Return ``ChannelClaim.sends_until`` of a channel that any node could claim since a time.

    A device that has a notification has those before it. So a node that did not claim the channel
    for its first row in the grace has no device with any row that was there at its beginning.
    """
    if not grace or not channel.only_when_away:
        return None
    return since if since <= now - grace else _NEVER
