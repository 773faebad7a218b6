"""Add a dozen sample products to an account, so that a new one is not empty, and remove them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from uuid_utils import uuid7

from useby.actions import inventory
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.household import Actor
from useby.domain.product import DateKind, Product
from useby.domain.quota import Limits
from useby.store import products
from useby.store.database import Transaction

MARK: Final = "sample-useby-"
"""The external ids of samples begin with it, and a number follows."""


class _Sample(NamedTuple):
    """A sample product."""

    name: str
    category: str
    location: str
    days: int | None
    """Days from today to its date; ``None`` for a product that never expires."""
    quantity: str = "1"
    unit: str = ""
    date_kind: DateKind = DateKind.BEST_BEFORE


SAMPLES: Final = (
    _Sample("Cooked Ham", "Meat", "Fridge", -1, "150", "g", DateKind.USE_BY),
    _Sample("Chicken Breast", "Meat", "Fridge", 0, "0.6", "kg", DateKind.USE_BY),
    _Sample("Milk", "Dairy", "Fridge", 1, "1", "l"),
    _Sample("Strawberries", "Fruit", "Fridge", 2, "0.5", "kg"),
    _Sample("Yoghurt", "Dairy", "Fridge", 4, "4"),
    _Sample("Eggs", "Dairy", "Fridge", 6, "10"),
    _Sample("Butter", "Dairy", "Fridge", 16, "250", "g"),
    _Sample("Frozen Peas", "Vegetables", "Freezer", 90, "750", "g"),
    _Sample("Ibuprofen", "Medicine", "Bathroom", 120, "20", "", DateKind.USE_BY),
    _Sample("Spaghetti", "Pantry", "Cupboard", 400, "1", "kg"),
    _Sample("Olive Oil", "Pantry", "Cupboard", 500, "0.75", "l"),
    _Sample("Salt", "Pantry", "Cupboard", None, "500", "g"),
)
EXTERNAL_IDS: Final = tuple(f"{MARK}{number}" for number in range(len(SAMPLES)))


def add(transaction: Transaction, actor: Actor | str, limits: Limits, now: datetime) -> int:
    """Add the samples that the household does not have; return how many were added.

    Args:
        transaction: The running write.
        actor: The person who acts, or a household's id (``inventory.lock_owner``).
        limits: Limits of the household.
        now: The current time, aware; the samples are dated from its day on.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        QuotaReached: The account has no room for them.
    """
    user = inventory.lock_owner(transaction, actor, limits, new=len(SAMPLES))
    samples = [
        _product(sample, external_id, user, now)
        for sample, external_id in zip(SAMPLES, EXTERNAL_IDS, strict=True)
    ]
    return sum(inventory.add_many(transaction, samples, user, now))


def remove(transaction: Transaction, actor: Actor | str, now: datetime) -> int:
    """Delete the samples that the household still has; return how many were deleted.

    A sample of which a person has changed the external id is theirs, and stays.

    Raises:
        UnknownUser: The user has been deleted or disabled.
    """
    user = inventory.lock_to_delete(transaction, actor)
    found = products.by_external_id(transaction.connection, user.id, EXTERNAL_IDS)
    return sum(inventory.delete(transaction, user, each.id, now) for each in found.values())


def _product(sample: _Sample, external_id: str, user: User, now: datetime) -> Product:
    today = now.astimezone(user.zone).date()
    days = sample.days
    return Product(
        id=str(uuid7()),
        user_id=user.id,
        external_id=external_id,
        name=sample.name,
        category=sample.category,
        location=sample.location,
        quantity=Decimal(sample.quantity),
        unit=sample.unit,
        date_kind=sample.date_kind,
        expiry=None if days is None else Expiry(day=today + timedelta(days=days)),
        created_at=now,
        updated_at=now,
    )
