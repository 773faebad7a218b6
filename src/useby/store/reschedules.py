"""Start work that the scheduler does in slices (``store.slices``), above all checking of alerts."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AlertScheduled
from useby.store import alert_holds
from useby.store.column_types import UtcDateTime
from useby.store.database import Transaction
from useby.store.schema import members, unfinished

_BEGIN: Final = sa.text(
    "INSERT INTO unfinished (user_id, work, after, since)"
    " SELECT users.id, :work, '', coalesce(:since, users.created_at)"
    " FROM users WHERE users.id = :user_id"
    # Members of a household may reschedule it at the same time.
    " ON CONFLICT (user_id, work) DO UPDATE SET after = ''"
).bindparams(sa.bindparam("since", type_=UtcDateTime()))


class Unfinished(StrEnum):
    """Kind of work whose progress the table ``unfinished`` stores."""

    DELETE = "delete"
    RESCHEDULE = "reschedule"
    EMPTY = "empty"
    """Deletion of a household's stock; ``after`` is the newest id that a product of it has."""
    VACATE = "vacate"
    """Deletion of an account whose household others share. A node of a version without households
    would delete these with the account: it looks for ``DELETE`` alone."""
    LEAVE = "leave"
    """End of what the user has of households that they have left (``store.leaving``)."""
    CHANNELS = "channels"
    """Deletion of channels with many deliveries (``store.channels``)."""


def is_deletion(work: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that work is the deletion of an account."""
    return sa.or_(work == Unfinished.DELETE.value, work == Unfinished.VACATE.value)


def reschedule(transaction: Transaction, user_id: str, now: datetime) -> None:
    """Let the scheduler check every open product of the user's households, a slice at a time.

    Rescheduling that is already in progress starts again. The cost of this call does not depend on
    the number of products.
    """
    for household_id in sorted({user_id, *transaction.connection.scalars(_shared_by(user_id))}):
        begin(transaction.connection, household_id, Unfinished.RESCHEDULE, now)
    alert_holds.begin(transaction, user_id, now)  # what falls due by it falls due together
    transaction.publish(AlertScheduled(now))


def reschedule_household(transaction: Transaction, household_id: str, now: datetime) -> None:
    """Let the scheduler check every open product of a household, as ``reschedule`` does.

    The household must be locked with its members.
    """
    connection = transaction.connection
    begin(connection, household_id, Unfinished.RESCHEDULE, now)
    its = sa.select(members.c.user_id).where(members.c.household_id == household_id)
    for user_id in sorted(connection.scalars(its)):
        alert_holds.begin(transaction, user_id, now)
    transaction.publish(AlertScheduled(now))


def is_settling(connection: Connection, user_id: str) -> bool:
    """Return whether it is not settled yet which alerts a user gets.

    Products of the user's households are still to be checked, or alerts that were collected about a
    household that the user has left are still to be deleted.
    """
    is_theirs = sa.or_(
        unfinished.c.user_id == user_id, unfinished.c.user_id.in_(_shared_by(user_id))
    )
    is_rescheduled = sa.and_(is_theirs, unfinished.c.work == Unfinished.RESCHEDULE.value)
    leaves = sa.and_(unfinished.c.user_id == user_id, unfinished.c.work == Unfinished.LEAVE.value)
    this = sa.or_(is_rescheduled, leaves)
    return bool(connection.scalar(sa.select(sa.exists().where(this))))


def _shared_by(user_id: str) -> sa.Select[tuple[str]]:
    return sa.select(members.c.household_id).where(members.c.user_id == user_id)


def begin(connection: Connection, user_id: str, work: Unfinished, since: datetime | None) -> None:
    """Record that work starts, or starts again; a restart keeps its place in the queue."""
    connection.execute(_BEGIN, {"user_id": user_id, "work": work.value, "since": since})
