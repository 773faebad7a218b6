"""Households that a database keeps: shared by their founders, with products that are due."""

from datetime import datetime

from tests.support.factories import NOON, a_product

from useby.actions import inventory
from useby.domain.account import User
from useby.domain.household import Household, Role
from useby.domain.product import Product
from useby.store import households
from useby.store.database import Database, Transaction


async def share(database: Database, founder: User, *others: User, since: datetime = NOON) -> None:
    """Let others be editors of a founder's household."""

    def work(transaction: Transaction) -> None:
        households.lock(transaction, founder.id)
        households.put(transaction, Household(founder.id, time_zone=founder.time_zone))
        for each in others:
            households.add_member(transaction, founder.id, each.id, Role.EDITOR, since)

    await database.write(work)


async def keep_due(
    database: Database, founder: User, *names: str, now: datetime = NOON
) -> list[Product]:
    """Store products of a household that are due."""
    products = [a_product(founder, "2026-03-04", name=each) for each in names]

    def work(transaction: Transaction) -> None:
        owner = inventory.lock_to_delete(transaction, founder.id)
        for each in products:
            inventory.add(transaction, each, owner, now)

    await database.write(work)
    return products
