"""Create calendars, and read a household's dates for them.

A calendar application shows nothing but an address. So the address has a secret, of which the
database has the hash only.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from uuid_utils import uuid7

from useby import __version__
from useby.actions import inventory, stock
from useby.domain.account import User
from useby.domain.calendar import (
    MAX_CALENDARS,
    MAX_EVENTS,
    CalendarEvent,
    TooManyCalendars,
    event_of,
    soonest,
)
from useby.domain.household import Actor, as_seen
from useby.store import calendars
from useby.store.calendars import StoredCalendar, delete
from useby.store.database import Connection, Database, Transaction

__all__ = ["create", "delete", "entity_tag", "events", "of_member", "owner"]

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


async def owner(database: Database, secret: str) -> User | None:
    """Return the user whose dates a secret opens; ``None`` if it opens none."""
    if not _SECRET.fullmatch(secret):
        return None
    return await database.read(lambda c: calendars.owner(c, _hash(secret)))


async def events(database: Database, user: User) -> list[CalendarEvent]:
    """Return the events of a user's open lots, the soonest first.

    Raises:
        UnknownUser: The user has been deleted.
    """
    dated = await stock.read_in_line(
        database, user, lambda c: calendars.dated_lots(c, user.id, MAX_EVENTS)
    )
    return await asyncio.to_thread(
        lambda: soonest(
            event_of(as_seen(user, each.product), each.version, as_seen(user, each.lot), user)
            for each in dated
        )
    )


def entity_tag(found: Sequence[CalendarEvent]) -> str:
    """Return the strong ``ETag`` of a calendar with these events, without rendering it."""
    text = repr((__version__, found))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
