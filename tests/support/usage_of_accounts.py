"""Usage of accounts as it is worked out from their rows, and a household to which things happen."""

import random
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from tests.support.factories import NOON, a_product

from useby.actions import alerts as clock
from useby.actions import channels, inventory
from useby.domain.account import User
from useby.domain.channel import ChannelKind
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import Disposal
from useby.domain.quota import Usage
from useby.store import channels as stored_channels
from useby.store import idempotency, marks, notifications, products, usage
from useby.store.database import Connection, Database, Transaction
from useby.store.idempotency import IdempotentRequest
from useby.store.product_rows import PRODUCT_COLUMNS
from useby.store.schema import (
    barcodes,
    idempotency_keys,
    lots,
    movements,
    notification_items,
    outbox,
    sent_alerts,
)
from useby.store.schema import notifications as notifications_table
from useby.store.schema import products as products_table

FLAT = {
    products_table: 800,
    lots: 500,
    movements: 400,
    barcodes: 300,
    sent_alerts: 200,
    notifications_table: 600,
    notification_items: 300,
    outbox: 300,
    idempotency_keys: 300,
}
PRODUCT_TEXTS = {each.name for each in PRODUCT_COLUMNS if isinstance(each.type, sa.String)}
PRODUCT_TEXTS -= {"id", "user_id"}
TEXTS = PRODUCT_TEXTS | {"message", "product_name", "key", "answer", "lot_number", "serial", "code"}


def octets(value: Any) -> int:
    return len(value) if isinstance(value, bytes) else len((value or "").encode())


def owner_of(table: sa.Table) -> sa.Column[str]:
    return table.c["user_id" if "user_id" in table.c else "household_id"]


def counted(connection: Connection, user_id: str) -> Usage:
    """Return an account's usage, worked out from its rows."""
    rows = {
        table: connection.execute(sa.select(table).where(owner_of(table) == user_id)).all()
        for table in FLAT
    }
    return Usage(
        products=len(rows[products_table]),
        unread=sum(row.read_at is None for row in rows[notifications_table]),
        bytes=sum(
            FLAT[table] + sum(octets(row._mapping.get(name)) for name in TEXTS)
            for table, of_table in rows.items()
            for row in of_table
        ),
    )


def kept_and_counted(connection: Connection, user_id: str) -> tuple[Usage, Usage]:
    return usage.of(connection, user_id), counted(connection, user_id)


async def assert_right(database: Database, *of: User) -> None:
    for user in of:
        kept, rows = await database.read(partial(kept_and_counted, user_id=user.id))
        assert kept == rows


def drafts(user: User, count: int, message: str = "Milk, 3 €") -> list[Draft]:
    return [Draft(user.id, message, Severity.INFO, Cause.CUSTOM, "Milch à 1 €")] * count


class Household:
    """A user to whom something happens at random."""

    def __init__(self, owner: User, chance: random.Random) -> None:
        self.owner = owner
        self.chance = chance
        self.keys = 0

    def step(self, transaction: Transaction) -> None:
        getattr(self, f"_{self.chance.choice(DEEDS)}")(transaction)

    def _post(self, transaction: Transaction) -> None:
        notifications.add(transaction, drafts(self.owner, self.chance.randint(1, 20)), NOON)

    def _post_with_a_key(self, transaction: Transaction) -> None:
        self.keys += 1
        moment = NOON - idempotency.RETENTION * self.chance.randint(0, 1)
        request = IdempotentRequest(self.owner.id, f"schlüssel {self.keys}", "f" * 64)
        idempotency.once(transaction, request, lambda _: b"answer" * self.keys, moment)

    def _mark(self, transaction: Transaction) -> None:
        page = notifications.page_after(transaction.connection, self.owner.id, 0, 10)
        marks.mark_read(transaction, self.owner.id, [each.id for each in page], NOON)

    def _mark_all(self, transaction: Transaction) -> None:
        marks.mark_some_read(transaction, self.owner.id, 10**6, 10**6, NOON)

    def _delete(self, transaction: Transaction) -> None:
        page = notifications.page_after(transaction.connection, self.owner.id, 0, 40)
        for each in page and [self.chance.choice(page)]:
            notifications.delete(transaction, self.owner.id, each.id)

    def _add_a_channel(self, transaction: Transaction) -> None:
        fields = {"name": "Hook", "target": "https://hook.example"}
        if len(self._channels(transaction)) < 3:
            channels.create(transaction, self.owner.id, ChannelKind.WEBHOOK, fields, NOON)

    def _delete_a_channel(self, transaction: Transaction) -> None:
        for each in self._channels(transaction)[:1]:
            channels.delete(transaction, self.owner.id, each, NOON)

    def _channels(self, transaction: Transaction) -> list[str]:
        found = stored_channels.list_(transaction.connection, self.owner.id)
        return [each.id for each in found]

    def _add_products(self, transaction: Transaction) -> None:
        new = [
            a_product(self.owner, "2026-03-03", notes="Kühl lagern", more_barcodes=self._barcodes())
            for _ in range(3)
        ]
        inventory.add_many(transaction, new, self.owner, NOON)

    def _change_product(self, transaction: Transaction) -> None:
        for each in self._some_product(transaction):
            after = a_product(
                self.owner,
                id=each,
                name="x" * self.chance.randint(1, 200),
                external_id=each,
                more_barcodes=self._barcodes(),
            )
            inventory.replace(transaction, after, self.owner, NOON)

    def _barcodes(self) -> tuple[str, ...]:
        return tuple(f"Ü-{number}" for number in range(self.chance.randint(0, 4)))

    def _consume_product(self, transaction: Transaction) -> None:
        for each in self._some_product(transaction):
            product = products.get(transaction.connection, self.owner.id, each)
            if product is not None and product.closed_as is None:
                inventory.use(
                    transaction,
                    self.owner,
                    each,
                    quantity=None,
                    how=Disposal.CONSUMED,
                    now=NOON,
                )

    def _delete_product(self, transaction: Transaction) -> None:
        for each in self._some_product(transaction):
            inventory.delete(transaction, self.owner, each, NOON)

    def _have_alerts(self, transaction: Transaction) -> None:
        clock.send_due(transaction, NOON + timedelta(days=2))

    def _some_product(self, transaction: Transaction) -> list[str]:
        ids = transaction.connection.scalars(
            sa.select(products_table.c.id)
            .where(products_table.c.user_id == self.owner.id)
            .order_by(products_table.c.id)
        ).all()
        return [self.chance.choice(ids)] if ids else []


DEEDS = (
    "post",
    "post_with_a_key",
    "add_a_channel",
    "delete_a_channel",
    "mark",
    "mark_all",
    "delete",
    "add_products",
    "change_product",
    "consume_product",
    "delete_product",
    "have_alerts",
)
