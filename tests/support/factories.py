"""Owners and products for tests, each with what a test leaves unsaid filled in."""

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.policy import Policy
from useby.domain.product import Product
from useby.store import accounts
from useby.store.database import Database, Transaction
from useby.store.schema import users

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
MANY = 30_000


def an_owner(**values: Any) -> User:
    """A user in Berlin with the default policy."""
    user_id = str(uuid7())
    defaults: dict[str, Any] = {
        "id": user_id,
        "email": f"{user_id}@useby.example",
        "name": "Ada",
        "time_zone": "Europe/Berlin",
        "policy": Policy(),
        "created_at": NOON,
    }
    return User(**defaults | values)


def lift_flood_cap(transaction: Transaction, user_id: str) -> None:
    """Let any number of a user's alerts be due together without becoming a summary."""
    changed = sa.update(users).where(users.c.id == user_id).values(flood_cap=MANY)
    transaction.connection.execute(changed)


async def a_kept_owner(database: Database, **values: Any) -> User:
    """Create a user and store it in the database."""
    user = an_owner(**values)
    await database.write(lambda t: accounts.add_user(t, user=user, password_hash=None))
    return user


def a_product(owner: User, expires: str = "2026-06-01", **values: Any) -> Product:
    """A carton of milk; ``expires`` is a day, or a moment with its offset."""
    defaults: dict[str, Any] = {
        "id": str(uuid7()),
        "user_id": owner.id,
        "name": "Organic Milk",
        "expiry": Expiry.parse(expires),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Product(**defaults | values)


def day(text: str) -> date:
    """A day by its ISO 8601 form."""
    return date.fromisoformat(text)
