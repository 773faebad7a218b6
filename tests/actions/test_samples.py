"""The sample products of a new account, over REST and on both databases.

covers: useby.actions.samples, useby.api.samples, useby.schemas.samples
"""

from typing import Any

import httpx
import pytest
from tests.support.databases import database_url
from tests.support.rest_app import Rest, added, messages

from useby.actions.samples import SAMPLES
from useby.store.database import Database

__all__ = ["database_url"]


@pytest.fixture
async def rest(database: Database) -> Any:
    rest = Rest(database)
    yield rest
    await rest.close()


@pytest.fixture
async def ada(rest: Rest) -> httpx.AsyncClient:
    _, client = await rest.person()
    return client


async def products(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/products")).json()["items"]
    return found


async def test_samples_fill_every_group_of_days_left_and_are_one_notification(
    ada: httpx.AsyncClient,
) -> None:
    answer = await ada.post("/api/samples")

    assert (answer.status_code, answer.json()) == (201, {"added": len(SAMPLES)})
    assert all((await ada.get("/api/lots/counts")).json().values())
    assert {each["externalId"].startswith("sample-") for each in await products(ada)} == {True}
    assert await messages(ada) == [f"{len(SAMPLES)} products were added"]


async def test_samples_that_are_there_are_not_added_again(ada: httpx.AsyncClient) -> None:
    await ada.post("/api/samples")
    (milk,) = [each for each in await products(ada) if each["name"] == "Milk"]
    await ada.delete(f"/api/products/{milk['id']}")

    assert (await ada.post("/api/samples")).json() == {"added": 1}
    assert (await ada.post("/api/samples")).json() == {"added": 0}
    assert len(await products(ada)) == len(SAMPLES)


async def test_samples_are_removed_and_nothing_else_is(ada: httpx.AsyncClient) -> None:
    mine = await added(ada, externalId="sample-of-mine")
    await ada.post("/api/samples")
    (milk,) = [each for each in await products(ada) if each["name"] == "Milk"]
    await ada.patch(f"/api/products/{milk['id']}", json={"externalId": "milk"})
    (ham,) = [each for each in await products(ada) if each["name"] == "Cooked Ham"]
    await ada.post(f"/api/products/{ham['id']}/discard")

    answer = await ada.delete("/api/samples")

    assert (answer.status_code, answer.json()) == (200, {"removed": len(SAMPLES) - 1})
    assert {each["id"] for each in await products(ada)} == {mine["id"], milk["id"]}
    assert (await ada.delete("/api/samples")).json() == {"removed": 0}


async def test_an_account_without_room_gets_no_sample(database: Database) -> None:
    rest = Rest(database, max_products=len(SAMPLES) - 1)
    _, client = await rest.person()

    answer = await client.post("/api/samples")

    assert answer.status_code == 409
    assert await products(client) == []
    await rest.close()
