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
from useby.actions import stock
from useby.domain.account import User
from useby.domain.calendar import (
    MAX_CALENDARS,
    MAX_EVENTS,
    CalendarEvent,
    TooManyCalendars,
    event_of,
    soonest,
)
from useby.store import accounts, calendars
from useby.store.calendars import StoredCalendar, delete
from useby.store.database import Database, Transaction
from useby.store.notifications import UnknownUser

__all__ = ["create", "delete", "entity_tag", "events", "owner"]

_SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(r"[\w-]{43}", re.ASCII)
"""Form of a secret: 32 random bytes in base64url."""


def create(transaction: Transaction, user_id: str, now: datetime) -> tuple[str, str]:
    """Create a calendar.

    Returns:
        Its id and its secret, which is stored nowhere.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        TooManyCalendars: The user has as many calendars as a household can have.
    """
    if accounts.lock_user(transaction, user_id) is None:
        raise UnknownUser(user_id)
    if len(calendars.list_(transaction.connection, user_id)) >= MAX_CALENDARS:
        raise TooManyCalendars
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    calendar = StoredCalendar(str(uuid7()), now)
    calendars.add(transaction, user_id, _hash(secret), calendar)
    return calendar.id, secret


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
        lambda: soonest(event_of(each.product, each.version, each.lot, user) for each in dated)
    )


def entity_tag(found: Sequence[CalendarEvent]) -> str:
    """Return the strong ``ETag`` of a calendar with these events, without rendering it."""
    text = repr((__version__, found))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
