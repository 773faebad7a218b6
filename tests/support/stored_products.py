"""Products that a database keeps, and the notifications about them."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from tests.support.factories import NOON

from useby.actions import inventory
from useby.domain.account import User
from useby.domain.events import AlertScheduled, Event
from useby.domain.notification import Notification
from useby.domain.product import Disposal, Product
from useby.store import notifications, products
from useby.store.database import Database, Transaction
from useby.store.notifications import NotificationQuery
from useby.store.schema import products as table


def scheduled(news: list[Event]) -> list[datetime]:
    return [each.at for each in news if isinstance(each, AlertScheduled)]


async def keep(database: Database, owner: User, *wanted: Product) -> None:
    def work(transaction: Transaction) -> None:
        for product in wanted:
            inventory.add(transaction, product, owner, NOON)

    await database.write(work)


async def got(database: Database, product: Product) -> Product | None:
    return await database.read(lambda c: products.get(c, product.user_id, product.id))


async def notifications_of(database: Database, owner: User) -> list[Notification]:
    """Oldest first."""
    page = await database.read(
        lambda c: notifications.list_(c, owner.id, NotificationQuery(limit=500))
    )
    return list(reversed(page.items))


async def unread(database: Database, owner: User) -> list[str]:
    return [
        each.message for each in await notifications_of(database, owner) if each.read_at is None
    ]


async def due_at(database: Database, product: Product) -> datetime | None:
    """The moment at which the clock will look at the product."""
    wanted = sa.select(table.c.alert_at).where(table.c.id == product.id)
    return await database.read(lambda c: c.scalar(wanted))


def taking(
    owner: User, product: Product, quantity: str | None, how: Disposal = Disposal.CONSUMED
) -> Callable[[Transaction], Product | None]:
    amount = None if quantity is None else Decimal(quantity)
    return lambda t: inventory.use(t, owner, product.id, quantity=amount, how=how, now=NOON)
