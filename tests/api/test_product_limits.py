"""Limits of a product's lots and movements: clear refusals that lose nothing.

covers: useby.api.refusals
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.databases import database_url
from tests.support.rest_app import MILK, Rest

from useby import metrics
from useby.store.database import Database

__all__ = ["database_url"]

LOTS, MOVEMENTS = 3, 8
FAR = MILK | {"expiryDate": "2090-01-01"}
TOO_MANY_LOTS = "the product would have more than 3 open lots"
TOO_MANY_MOVEMENTS = "the product would have more than 8 movements"


@pytest.fixture
async def rest(database: Database) -> AsyncIterator[Rest]:
    rest = Rest(database, max_lots=LOTS, max_movements=MOVEMENTS)
    yield rest
    await rest.close()


@pytest.fixture
async def milk(ada: httpx.AsyncClient) -> str:
    """A product with one lot of 100."""
    answer = await ada.post("/api/products", json=FAR | {"quantity": "100", "externalId": "milk"})
    assert answer.status_code == 201
    return str(answer.json()["id"])


def assert_refused(answer: httpx.Response, detail: str) -> None:
    assert answer.status_code == 409, answer.text
    assert detail in answer.json()["detail"]
    assert "e.g. DELETE /api/lots/{id}" in answer.json()["detail"]


def refusals(quota: str) -> float:
    count: float = metrics.quota_refusals.labels(quota)._value.get()
    return count


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"{path}?limit=100")).json()["items"]
    return found


async def fill(client: httpx.AsyncClient, product: str) -> None:
    """Take from a product until it has as many movements as it may have."""
    for _ in range(MOVEMENTS - len(await items(client, f"/api/products/{product}/movements"))):
        done = await client.post(f"/api/products/{product}/consume", json={"quantity": "1"})
        assert done.status_code == 200


async def test_a_lot_beyond_the_limit_is_refused_until_one_is_used_up(
    ada: httpx.AsyncClient, milk: str
) -> None:
    path = f"/api/products/{milk}"
    for _ in range(LOTS - 1):
        assert (await ada.post(f"{path}/lots", json={})).status_code == 201
    before = refusals("lots")
    [lot, *_] = await items(ada, f"{path}/lots")

    assert_refused(await ada.post(f"{path}/lots", json={}), TOO_MANY_LOTS)
    split = await ada.post(f"/api/lots/{lot['id']}/open", json={"quantity": "1"})
    assert_refused(split, TOO_MANY_LOTS)

    assert refusals("lots") == before + 2
    assert len(await items(ada, f"{path}/lots")) == LOTS, "nothing was stored"
    assert (await ada.post(f"/api/lots/{lot['id']}/consume")).status_code == 200
    assert (await ada.post(f"{path}/lots", json={})).status_code == 201


async def test_a_movement_beyond_the_limit_is_refused_until_a_lot_is_deleted(
    ada: httpx.AsyncClient, milk: str
) -> None:
    path = f"/api/products/{milk}"
    other = (await ada.post(f"{path}/lots", json={"quantity": "9"})).json()["id"]
    assert (await ada.post(f"/api/lots/{other}/consume", json={})).status_code == 200
    await fill(ada, milk)
    before = refusals("movements")

    for refused in (f"{path}/consume", f"{path}/lots"):
        assert_refused(await ada.post(refused, json={}), TOO_MANY_MOVEMENTS)

    assert refusals("movements") == before + 2
    assert len(await items(ada, f"{path}/movements")) == MOVEMENTS
    renamed = await ada.patch(path, json={"name": "Oat Milk"})
    assert renamed.status_code == 200, "what adds no movement is possible"
    assert (await ada.delete(f"/api/lots/{other}")).status_code == 204
    assert (await ada.post(f"{path}/consume", json={"quantity": "1"})).status_code == 200
    assert (await ada.delete(path)).status_code == 204


async def test_each_movement_of_a_full_product_can_be_undone_and_makes_no_room(
    database: Database, ada: httpx.AsyncClient, milk: str
) -> None:
    """An undo is a movement, too. What was done by mistake must not stay so for lack of room."""
    path = f"/api/products/{milk}"
    await fill(ada, milk)
    taken = [each for each in await items(ada, f"{path}/movements") if each["kind"] == "consumed"]

    for movement in taken:
        undone = await ada.post(f"/api/movements/{movement['id']}/undo")
        assert undone.status_code == 200, undone.text
        assert_refused(await ada.post(f"{path}/consume", json={}), TOO_MANY_MOVEMENTS)
        again = await ada.post(f"/api/movements/{movement['id']}/undo")
        assert (again.status_code, "already undone" in again.json()["detail"]) == (409, True)

    assert (await ada.get(path)).json()["quantity"] == "100"
    assert len(await items(ada, f"{path}/movements")) == MOVEMENTS + len(taken)
    file = (await ada.get("/api/export?format=json")).content
    strict = Rest(database, max_lots=LOTS, max_movements=MOVEMENTS)
    _, bob = await strict.person()
    report = (await bob.post("/api/import", content=file)).json()
    await strict.close()
    assert (report["added"], report["bad"]) == (1, []), "a file has what its account had"


async def test_a_full_product_that_was_closed_by_mistake_is_opened_again(
    ada: httpx.AsyncClient, milk: str
) -> None:
    path = f"/api/products/{milk}"
    assert (await ada.post(f"{path}/lots", json={"quantity": "5"})).status_code == 201
    for _ in range(MOVEMENTS - 4):
        assert (await ada.post(f"{path}/consume", json={"quantity": "1"})).status_code == 200
    assert (await ada.post(f"{path}/discard", json={})).status_code == 200

    counted = await ada.post(f"{path}/reopen", json={"quantity": "7"})
    reopened = await ada.post(f"{path}/reopen", json={})

    assert_refused(counted, TOO_MANY_MOVEMENTS)
    assert reopened.status_code == 200, reopened.text
    assert reopened.json()["lotCount"] == 2


async def test_an_item_of_a_batch_whose_product_is_full_is_refused_alone(
    ada: httpx.AsyncClient, milk: str
) -> None:
    for _ in range(MOVEMENTS - 2):
        await ada.post(f"/api/products/{milk}/consume", json={"quantity": "1"})
    assert (await ada.post(f"/api/products/{milk}/consume", json={})).status_code == 200
    new = FAR | {"expiryDate": "2091-01-01"}

    answer = await ada.post(
        "/api/products/batch", json={"items": [new | {"externalId": "milk"}, new]}
    )

    full, added = answer.json()["results"]
    assert (full["status"], added["status"]) == (409, 201)
    assert TOO_MANY_MOVEMENTS in full["errors"][0]["message"]


async def test_a_product_beyond_the_limits_is_readable_and_may_shrink(
    database: Database, rest: Rest
) -> None:
    """As after an update to a version with limits, or after a lower setting."""
    generous = Rest(database)
    user, ada = await generous.person()
    milk = (await ada.post("/api/products", json=FAR)).json()["id"]
    for _ in range(MOVEMENTS + 2):
        await ada.post(f"/api/products/{milk}/lots", json={"quantity": "2"})
    strict, path = await rest.sign_in(user), f"/api/products/{milk}"

    lots = await items(strict, f"{path}/lots")
    exported = (await strict.get("/api/export?format=json")).json()
    used = await strict.post(f"/api/lots/{lots[0]['id']}/consume", json={})
    deleted = [await strict.delete(f"/api/lots/{each['id']}") for each in lots[1:6]]
    after = await strict.post(f"/api/lots/{lots[0]['id']}/consume", json={})

    assert len(lots) == len(exported["products"][0]["lots"]) == MOVEMENTS + 3
    assert_refused(used, TOO_MANY_MOVEMENTS)
    assert {each.status_code for each in deleted} == {204}
    assert after.status_code == 200
    assert_refused(await strict.post(f"{path}/lots", json={}), TOO_MANY_LOTS)
    await generous.close()


async def test_a_row_of_an_import_beyond_a_limit_is_named_and_the_others_are_stored(
    ada: httpx.AsyncClient,
) -> None:
    rows = [f"Tea,2090-01-0{number},1" for number in range(1, LOTS + 2)]
    file = "\n".join(["name,mhd,quantity", "Salt,never,1", *rows])

    report = (await ada.post("/api/import?skipBad=true", content=file)).json()

    assert (report["added"], len(report["bad"])) == (LOTS + 1, 1)
    assert report["bad"][0]["line"] == LOTS + 3
    assert TOO_MANY_LOTS in report["bad"][0]["message"]
    rice = (await ada.post("/api/products", json=FAR | {"name": "Rice"})).json()["id"]
    more = "\n".join(["name,mhd,quantity", *(f"Rice,2091-01-0{n},1" for n in range(1, LOTS + 1))])
    report = (await ada.post("/api/import", content=more)).json()
    assert [TOO_MANY_LOTS in each["message"] for each in report["bad"]] == [True]
    assert len(await items(ada, f"/api/products/{rice}/lots")) == 1, "nothing was stored"


async def test_a_product_of_our_own_file_beyond_a_limit_is_named(
    database: Database, rest: Rest, ada: httpx.AsyncClient
) -> None:
    generous = Rest(database)
    _, bob = await generous.person()
    await bob.post("/api/products", json=FAR | {"name": "Salt"})
    tea = (await bob.post("/api/products", json=FAR | {"name": "Tea", "quantity": "99"})).json()
    for _ in range(MOVEMENTS):
        await bob.post(f"/api/products/{tea['id']}/consume", json={"quantity": "1"})
    file = (await bob.get("/api/export?format=json")).content
    await generous.close()

    report = (await ada.post("/api/import?skipBad=true", content=file)).json()

    assert (report["added"], len(report["bad"])) == (1, 1)
    assert TOO_MANY_MOVEMENTS in report["bad"][0]["message"]
    assert [each["name"] for each in await items(ada, "/api/products")] == ["Salt"]


async def test_a_deletion_that_would_give_parts_too_many_movements_is_refused(
    ada: httpx.AsyncClient, milk: str
) -> None:
    """Each part of a deleted lot gets the movements that the lot had before the split."""
    [lot] = await items(ada, f"/api/products/{milk}/lots")
    path = f"/api/lots/{lot['id']}"
    for place in ("Cellar", "Kitchen", "Cellar"):
        assert (await ada.post(f"{path}/move", json={"location": place})).status_code == 200
    moved = [
        await ada.post(f"{path}/move", json={"location": place, "quantity": "1"})
        for place in ("Kitchen", "Garage")
    ]
    assert len(await items(ada, f"/api/products/{milk}/movements")) == MOVEMENTS

    assert_refused(await ada.delete(path), TOO_MANY_MOVEMENTS)

    assert len(await items(ada, f"/api/products/{milk}/movements")) == MOVEMENTS
    part = moved[0].json()["part"]["id"]
    assert (await ada.delete(f"/api/lots/{part}")).status_code == 204
    assert (await ada.delete(path)).status_code == 204
    [left] = await items(ada, f"/api/products/{milk}/lots")
    assert (left["location"], left["quantity"]) == ("Garage", "1")


async def test_reads_of_all_open_lots_of_a_product_take_turns_and_those_of_one_do_not(
    database: Database, ada: httpx.AsyncClient, milk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read in turn has a time limit on SQLite, and its thread is not that of short look-ups."""
    [lot] = await items(ada, f"/api/products/{milk}/lots")
    read, in_turn = database.read, []

    async def noted(work: Any, **how: Any) -> Any:
        in_turn.append(how.get("user_id") is not None)
        return await read(work, **how)

    monkeypatch.setattr(database, "read", noted)
    found = {}
    for path in (
        f"/api/products/{milk}?include=lots",
        f"/api/products/{milk}/lots",
        f"/api/products/{milk}/alerts",
        f"/api/products/{milk}/movements",
        f"/api/lots/{lot['id']}",
    ):
        in_turn.clear()
        assert (await ada.get(path)).status_code == 200
        found[path.removeprefix(f"/api/products/{milk}")] = any(in_turn)

    assert list(found.values()) == [True, True, True, False, False], found
