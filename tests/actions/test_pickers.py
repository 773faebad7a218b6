"""``GET /api/locations`` and ``GET /api/categories``, on both stores.

covers: useby.api.pickers, useby.schemas.pickers, useby.store.pickers
"""

from decimal import Decimal

import httpx
import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.rest_app import Rest, added
from tests.support.stored_products import keep

from useby.actions import pickers, stock
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.product import Product
from useby.store.database import Database, Transaction
from useby.store.schema import lots as lots_table
from useby.store.schema import products as table


async def receive(database: Database, owner: User, product: Product, location: str) -> None:
    """Receive another lot of a product."""

    def work(transaction: Transaction) -> None:
        before = stock.load(transaction, owner, [product.id])[product.id]
        change = lot_actions.receive(
            stock.occasion(owner, before.product, NOON),
            product_id=product.id,
            quantity=Decimal(1),
            location=location,
        )
        changed = stock.ChangedProduct(before, before.product, owner, change)
        stock.store(transaction, [changed], NOON)

    await database.write(work)


async def test_every_open_lot_counts_at_its_own_location_and_in_its_products_category(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, location="Fridge", category="Dairy")
    await keep(database, owner, milk, a_product(owner, location="Cellar", category="Wine"))
    await receive(database, owner, milk, "Freezer")
    assert await pickers.locations(database, owner) == [
        ("Cellar", 1),
        ("Freezer", 1),
        ("Fridge", 1),
    ]
    assert await pickers.categories(database, owner) == [("Dairy", 2), ("Wine", 1)]


async def test_names_are_sorted_regardless_of_case_and_the_empty_one_is_left_out(
    ada: httpx.AsyncClient,
) -> None:
    for name in ("pantry", "Attic", ""):
        await added(ada, location=name, category=name)
    for path in ("/api/locations", "/api/categories"):
        assert (await ada.get(path)).json() == {
            "nextCursor": None,
            "items": [{"name": "Attic", "lots": 1}, {"name": "pantry", "lots": 1}],
        }


@pytest.mark.parametrize(
    ("path", "field"), [("/api/locations", "location"), ("/api/categories", "category")]
)
async def test_spellings_that_a_list_of_products_finds_together_are_one_name(
    ada: httpx.AsyncClient, path: str, field: str
) -> None:
    for name in ("Kühlschrank", "KÜHLSCHRANK", "Kühlschrank", "Kuhlschrank"):
        await added(ada, location=name, category=name)
    ((name, lots),) = [
        (each["name"], each["lots"]) for each in (await ada.get(path)).json()["items"]
    ]
    assert (name, lots) == ("Kühlschrank", 4)
    assert len((await ada.get("/api/products", params={field: name})).json()["items"]) == lots


async def test_a_closed_lot_counts_no_more_and_a_name_without_lots_is_gone(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, location="Fridge", category="Dairy", quantity="2")
    consume = f"/api/products/{product['id']}/consume"
    await ada.post(consume, json={"quantity": "1"})
    for path in ("/api/locations", "/api/categories"):
        assert [each["lots"] for each in (await ada.get(path)).json()["items"]] == [1]
    await ada.post(consume, json={})
    for path in ("/api/locations", "/api/categories"):
        assert (await ada.get(path)).json()["items"] == []


async def test_a_product_that_an_old_node_added_counts_with_its_lot(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, location="Fridge", category="Dairy"))

    def as_an_old_node(transaction: Transaction) -> None:
        transaction.connection.execute(sa.delete(lots_table))
        transaction.connection.execute(sa.update(table).values(version=None))

    await database.write(as_an_old_node)
    assert await pickers.locations(database, owner) == [("Fridge", 1)]
    assert await pickers.categories(database, owner) == [("Dairy", 1)]


async def test_names_of_another_household_are_not_listed(rest: Rest) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    await added(ada, location="Safe", category="Secret")
    for path in ("/api/locations", "/api/categories"):
        assert (await bob.get(path)).json()["items"] == []
        assert (await rest.client().get(path)).status_code == 401
