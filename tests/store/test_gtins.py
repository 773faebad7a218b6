"""The canonical GTIN of products: searches by barcode, and rows that older nodes write.

covers: useby.store.product_search
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.support.databases import on_postgres, on_sqlite
from tests.support.earlier_release import upgrade_to
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.postgres import Postgres
from tests.support.query_plans import plans_of

from useby.actions import inventory
from useby.domain.account import User
from useby.domain.product import Disposal, Product
from useby.store import accounts, migrate, product_search
from useby.store.database import Database
from useby.store.open import open_database
from useby.store.product_search import NotFolded, Order, ProductQuery, by_barcode, read_folded
from useby.store.schema import products as table

RELEASED = "0011"
"""The newest migration of version 0.2."""
MANY = 20_000
LONG_SCAN = "]d201040123456789011727020010A1B2C3D4E5F6G7H8I9J0\x1d21Z1Y2X3W4V5U6T7S8R9Q0"


async def keep(database: Database, owner: User, *wanted: Product) -> None:
    await database.write(lambda t: inventory.add_many(t, wanted, owner, NOON))


async def found(database: Database, owner: User, barcode: str) -> list[str]:
    query = ProductQuery(barcode=barcode, order=Order.NAME)
    page = await read_folded(
        database, owner.id, lambda c: product_search.list_(c, owner, query, NOON)
    )
    return [product.name for product in page.items]


async def gtins(database: Database, owner: User) -> set[str | None]:
    rows = await database.read(
        lambda c: c.execute(sa.select(table.c.gtin).where(table.c.user_id == owner.id)).all()
    )
    return {gtin for (gtin,) in rows}


async def test_a_gtin_is_found_in_all_its_spellings(database: Database) -> None:
    owner = await a_kept_owner(database)
    spellings = ("042563008123", "0042563008123", "00042563008123")
    await keep(database, owner, *(a_product(owner, name=each, barcode=each) for each in spellings))
    await keep(database, owner, a_product(owner, name="other", barcode="4012345678901"))
    for barcode in spellings:
        assert set(await found(database, owner, barcode)) == set(spellings)
    assert await gtins(database, owner) == {"00042563008123", "04012345678901"}


async def test_upc_e_is_found_by_its_upc_a_and_a_long_scan_by_its_gtin(database: Database) -> None:
    owner = await a_kept_owner(database)
    barcodes = ("06541238", LONG_SCAN, "12345678", "lot 7/B", "x" * 128)
    await keep(
        database, owner, *(a_product(owner, name=each[:99], barcode=each) for each in barcodes)
    )
    assert await found(database, owner, "065400000128") == ["06541238"]
    assert await found(database, owner, "4012345678901") == [LONG_SCAN]
    assert await found(database, owner, "12345678") == ["12345678"], "no GTIN: compared as it is"
    assert await found(database, owner, "lot 7/B") == ["lot 7/B"]
    assert await found(database, owner, "x" * 128) == ["x" * 99]
    assert await found(database, owner, "4006381333931") == []


async def test_a_barcode_leads_to_an_open_product_before_a_closed_one(database: Database) -> None:
    owner, stranger = await a_kept_owner(database), await a_kept_owner(database)
    code = "4012345678901"

    async def first() -> str | None:
        product = await database.read(lambda c: by_barcode(c, owner.id, f"0{code}"))
        return None if product is None else product.name

    await keep(database, stranger, a_product(stranger, name="a stranger's", barcode=code))
    assert await first() is None
    closed = [
        a_product(owner, name=name, barcode=code, closed_as=Disposal.CONSUMED, closed_at=at)
        for name, at in (("older", NOON.replace(hour=1)), ("newer", NOON))
    ]
    await keep(database, owner, *closed)
    assert await first() == "newer"
    await keep(database, owner, a_product(owner, "2026-07-01", name="later", barcode=code))
    await keep(database, owner, a_product(owner, "2026-06-01", name="sooner", barcode=code))
    assert await first() == "sooner"


async def test_a_barcode_that_an_older_node_writes_is_found(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, barcode="4012345678901")
    await keep(database, owner, product)
    row = sa.update(table).where(table.c.user_id == owner.id, table.c.id == product.id)

    async def old_node_writes(**values: object) -> None:
        await database.write(lambda t: t.connection.execute(row.values(**values)))

    await old_node_writes(gtin=None)  # as in a row that it has added
    with pytest.raises(NotFolded):
        await database.read(lambda c: by_barcode(c, owner.id, "04012345678901"))
    assert await found(database, owner, "04012345678901") == [product.name]

    await old_node_writes(barcode="96385074")
    assert await gtins(database, owner) == {None}, "the trigger removes the other barcode's"
    assert await found(database, owner, "4012345678901") == []
    assert await found(database, owner, "96385074") == [product.name]

    await old_node_writes(name="Renamed", barcode="96385074")
    assert await gtins(database, owner) == {"00000096385074"}


@on_sqlite
async def test_a_barcode_is_looked_up_by_the_index(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, barcode="4012345678901"))
    for plan in await plans_of(
        database, lambda t: by_barcode(t.connection, owner.id, "4012345678901")
    ):
        index = (
            "autoindex_barcodes"
            if "FROM barcodes" in plan.statement
            else "ix_products_user_id_gtin"
        )
        assert any(index in line for line in plan.lines), plan


@pytest.fixture(params=["sqlite", "postgres"])
def released_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of version 0.2, empty."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'released.db'}"
        upgrade_to(url, RELEASED)
        yield url
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    asyncio.run(postgres.execute("CREATE DATABASE released"))
    url = postgres.url("released")
    upgrade_to(url, RELEASED)
    yield url
    asyncio.run(postgres.drop("released"))


def stored_by_released(connection: Connection) -> None:
    """Insert a user and products as version 0.2 does: by SQL, with its columns only."""
    moment = "'2026-03-02T12:00:00.000000Z'"
    connection.exec_driver_sql(
        "INSERT INTO users (id, name, time_zone, alert_time, lead_days, categories, created_at)"
        f" VALUES ('ada', 'Ada', 'UTC', '09:00', '[7]', '{{}}', {moment})"
    )
    numbers = (
        f"generate_series(1, {MANY}) AS numbers(n)"
        if connection.dialect.name == "postgresql"
        else f"(WITH RECURSIVE up(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM up"
        f" WHERE n < {MANY}) SELECT n FROM up) AS numbers"
    )
    connection.exec_driver_sql(
        "INSERT INTO products (user_id, id, name, category, barcode, quantity, unit, location,"
        " notes, date_kind, expires_on, ends_at, expiring_from, created_at, updated_at)"
        " SELECT 'ada', CAST(n AS VARCHAR(36)), 'Milk', '', CASE WHEN n = 7 THEN '042563008123'"
        " WHEN n = 8 THEN 'lot 7' WHEN n % 5 = 0 THEN '4012345678901' ELSE '' END,"
        " '1', '', '', '', 'best_before', '2026-06-01',"
        f" {moment}, {moment}, {moment}, {moment} FROM {numbers}"
    )
    if connection.dialect.name == "postgresql":
        connection.commit()  # a migration there commits by itself


def facts(connection: Connection) -> list[object]:
    """Return the usage of the account, and on PostgreSQL the file of the table."""
    of_usage = connection.exec_driver_sql("SELECT products, unread, bytes FROM usage").all()
    if connection.dialect.name != "postgresql":
        return [*map(tuple, of_usage)]
    file = connection.exec_driver_sql("SELECT pg_relation_filenode('products')").scalar_one()
    return [*map(tuple, of_usage), file]


def test_a_database_of_0_2_with_20_000_products_migrates_and_is_searched(
    released_url: str, record_property: Callable[[str, object], None]
) -> None:
    migrate._run(released_url, stored_by_released, writes=True)
    before = migrate._run(released_url, facts, writes=False)
    started = time.perf_counter()
    migrate.upgrade(released_url)
    record_property("seconds to migrate", round(time.perf_counter() - started, 2))
    after = migrate._run(released_url, facts, writes=False)
    assert after == before, "no table is written anew, and no byte is counted twice"

    async def search() -> None:
        database = open_database(released_url)
        owner = await database.read(lambda c: accounts.user(c, "ada"))
        assert owner is not None
        began = time.perf_counter()
        assert await found(database, owner, "0042563008123") == ["Milk"]
        record_property("seconds of the first search", round(time.perf_counter() - began, 2))
        assert await found(database, owner, "lot 7") == ["Milk"]
        assert await gtins(database, owner) == {"", "00042563008123", "04012345678901"}
        await database.close()

    asyncio.run(search())


@on_postgres
async def test_bytes_of_a_longer_barcode_are_counted(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, barcode="")
    await keep(database, owner, product)

    async def bytes_used() -> int:
        used: int = await database.read(
            lambda c: c.exec_driver_sql("SELECT sum(bytes) FROM usage").scalar_one()
        )
        return used

    before = await bytes_used()
    row = sa.update(table).where(table.c.user_id == owner.id)
    await database.write(lambda t: t.connection.execute(row.values(barcode="x" * 128)))
    assert await bytes_used() == before + 128
