"""Rows of products, on both databases.

covers: useby.store.new_products
"""

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product

from useby.actions import inventory, stock
from useby.domain.account import AccountChange
from useby.domain.product import DateKind, Disposal, Product
from useby.store import accounts, new_products, products, schema
from useby.store.bulk_write import execute
from useby.store.database import Connection, Database, Transaction
from useby.store.products import ProductRow, update


def insert(transaction: Transaction, rows: Sequence[ProductRow]) -> None:
    connection = transaction.connection
    execute(connection, products.insertions(connection.dialect, rows))


async def stored(database: Database, *wanted: Product) -> list[Product | None]:
    def get(connection: Connection) -> list[Product | None]:
        return [products.get(connection, each.user_id, each.id) for each in wanted]

    return await database.read(get)


async def test_rows_written_together_are_read_unchanged(database: Database) -> None:
    owner = await a_kept_owner(database)
    wanted = [
        a_product(owner, "2026-06-01", name="Mølk 牛乳 🥛", lead_days=(5, 1), external_id="m"),
        a_product(owner, "2026-06-01T08:00:00Z", date_kind=DateKind.USE_BY, lead_days=()),
        a_product(owner, closed_as=Disposal.CONSUMED, closed_at=NOON, lot_count=0, notes='"\\\n\t'),
    ]
    rows = [stock.new_product(each, owner, NOON).row for each in wanted]
    await database.write(partial(insert, rows=rows))
    assert await stored(database, *wanted) == wanted
    changed = [dataclasses.replace(each, name="Oat milk", lead_days=None) for each in wanted]
    rows = [stock.new_product(each, owner, NOON).row for each in changed]
    await database.write(lambda t: update(t, rows))
    assert await stored(database, *wanted) == changed


async def test_equal_quantities_written_together_keep_their_digits(database: Database) -> None:
    owner = await a_kept_owner(database)
    wanted = [a_product(owner, quantity=Decimal(text)) for text in ("1", "1.0", "1.50", "1.5")]
    rows = [stock.new_product(each, owner, NOON).row for each in wanted]
    await database.write(partial(insert, rows=rows))
    kept = [str(each.quantity) for each in await stored(database, *wanted) if each is not None]
    if database.__class__.__name__ == "SqliteDatabase":
        assert kept == ["1", "1.0", "1.50", "1.5"]
    assert [Decimal(each) for each in kept] == [each.quantity for each in wanted]


async def test_a_row_has_the_dates_of_its_owners_zone_and_the_folded_text(
    database: Database,
) -> None:
    owner = await a_kept_owner(database, time_zone="Asia/Tokyo")
    row = stock.new_product(a_product(owner, "2026-06-01", notes="Käse"), owner, NOON).row
    assert row.dates.ends_at.astimezone(ZoneInfo("Asia/Tokyo")).isoformat().startswith("2026-06-02")
    assert "kase" in row.folded


async def test_rows_of_a_batch_are_computed_again_if_the_owner_has_changed(
    database: Database,
) -> None:
    before = await a_kept_owner(database, time_zone="UTC")
    wanted = [a_product(before, "2026-06-01")]
    rows = [stock.new_product(each, before, NOON) for each in wanted]
    prepared = list(new_products.statements(database.dialect, before.id, rows))
    after = await database.write(
        lambda t: accounts.change_user(
            t, before.id, AccountChange(time_zone="Asia/Tokyo"), now=NOON
        )
    )
    await database.write(lambda t: inventory.add_many(t, wanted, after, NOON, rows, prepared))
    found = await database.read(
        lambda c: c.exec_driver_sql("SELECT ends_at FROM products").scalar_one()
    )
    assert "2026-06-01" in str(found), "midnight in Tokyo is 15:00 in UTC"


async def test_prepared_statements_store_a_batch_unless_some_of_it_exists(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)

    async def add(*external_ids: str) -> list[bool]:
        wanted = [a_product(owner, "2026-06-01", external_id=each) for each in external_ids]
        rows = [stock.new_product(each, owner, NOON) for each in wanted]
        prepared = list(new_products.statements(database.dialect, owner.id, rows))
        return await database.write(
            lambda t: inventory.add_many(t, wanted, owner, NOON, rows, prepared)
        )

    assert await add("1", "2") == [True, True]
    assert await add("2", "3") == [False, True]
    tables = schema.products, schema.lots, schema.movements
    counts = sa.select(
        *(sa.select(sa.func.count()).select_from(t).scalar_subquery() for t in tables)
    )
    assert await database.read(lambda c: tuple(c.execute(counts).one())) == (3, 3, 3)
