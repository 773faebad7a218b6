"""Create calendars, and read a household's dates for them.

A calendar application shows nothing but an address. So the address has a secret, of which the
database has the hash only.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from uuid_utils import uuid7

from useby import __version__
from useby.actions import inventory, stock
from useby.domain.calendar import (
    MAX_CALENDARS,
    MAX_EVENTS,
    CalendarEvent,
    CalendarView,
    TooManyCalendars,
    event_of,
    soonest,
)
from useby.domain.household import Actor
from useby.store import alert_members, calendars
from useby.store.calendars import DatedLot, OpenedCalendar, StoredCalendar, delete
from useby.store.database import Connection, Database, Transaction

__all__ = ["create", "delete", "entity_tag", "events", "of_member"]

_SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(r"[\w-]{43}", re.ASCII)
"""Form of a secret: 32 random bytes in base64url."""


def create(transaction: Transaction, actor: Actor, now: datetime) -> tuple[str, str]:
    """Create a calendar, which ends when the person leaves the household.

    Returns:
        Its id and its secret, which is stored nowhere.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        UnknownHousehold: The person is no member of the household.
        TooManyCalendars: The person has as many calendars of the household as there can be.
    """
    household = inventory.lock_to_delete(transaction, actor)
    if len(of_member(transaction.connection, actor)) >= MAX_CALENDARS:
        raise TooManyCalendars
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    calendar = StoredCalendar(str(uuid7()), now, actor.user_id)
    calendars.add(transaction, household.id, _hash(secret), calendar)
    return calendar.id, secret


def of_member(connection: Connection, actor: Actor) -> list[StoredCalendar]:
    """Return a member's calendars of a household, oldest first."""
    every = calendars.list_(connection, actor.household_id)
    return [each for each in every if each.member_id == actor.user_id]


async def events(database: Database, secret: str, now: datetime) -> list[CalendarEvent] | None:
    """Return the events of the calendar that a secret opens, the soonest first.

    A calendar that is read with other policies, zones or another language than before is revised,
    so that ``sequence`` rises as it does with a change of a product. So does one that another
    version of useby has rendered, in perhaps other words.

    Args:
        database: The database.
        secret: The secret.
        now: The current time, aware.

    Returns:
        The events; ``None`` if the secret opens no calendar.

    Raises:
        UnknownUser: The owner of the stock has been deleted.
    """
    if not _SECRET.fullmatch(secret):
        return None
    calendar = await database.read(lambda c: calendars.opened(c, _hash(secret)))
    if calendar is None:
        return None
    dated, view = await stock.read_in_line(
        database, calendar.stock, partial(_read, calendar=calendar, now=now)
    )
    view_hash = _hash(repr((__version__, view.values())))
    if view_hash != calendar.view_hash:
        revise = partial(calendars.revise, calendar=calendar, view_hash=view_hash, now=now)
        calendar = await database.write(revise)
        if calendar is None:
            return None
    view = replace(view, revised_at=calendar.revised_at, revision=calendar.revision)
    return await asyncio.to_thread(
        lambda: soonest(event_of(each.product, each.version, each.lot, view) for each in dated)
    )


def _read(
    connection: Connection, *, calendar: OpenedCalendar, now: datetime
) -> tuple[list[DatedLot], CalendarView]:
    dated = calendars.dated_lots(connection, calendar.stock.id, MAX_EVENTS)
    ids = {each.product.id for each in dated}
    reader = alert_members.member_of(connection, calendar.member, calendar.stock, ids, now)
    return dated, CalendarView(calendar.stock.zone, reader)


def entity_tag(found: Sequence[CalendarEvent]) -> str:
    """Return the strong ``ETag`` of a calendar with these events, without rendering it."""
    text = repr((__version__, found))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
