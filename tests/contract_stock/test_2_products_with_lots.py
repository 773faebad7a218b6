"""Products with several lots over REST, on both databases.

covers: useby.api.refusals, useby.actions.lot_reads
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.lots_over_rest import FULL_LOT, lots_of, received
from tests.support.rest_app import Rest, added

from useby.store.schema import lots as lots_table
from useby.store.schema import products as table

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_product_is_consumed_and_discarded_over_its_lots_first_expiring_first(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="2", expiryDate="2026-03-20")
    (late,) = await lots_of(ada, product["id"])
    soon = await received(ada, product["id"], printedDate="2026-03-05", quantity="1")
    path = f"/api/products/{product['id']}"

    answer = (await ada.post(f"{path}/consume", json={"quantity": "2"})).json()
    thrown = (await ada.post(f"{path}/discard", json={"reason": "spoiled"})).json()

    taken = [(each["lotId"], each["quantity"], each["kind"]) for each in answer["movements"]]
    assert taken == [(soon["id"], "1", "consumed"), (late["id"], "1", "consumed")]
    assert (answer["quantity"], answer["closedAs"]) == ("1", None)
    (movement,) = thrown["movements"]
    assert (movement["lotId"], movement["quantity"]) == (late["id"], "1")
    assert (movement["reason"], thrown["closedAs"]) == ("spoiled", "discarded")


async def test_taking_of_a_product_is_back_dated_but_not_into_the_future(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, quantity="2")
    path = f"/api/products/{product['id']}/consume"
    rest.now += timedelta(days=3)

    past = await ada.post(path, json={"quantity": "1", "at": "2026-03-03"})
    future = await ada.post(path, json={"at": "2026-03-06"})
    before = await ada.post(path, json={"at": "2026-03-01"})

    (movement,) = past.json()["movements"]
    assert movement["at"] == "2026-03-03T11:00:00Z", "noon in Berlin"
    for refused in (future, before):
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert refused.json()["errors"][0]["at"] == "body.at"


@pytest.mark.parametrize(
    "change", [{"expiryDate": "2026-04-01"}, {"quantity": "9"}, {"location": "Cellar"}]
)
async def test_a_change_that_could_mean_several_lots_is_409_with_the_lots(
    ada: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    product = await added(ada, expiryDate="2026-03-20", quantity="2")
    await received(ada, product["id"], printedDate="2026-03-05T10:00:00Z")
    path = f"/api/products/{product['id']}"

    answer = await ada.patch(path, json=change)

    assert answer.status_code == HTTPStatus.CONFLICT
    lots = {each.pop("id"): each for each in answer.json()["lots"]}
    listed = await lots_of(ada, product["id"])
    assert lots == {
        each["id"]: {"date": each["expiryDate"], "quantity": each["quantity"]} for each in listed
    }
    assert (await ada.patch(path, json={"name": "Oat Milk"})).status_code == HTTPStatus.OK
    for each in listed:
        assert (await ada.patch(f"/api/lots/{each['id']}", json=change)).is_success


async def test_a_change_of_a_product_acts_on_its_only_open_lot(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    change = {"expiryDate": "2026-04-01", "quantity": "9", "location": "Cellar"}

    await ada.patch(f"/api/products/{product['id']}", json=change)

    (lot,) = await lots_of(ada, product["id"])
    assert {name: lot[name] for name in change} == change


async def test_a_new_product_makes_one_lot_with_the_lots_own_fields(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, **{"expiryDate": "2026-03-20"} | FULL_LOT)
    batch = {"items": [{"name": "Batch"} | FULL_LOT]}
    (result,) = (await ada.post("/api/products/batch", json=batch)).json()["results"]

    for each in (product, result["product"]):
        assert (each["expiryDate"], each["quantity"]) == ("2026-03-20", "2.5")
        (lot,) = await lots_of(ada, each["id"])
        assert {name: lot[name] for name in FULL_LOT} == FULL_LOT


async def test_a_new_product_is_not_received_in_the_future(ada: httpx.AsyncClient) -> None:
    milk = {"name": "Milk", "receivedOn": "2026-03-03"}

    one = await ada.post("/api/products", json=milk)
    batch = (await ada.post("/api/products/batch", json={"items": [milk]})).json()

    assert one.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert one.json()["errors"][0]["at"] == "body.receivedOn"
    assert batch["results"][0]["status"] == HTTPStatus.UNPROCESSABLE_ENTITY
    assert batch["results"][0]["errors"][0]["at"] == "receivedOn"
    assert (await ada.get("/api/products")).json()["items"] == []


async def test_a_product_is_answered_with_its_lots_if_they_are_included(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    soon = await received(ada, product["id"], printedDate="2026-03-03")

    plain = (await ada.get(path)).json()
    with_lots = (await ada.get(path, params={"include": "lots"})).json()

    assert "lots" not in plain
    assert with_lots.pop("lots") == await lots_of(ada, product["id"])
    assert with_lots == plain
    assert plain["expiryDate"] == soon["expiryDate"]
    answer = await ada.get(path, params={"include": "movements"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_a_list_of_products_has_their_lots_if_they_are_included(
    ada: httpx.AsyncClient,
) -> None:
    milk, butter = await added(ada), await added(ada, name="Butter")
    await received(ada, milk["id"], printedDate="2026-04-01")
    await ada.post(f"/api/products/{butter['id']}/discard")

    plain = (await ada.get("/api/products", params={"sort": "name"})).json()["items"]
    query = {"sort": "name", "include": "lots", "limit": "1"}
    first = (await ada.get("/api/products", params=query)).json()
    query["cursor"] = first["nextCursor"]
    second = (await ada.get("/api/products", params=query)).json()

    with_lots = first["items"] + second["items"]
    assert all("lots" not in each for each in plain)
    assert [each.pop("lots") for each in with_lots] == [
        await lots_of(ada, butter["id"]),
        await lots_of(ada, milk["id"]),
    ]
    assert with_lots == plain


async def test_products_are_listed_by_the_location_of_an_open_lot(ada: httpx.AsyncClient) -> None:
    milk = await added(ada, location="Kühlschrank")
    await received(ada, milk["id"], location="Cellar", printedDate="2026-03-03")
    await added(ada, name="Butter", location="kühlschrank")
    salt = await added(ada, name="Salt", location="Cellar")
    await ada.post(f"/api/products/{salt['id']}/consume")

    for location, names in (
        ("KÜHLSCHRANK", ["Butter", "Organic Milk"]),
        ("cellar", ["Organic Milk"]),
        ("Cell", []),
        ("", []),
    ):
        query = {"location": location, "sort": "name"}
        found = (await ada.get("/api/products", params=query)).json()["items"]
        assert [each["name"] for each in found] == names, location


async def test_lists_show_lots_and_movements_of_products_of_a_node_without_lots(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    for path, query in (
        ("products", {"include": "lots"}),
        ("products", {"location": "cellar"}),
        ("movements", {}),
    ):
        product = await added(ada, location="Cellar")
        await as_an_old_node_writes_it(rest, product["id"])

        found = (await ada.get(f"/api/{path}", params=query)).json()["items"]

        assert product["id"] in {each.get("productId", each["id"]) for each in found}, query
        if "include" in query:
            assert len(found[0]["lots"]) == 1


async def as_an_old_node_writes_it(rest: Rest, product_id: str) -> None:
    """Make a product's row flat, without lots."""

    def work(transaction: Any) -> None:
        transaction.connection.execute(
            sa.delete(lots_table).where(lots_table.c.product_id == product_id)
        )
        transaction.connection.execute(
            sa.update(table).where(table.c.id == product_id).values(version=None)
        )

    await rest.database.write(work)


async def test_a_row_of_a_node_without_lots_has_its_lot_when_it_is_read(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    for path in ("lots", "movements", "?include=lots"):
        product = await added(ada, expiryDate="2026-03-20", quantity="2")
        await as_an_old_node_writes_it(rest, product["id"])
        slash = "" if path.startswith("?") else "/"

        found = (await ada.get(f"/api/products/{product['id']}{slash}{path}")).json()

        (first, *_) = found["lots"] if "lots" in found else found["items"]
        assert first["quantity"] == "2"
        (lot,) = await lots_of(ada, product["id"])
        assert (lot["expiryDate"], lot["state"]) == ("2026-03-20", "sealed")
