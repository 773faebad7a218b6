"""Households, products, lots and movements as such, on both databases."""

from functools import partial

import httpx
import pytest
import sqlalchemy as sa
from tests.support.lots_over_rest import acted, movements_of, undone
from tests.support.rest_app import Rest, added
from tests.support.stocked import got, stocked

from useby.store.schema import lots, movements

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = {
    *("received", "consumed", "discarded", "opened", "frozen", "thawed", "moved", "split"),
    *("corrected", "undone"),
}


def scalars(of: sa.Select[tuple[str]], connection: sa.Connection) -> list[str]:
    return list(connection.scalars(of))


async def test_an_account_has_a_household_with_its_own_id_from_the_start(rest: Rest) -> None:
    user, client = await rest.person()
    product = await added(client)

    for table in (lots, movements):
        of = sa.select(table.c.household_id).where(table.c.product_id == product["id"])
        found = await rest.database.read(partial(scalars, of))
        assert found == [user.id], "it owns the stock"


async def every_kind(rest: Rest, client: httpx.AsyncClient) -> str:
    """A product to which everything has happened; its id."""
    milk = await stocked(rest, client, quantity="9")
    for action in ("open", "freeze", "thaw"):
        await acted(client, milk.lot_id, action)
    await acted(client, milk.lot_id, "move", quantity="1", location="Cellar")
    await acted(client, milk.lot_id, "consume", quantity="1")
    await acted(client, milk.lot_id, "discard", quantity="1")
    corrected = await milk.change(quantity="5")
    await undone(client, corrected["movements"][0]["id"])
    return milk.product_id


async def test_the_kind_of_a_movement_is_one_of_ten(rest: Rest, ada: httpx.AsyncClient) -> None:
    product_id = await every_kind(rest, ada)

    assert {each["kind"] for each in await movements_of(ada, product_id)} == KINDS


async def test_movements_are_only_ever_added(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada, quantity="9")
    before = await movements_of(ada, milk.product_id)
    for action in ("open", "freeze", "thaw", "consume"):
        done = await acted(ada, milk.lot_id, action)
        after = await movements_of(ada, milk.product_id)
        assert after == [*reversed(done["movements"]), *before]
        before = after

    await undone(ada, before[0]["id"])

    assert (await movements_of(ada, milk.product_id))[1:] == before, "an undo removes nothing"


async def test_an_undo_is_a_movement_too(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await stocked(rest, ada)
    opened = (await acted(ada, milk.lot_id, "open"))["movements"][0]

    (movement,) = (await undone(ada, opened["id"]))["movements"]

    assert (movement["kind"], movement["undoes"], movement["lotId"]) == (
        "undone",
        opened["id"],
        milk.lot_id,
    )
    assert (await movements_of(ada, milk.product_id))[0] == movement


async def test_quantities_and_states_follow_from_movements(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product_id = await every_kind(rest, ada)
    while True:
        standing = await movements_of(ada, product_id)
        undone_ids = {each["undoes"] for each in standing}
        left = [each for each in standing if each["kind"] != "undone"]
        left = [each for each in left if each["id"] not in undone_ids]
        if [each["kind"] for each in left] == ["received"]:
            break
        await undone(ada, left[0]["id"])

    (lot,) = (await got(ada, f"/api/products/{product_id}/lots"))["items"]
    assert (lot["quantity"], lot["state"], lot["location"]) == ("9", "sealed", "")
