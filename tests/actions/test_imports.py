"""Rows of a file are compared with the stored lots, and stored in slices."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product, day
from tests.support.import_files import TODAY
from tests.support.stored_products import (
    due_at,
    got,
    keep,
    notifications_of,
    scheduled,
    taking,
)

from useby.actions import import_rows, imports
from useby.actions.exports import export
from useby.actions.import_comparison import Upserted
from useby.actions.import_rows import MOST_COPIES
from useby.domain.account import User
from useby.domain.events import Event
from useby.domain.expiry import Expiry
from useby.domain.product import Disposal, Product
from useby.domain.quota import Limits, QuotaReached
from useby.exports.writing import ExportFormat
from useby.imports.tables import Options
from useby.store import accounts, lots, product_search
from useby.store.database import Database
from useby.store.notifications import UnknownUser
from useby.store.postgres import PostgresDatabase
from useby.store.product_search import ProductQuery

HEADER = "externalId,name,expiryDate,quantity"


async def import_(
    database: Database,
    owner: User,
    rows: Iterable[str],
    *,
    header: str = HEADER,
    limits: Limits | None = None,
    now: datetime = NOON,
) -> Upserted:
    """Import a CSV file with these rows."""
    data = "\n".join([header, *rows]).encode()
    _, valid = import_rows.read(data, Options(TODAY), owner, now)
    return await imports.store_all(database, valid, owner, now, limits=limits)


async def products_of(database: Database, owner: User) -> list[Product]:
    page = await database.read(
        lambda c: product_search.list_(c, owner, ProductQuery(limit=500), NOON)
    )
    return list(page.items)


async def test_importing_twice_changes_nothing(database: Database) -> None:
    owner = await a_kept_owner(database)

    def rows(quantity: str) -> list[str]:
        numbers = range(450)
        return [f"{n},Milk,2027-03-04,{quantity if n < 3 else 1}" for n in numbers]

    assert await import_(database, owner, rows("1")) == Upserted(added=450, products=450)
    assert await import_(database, owner, rows("1.00")) == Upserted(same=450)
    assert await import_(database, owner, rows("2")) == Upserted(changed=3, same=447)
    assert [each.message for each in await notifications_of(database, owner)] == [
        "450 products were added"
    ]


async def test_rows_without_an_external_id_are_in_by_name_barcode_and_date(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    header = "name,barcode,expiryDate,quantity"
    rows = ["Milk,,2027-03-04,1", "Milk,4006381333931,2027-03-04,1", "Milk,,2027-03-05,1"]
    assert await import_(database, owner, rows, header=header) == Upserted(added=3, products=2)
    assert await import_(database, owner, rows, header=header) == Upserted(same=3)
    rows[2] = "Milk,,2027-03-05,2"
    assert await import_(database, owner, rows, header=header) == Upserted(changed=1, same=2)
    moment = ["Milk,,2027-03-05T10:00:00+01:00,2"]
    assert await import_(database, owner, moment, header=header) == Upserted(added=1)
    assert await import_(database, owner, moment, header=header) == Upserted(same=1)


async def test_equal_rows_are_as_many_lots_and_importing_them_twice_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SLICE", 2)
    owner = await a_kept_owner(database)
    rows = ["Milk,2027-03-04"] * 5
    header = "name,expiryDate"
    assert await import_(database, owner, rows, header=header) == Upserted(added=5, products=1)
    assert await import_(database, owner, rows, header=header) == Upserted(same=5)
    assert await import_(database, owner, [*rows, rows[0]], header=header) == Upserted(1, 0, 5)


async def test_more_equal_rows_than_the_limit_are_bad(database: Database) -> None:
    owner = await a_kept_owner(database)
    data = "name,expiryDate\n" + "Milk,2027-03-04\n" * (MOST_COPIES + 2)
    found, rows = import_rows.read(data.encode(), Options(TODAY), owner, NOON)
    assert (len(rows), found.table.bad_rows) == (MOST_COPIES, 2)
    assert "give its quantity" in found.table.bad[0].message


async def test_two_spellings_of_a_gtin_are_the_same_product(database: Database) -> None:
    owner = await a_kept_owner(database)
    header = "name,expiryDate,barcode"
    await import_(database, owner, ["Rice,2027-03-04,042563008123"], header=header)
    again = ["Rice,2027-03-04,0042563008123"]
    assert (await import_(database, owner, again, header=header)).added == 0


async def test_columns_that_a_file_does_not_have_stay_as_they_are(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(
        owner, "2027-03-04", external_id="7", lead_days=(30,), notes="mine", quantity=Decimal(3)
    )
    await keep(database, owner, product)
    done = await import_(database, owner, ["7,Milk,2027-03-05"], header="externalId,name,mhd")
    assert done == Upserted(changed=1)
    there = await got(database, product)
    assert there is not None
    assert (there.name, there.expiry) == ("Milk", Expiry(day=day("2027-03-05")))
    assert (there.lead_days, there.notes, there.quantity) == ((30,), "mine", Decimal(3))


async def test_the_same_date_again_after_it_was_used_up_changes_nothing(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    first = a_product(owner, external_id="7")
    await keep(database, owner, first)
    await database.write(taking(owner, first, None))
    later = NOON + timedelta(days=1)
    await import_(database, owner, ["7,Milk,2026-06-01,5"], now=later)
    there = await got(database, first)
    assert there is not None
    assert (there.name, there.expiry, there.updated_at) == ("Milk", first.expiry, later)
    assert (there.created_at, there.closed_as) == (NOON, Disposal.CONSUMED)
    assert (there.quantity, there.lot_count) == (Decimal(1), 0)
    assert await due_at(database, first) is None


async def test_a_used_up_product_that_comes_again_with_a_new_date_gets_a_new_lot_and_is_watched(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    first = a_product(owner, external_id="7")
    await keep(database, owner, first)
    await database.write(taking(owner, first, None))
    later = NOON + timedelta(days=1)
    await import_(database, owner, ["7,Milk,2026-07-01,2"], now=later)
    there = await got(database, first)
    assert there is not None
    assert (there.name, there.expiry) == ("Milk", Expiry(day=day("2026-07-01")))
    assert (there.created_at, there.updated_at) == (NOON, later)
    assert (there.closed_as, there.quantity, there.lot_count) == (None, Decimal(2), 1)
    assert await due_at(database, first) == datetime(2026, 6, 24, 7, tzinfo=UTC)
    key = (owner.id, first.id)
    both = await database.read(lambda c: lots.all_lots(c, key))
    assert sorted((each.quantity, str(each.closed_as)) for each in both) == [
        (Decimal(1), "consumed"),
        (Decimal(2), "None"),
    ]


async def test_an_import_moves_the_alerts_of_changed_products(
    database: Database, news: list[Event]
) -> None:
    owner = await a_kept_owner(database)
    first = a_product(owner, "2026-06-08", external_id="7")
    await keep(database, owner, first)
    news.clear()
    await import_(database, owner, [f"7,{first.name},2026-05-08,1"])
    at = datetime(2026, 5, 1, 7, tzinfo=UTC)
    assert await due_at(database, first) == at
    assert scheduled(news) == [at]


async def test_the_products_of_another_user_are_not_touched(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    rows = ["7,Milk,2027-03-04,1", ",Tea,2027-03-04,1"]
    await import_(database, ada, rows)
    before = await products_of(database, ada)
    his = [row.replace(",1", ",2") for row in rows]
    assert await import_(database, bob, his) == Upserted(2, products=2)
    assert await products_of(database, ada) == before


async def test_an_import_beyond_the_quota_stores_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SLICE", 2)
    owner = await a_kept_owner(database)
    rows = [f"{number},Milk,2027-03-04,1" for number in range(5)]
    with pytest.raises(QuotaReached):
        await import_(database, owner, rows, limits=Limits(4, 10, 10**9))
    assert await products_of(database, owner) == []
    assert (await import_(database, owner, rows, limits=Limits(5, 10, 10**9))).added == 5
    again = await import_(database, owner, rows, limits=Limits(5, 10, 10**9))
    assert again == Upserted(same=5), "nothing is added"


async def test_a_deleted_account_gets_nothing(database: Database) -> None:
    owner = await a_kept_owner(database)
    await database.write(lambda t: accounts.disable_user(t, owner.id, disabled=True, now=NOON))
    with pytest.raises(UnknownUser):
        await import_(database, owner, ["7,Milk,2027-03-04,1"])


async def test_a_comparison_counts_and_stores_nothing(database: Database) -> None:
    owner = await a_kept_owner(database)
    await import_(database, owner, ["7,Milk,2027-03-04,1"])
    data = f"{HEADER}\n7,Milk,2027-03-04,2\n8,Tea,2027-03-04,1\n".encode()
    found, rows = import_rows.read(data, Options(TODAY), owner, NOON)
    plan = await imports.plan(database, found.table, rows, owner, NOON)
    assert (plan.rows, plan.counts) == (rows, Upserted(added=1, changed=1, products=1))
    assert [each.name for each in await products_of(database, owner)] == ["Milk"]


async def test_other_users_write_between_the_slices_of_a_large_import(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SLICE", 1)
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    data = "\n".join([HEADER, *(f"{number},Milk,2027-03-04,1" for number in range(60))])
    _, rows = import_rows.read(data.encode(), Options(TODAY), ada, NOON)
    writes: list[asyncio.Task[None]] = []
    done_before: list[int] = []

    def stored(number: int, _: int) -> None:
        if not writes:
            writes.append(asyncio.create_task(keep(database, bob, a_product(bob))))
        if not writes[0].done():
            done_before.append(number)

    await imports.store_all(database, rows, ada, NOON, on_stored=stored)

    assert writes[0].done()
    assert max(done_before) < len(rows)


async def test_products_without_a_date_are_in_once(database: Database) -> None:
    owner = await a_kept_owner(database)
    rows = ["Salt,2999-12-31", "Rice,9999-12-31", "Toilet paper,"]
    header = "name,expiryDate"
    assert await import_(database, owner, rows, header=header) == Upserted(added=3, products=3)
    assert await import_(database, owner, rows, header=header) == Upserted(same=3)
    assert [each.expiry for each in await products_of(database, owner)] == [None] * 3


async def test_after_a_mass_import_postgresql_plans_with_statistics_of_it(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    await import_(database, owner, (f"{n},Milk,2026-06-01,1" for n in range(imports.MANY)))
    if not isinstance(database, PostgresDatabase):
        return  # SQLite's statements name their indexes' first columns, whatever is stored
    tables = "('products', 'lots', 'movements')"
    rows = sa.text(f"SELECT reltuples FROM pg_class WHERE relname IN {tables}")
    counts = await database.read(lambda c: c.scalars(rows).all())
    assert len(counts) == 3
    assert min(counts) >= imports.MANY


async def test_a_slice_has_few_movements_however_many_a_product_of_our_own_file_has(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOVEMENTS", 5)
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    goods = [a_product(owner, name=name, quantity=Decimal(9)) for name in "abcd"]
    await keep(database, owner, *goods)
    for _ in range(6):
        await database.write(taking(owner, goods[1], "1"))
    file = b"".join([piece async for piece in export(database, owner, ExportFormat.JSON)])
    _, rows = import_rows.read(file, Options(TODAY), other, NOON)
    stored: list[int] = []

    done = await imports.store_all(
        database, rows, other, NOON, on_stored=lambda count, _: stored.append(count)
    )

    assert stored == [1, 2, 4], "the second product is a slice of its own"
    assert done.added == 4
