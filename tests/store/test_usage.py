"""Usage of accounts: the figures that triggers count are those of the rows.

covers: useby.domain.quota
"""

import asyncio
import random
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.postgres import Postgres

from useby.actions import accounts as actions
from useby.actions import alerts as clock
from useby.actions import inventory
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import Disposal
from useby.domain.quota import Limits, Quota, QuotaReached, Usage
from useby.store import idempotency, marks, migrate, notifications, products, usage
from useby.store.database import Connection, Database, Transaction
from useby.store.idempotency import IdempotentRequest
from useby.store.product_rows import PRODUCT_COLUMNS
from useby.store.schema import idempotency_keys, lots, movements, sent_alerts, users
from useby.store.schema import notifications as notifications_table
from useby.store.schema import products as products_table
from useby.store.sqlite import sqlite_engine
from useby.store.url import database_file

STEPS = 120
FLAT = {
    products_table: 800,
    lots: 500,
    movements: 400,
    sent_alerts: 200,
    notifications_table: 600,
    idempotency_keys: 300,
}
PRODUCT_TEXTS = {each.name for each in PRODUCT_COLUMNS if isinstance(each.type, sa.String)}
PRODUCT_TEXTS -= {"id", "user_id"}
TEXTS = PRODUCT_TEXTS | {"message", "product_name", "key", "answer", "lot_number", "serial"}


def octets(value: Any) -> int:
    return len(value) if isinstance(value, bytes) else len((value or "").encode())


def owner_of(table: sa.Table) -> sa.Column[str]:
    return table.c["household_id" if "household_id" in table.c else "user_id"]


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

    def _add_products(self, transaction: Transaction) -> None:
        new = [a_product(self.owner, "2026-03-03", notes="Kühl lagern") for _ in range(3)]
        inventory.add_many(transaction, new, self.owner, NOON)

    def _change_product(self, transaction: Transaction) -> None:
        for each in self._some_product(transaction):
            after = a_product(
                self.owner, id=each, name="x" * self.chance.randint(1, 200), external_id=each
            )
            inventory.replace(transaction, after, self.owner, NOON)

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
            inventory.delete(transaction, self.owner.id, each, NOON)

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
    "mark",
    "mark_all",
    "delete",
    "add_products",
    "change_product",
    "consume_product",
    "delete_product",
    "have_alerts",
)


@pytest.mark.parametrize("seed", range(2))
async def test_an_accounts_figures_are_those_of_its_rows_whatever_happens(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    houses = [Household(await a_kept_owner(database), chance) for _ in range(3)]
    owners = [each.owner for each in houses]
    for number in range(STEPS):
        await database.write(chance.choice(houses).step)
        if number % 10 == 0:
            await assert_right(database, *owners)
    await assert_right(database, *owners)
    await actions.delete(database, owners[0].id)
    assert await database.read(lambda c: usage.of(c, owners[0].id)) == Usage(0, 0, 0)
    await assert_right(database, *owners[1:])


async def test_a_statement_for_many_users_counts_for_each_of_them(database: Database) -> None:
    owners = [await a_kept_owner(database) for _ in range(5)]
    answer = [
        draft for number, each in enumerate(owners) for draft in drafts(each, 3 + number, "é" * 9)
    ]
    kept = await database.write(lambda t: notifications.add(t, answer, NOON))
    await assert_right(database, *owners)
    first = {each.user_id: [each.id] for each in kept}
    await database.write(lambda t: marks.mark_read_where_free(t, first, NOON))
    await assert_right(database, *owners)
    found = [await database.read(partial(usage.of, user_id=each.id)) for each in owners]
    assert [each.unread for each in found] == [2, 3, 4, 5, 6]


async def test_every_text_of_a_product_counts_when_it_is_added_changed_and_deleted(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, **dict.fromkeys(PRODUCT_TEXTS, "ü"))
    await database.write(lambda t: inventory.add(t, product, owner, NOON))
    await assert_right(database, owner)

    def change(transaction: Transaction, statement: sa.Update) -> None:
        transaction.connection.execute(statement)

    for name in PRODUCT_TEXTS:
        longer = sa.update(products_table).values({name: "Kühl lagern"})
        await database.write(partial(change, statement=longer))
        await assert_right(database, owner)
    await database.write(lambda t: inventory.delete(t, owner.id, product.id, NOON))
    await assert_right(database, owner)


async def test_a_rolled_back_write_counts_nothing(database: Database) -> None:
    owner = await a_kept_owner(database)

    def fails(transaction: Transaction) -> None:
        notifications.add(transaction, drafts(owner, 3), NOON)
        raise ArithmeticError("as if by a bug")

    outcomes = await asyncio.gather(
        database.write(fails),
        database.write(lambda t: notifications.add(t, drafts(owner, 2), NOON)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], ArithmeticError)
    assert (await database.read(lambda c: usage.of(c, owner.id))).unread == 2
    await assert_right(database, owner)


@pytest.mark.parametrize(
    ("kept", "wanted", "quota"),
    [
        (Usage(9, 9, 99), {"products": 1, "unread": 1}, None),
        (Usage(10, 9, 99), {"products": 1}, Quota.PRODUCTS),
        (Usage(9, 9, 99), {"products": 2}, Quota.PRODUCTS),
        (Usage(11, 9, 99), {"unread": 1}, None),
        (Usage(9, 10, 99), {"unread": 1}, Quota.UNREAD),
        (Usage(9, 9, 99), {"unread": 2}, Quota.UNREAD),
        (Usage(9, 9, 100), {"unread": 1}, Quota.BYTES),
    ],
)
async def test_an_account_is_refused_what_would_pass_a_limit(
    database: Database, kept: Usage, wanted: dict[str, int], quota: Quota | None
) -> None:
    owner = await a_kept_owner(database)
    await database.write(
        lambda t: t.connection.execute(
            sa.text("UPDATE usage SET products = :products, unread = :unread, bytes = :bytes"),
            {"products": kept.products, "unread": kept.unread, "bytes": kept.bytes},
        )
    )
    limits = Limits(10, 10, 100)

    def require(connection: Connection) -> Quota | None:
        try:
            usage.require_room(connection, owner.id, limits, **wanted)
        except QuotaReached as reached:
            return reached.quota
        return None

    assert await database.read(require) is quota


async def fill(database: Database) -> list[User]:
    """Make two accounts that keep something of everything."""
    owners = [await a_kept_owner(database) for _ in range(2)]
    for owner in owners:
        house = Household(owner, random.Random(3))
        for deed in ("post", "mark", "post", "post_with_a_key", "add_products", "have_alerts"):
            await database.write(getattr(house, f"_{deed}"))
    return owners


NEW_TABLES = ("unfinished", "signing_keys", "closings", "catalogue", "movements", "lots")
NEW_IN_PRODUCTS = (
    *("gtin", "version", "alert_at", "lot_count", "minimum_stock"),
    *("shelf_life", "after_opening", "after_freezing", "after_thawing"),
)
"""Tables and columns of later migrations than 0008."""


async def before_it_counted(database: Database) -> None:
    """Take the database back to where migration 0008 begins; later ones make their tables again."""

    def rewind(transaction: Transaction) -> None:
        on_server = transaction.connection.dialect.name == "postgresql"
        triggers = ["products_gtin", "products_version"]
        if on_server:
            triggers += [
                f"usage_{table}_{event}"
                for table in ("lots", "movements")
                for event in ("insert", "update", "delete")
            ]
        for step in (
            *(
                f"DROP FUNCTION {each}() CASCADE" if on_server else f"DROP TRIGGER {each}"
                for each in triggers
            ),
            *(f"DROP TABLE {table}" for table in NEW_TABLES),
            *(f"DROP INDEX ix_products_{each}" for each in ("user_id_gtin", "due", "flat")),
            "ALTER TABLE sessions DROP COLUMN key_id",
            *(f"ALTER TABLE products DROP COLUMN {each}" for each in NEW_IN_PRODUCTS),
            "ALTER TABLE notifications DROP COLUMN lot_ids",
            "ALTER TABLE notifications DROP COLUMN read_by_closing",
        ):
            transaction.connection.exec_driver_sql(step)
        transaction.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0007'")

    await database.write(rewind)


async def test_the_migration_counts_what_was_there_before_and_may_be_repeated(
    database: Database, database_url: str
) -> None:
    owners = await fill(database)
    await database.write(
        lambda t: t.connection.exec_driver_sql("UPDATE usage SET products=7, unread=7, bytes=7")
    )
    await before_it_counted(database)
    await migrate.ensure_current(database_url)
    assert await asyncio.to_thread(migrate.revision, database_url) == migrate.HEAD
    await assert_right(database, *owners)


@on_postgres
async def test_writes_of_old_nodes_during_the_migration_are_counted_once(
    database: Database, database_url: str, postgres: Postgres
) -> None:
    """A transaction that began to write before a user is counted commits afterwards."""
    owners = await fill(database)
    await before_it_counted(database)
    held = asyncio.Event()
    go_on = asyncio.Event()
    name = database_url.rpartition("/")[2]

    async def old_node() -> None:
        line = await asyncpg.connect(database_url)
        try:
            async with line.transaction():
                await line.execute(
                    "DELETE FROM notifications WHERE (user_id, seq) IN"
                    " (SELECT user_id, min(seq) FROM notifications WHERE read_at IS NULL"
                    " GROUP BY user_id)"
                )
                held.set()
                await go_on.wait()
                await line.execute("UPDATE notifications SET read_at = now() WHERE seq % 2 = 0")
        finally:
            await line.close()

    async def waits() -> bool:
        rows = await postgres.fetch(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1", name
        )
        return bool(rows)

    writing = asyncio.create_task(old_node())
    async with asyncio.timeout(60):
        await held.wait()
        migrating = asyncio.create_task(migrate.ensure_current(database_url))
        while not await waits():
            await asyncio.sleep(0.02)
        go_on.set()
        await asyncio.gather(writing, migrating)
    await assert_right(database, *owners)


async def test_users_of_the_time_before_have_a_row_too(tmp_path: Path) -> None:
    """The file is at the revision before; its user was there already."""
    from alembic import command
    from alembic.config import Config

    url = f"sqlite:///{tmp_path / 'old.db'}"
    file = database_file(url)
    assert file is not None
    engine = sqlite_engine(file, writes=True)
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(
            sa.insert(users).values(
                id="u",
                name="Ada",
                time_zone="UTC",
                alert_time="09:00",
                lead_days=[1],
                categories={},
                created_at=NOON,
            )
        )
        connection.exec_driver_sql(
            "INSERT INTO notifications (user_id, seq, id, message, kind, event, product_name,"
            " created_at) VALUES ('u', 1, 'n', 'hello', 'info', 'custom', '', '')"
        )
    engine.dispose()
    await migrate.ensure_current(url)
    engine = sqlite_engine(file, writes=False)
    with engine.connect() as connection:
        assert usage.of(connection, "u") == Usage(0, 1, 605)
    engine.dispose()
