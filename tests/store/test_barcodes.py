"""Products are found by each of their barcodes, whatever nodes of the version before write.

covers: useby.store.barcodes
"""

from typing import Any

import sqlalchemy as sa
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.query_plans import plans_of

from useby.actions import inventory, stock
from useby.domain.account import User
from useby.domain.product import Disposal, Product
from useby.store import product_search, products
from useby.store.database import Database, Transaction
from useby.store.product_search import Order, ProductQuery, by_barcode, read_folded
from useby.store.schema import barcodes as codes
from useby.store.schema import products as table


async def keep(database: Database, owner: User, *wanted: Product) -> None:
    await database.write(lambda t: inventory.add_many(t, wanted, owner, NOON))


async def found(database: Database, owner: User, barcode: str) -> list[str]:
    query = ProductQuery(barcode=barcode, order=Order.NAME)
    page = await read_folded(
        database, owner.id, lambda c: product_search.list_(c, owner, query, NOON)
    )
    first = await read_folded(database, owner.id, lambda c: by_barcode(c, owner.id, barcode))
    names = [product.name for product in page.items]
    assert (first is None) == (names == [])
    assert first is None or first.name in names
    return names


async def change(database: Database, owner: User, product: Product) -> None:
    await database.write(lambda t: inventory.replace(t, product, owner, NOON))


async def codes_of(database: Database, product: Product) -> set[str]:
    wanted = sa.select(codes.c.code).where(codes.c.product_id == product.id)
    return set(await database.read(lambda c: c.scalars(wanted).all()))


async def as_an_old_node(database: Database, product: Product, **values: Any) -> None:
    """Update a product's row as a node of the version before does: it has no `more_barcodes`."""
    row = sa.update(table).where(table.c.id == product.id).values(updated_at=NOON, **values)
    await database.write(lambda t: t.connection.execute(row).rowcount)


async def test_a_product_is_found_by_each_of_its_barcodes_in_all_spellings(
    database: Database,
) -> None:
    owner, stranger = await a_kept_owner(database), await a_kept_owner(database)
    more = ("042563008123", "06541238", "PZN-1")
    milk = a_product(owner, name="Milk", barcode="4012345678901", more_barcodes=more)
    other = a_product(owner, name="Other", barcode="0042563008123")
    await keep(database, owner, milk, other)
    for barcode in ("4012345678901", "065400000128", "06541238", "PZN-1", " PZN-1"):
        assert await found(database, owner, barcode) == ["Milk"], barcode
    for barcode in ("042563008123", "(01)00042563008123(10)A"):
        assert await found(database, owner, barcode) == ["Milk", "Other"], barcode
    assert await found(database, owner, "PZN-2") == []
    assert await found(database, stranger, "PZN-1") == []


async def test_an_open_product_comes_before_a_closed_one_by_a_further_barcode(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    closed = a_product(
        owner, name="closed", barcode="B", closed_as=Disposal.CONSUMED, closed_at=NOON
    )
    await keep(database, owner, closed, a_product(owner, name="open", more_barcodes=("A", "B")))
    product = await database.read(lambda c: by_barcode(c, owner.id, "B"))
    assert product is not None
    assert product.name == "open"


async def test_barcodes_that_are_removed_find_the_product_no_longer(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, name="Milk", barcode="A", more_barcodes=("B", "C"))
    await keep(database, owner, milk)
    await change(database, owner, a_product(owner, id=milk.id, barcode="B", more_barcodes=("D",)))
    assert await codes_of(database, milk) == {"D"}
    assert [bool(await found(database, owner, each)) for each in "ABCD"] == [
        *(False, True, False, True)
    ]
    await database.write(lambda t: inventory.delete(t, owner, milk.id, NOON))
    assert await codes_of(database, milk) == set()


async def test_a_node_of_the_version_before_changes_the_first_barcode_only(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, name="Milk", barcode="A", more_barcodes=("B", "C"))
    await keep(database, owner, milk)
    await as_an_old_node(database, milk, barcode="X", name="Oat milk")
    assert [await found(database, owner, each) for each in "AXBC"] == [
        *([], ["Oat milk"], ["Oat milk"], ["Oat milk"])
    ]
    await database.write(lambda t: stock.load(t, owner, [milk.id]))
    held = await database.read(lambda c: products.get(c, owner.id, milk.id))
    assert held is not None
    assert held.barcodes == ("X", "B", "C")
    assert [bool(await found(database, owner, each)) for each in "AXBC"] == [
        *(False, True, True, True)
    ]


async def test_a_search_finds_a_part_of_a_further_barcode(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, barcode="A", more_barcodes=("PZN-123",)))
    query = ProductQuery(text="pzn-12")
    page = await read_folded(
        database, owner.id, lambda c: product_search.list_(c, owner, query, NOON)
    )
    assert len(page.items) == 1


async def test_two_spellings_in_a_row_are_one_code(database: Database) -> None:
    owner = await a_kept_owner(database)
    same = a_product(owner, more_barcodes=("042563008123", "0042563008123"))

    def work(transaction: Transaction) -> None:
        stock.add(transaction, [stock.new_product(same, owner, NOON)], owner)

    await database.write(work)
    assert await codes_of(database, same) == {"00042563008123"}


@on_sqlite
async def test_a_look_up_by_a_further_barcode_scans_no_table(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, barcode="A", more_barcodes=("B",)))
    plans = await plans_of(database, lambda t: by_barcode(t.connection, owner.id, "B"))
    lines = [line for plan in plans for line in plan.lines]
    assert not [line for line in lines if line.startswith("SCAN products")], lines
    assert not [line for line in lines if line.startswith("SCAN barcodes")], lines
