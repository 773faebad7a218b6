"""Limits of an account: clear refusals that write nothing, and alerts in spite of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.support.databases import database_url
from tests.support.factories import NOON
from tests.support.rest_app import MILK, Rest

from useby import metrics
from useby.actions import alerts as clock
from useby.store import usage
from useby.store.database import Database

__all__ = ["database_url"]

LIMITS = {"max_products": 3, "max_unread": 5, "max_account_bytes": 64 * 1024}
HELLO = {"message": "hello"}


@pytest.fixture
async def rest(database: Database) -> AsyncIterator[Rest]:
    rest = Rest(database, **LIMITS)
    yield rest
    await rest.close()


async def post(client: httpx.AsyncClient, count: int = 1, key: str = "") -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    if count == 1:
        return await client.post("/api/notifications", json=HELLO, headers=headers)
    body = {"items": [HELLO] * count}
    return await client.post("/api/notifications/batch", json=body, headers=headers)


def assert_refused(answer: httpx.Response, detail: str) -> None:
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def refusals(quota: str) -> float:
    count: float = metrics.quota_refusals.labels(quota)._value.get()
    return count


async def unread(client: httpx.AsyncClient) -> int:
    count: int = (await client.get("/api/notifications/unread-count")).json()["unread"]
    return count


@pytest.mark.parametrize("key", ["", "a key"], ids=["without-a-key", "with-a-key"])
async def test_posts_at_the_limit_of_unread_are_refused_until_some_are_read(
    rest: Rest, ada: httpx.AsyncClient, key: str
) -> None:
    _, bob = await rest.person()
    assert (await post(ada, 5)).status_code == 200
    before = refusals("unread")
    assert_refused(await post(ada, key=key), "limit of 5 unread")
    assert_refused(await post(ada, 2, key=key), "limit of 5 unread")
    assert refusals("unread") == before + 2
    assert await unread(ada) == 5
    assert (await post(bob)).status_code == 201, "only the account itself is refused"
    assert (await ada.post("/api/notifications/read-all")).status_code == 200
    assert (await post(ada, key=key)).status_code == 201


async def test_a_batch_that_would_pass_the_limit_is_refused_whole(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await post(ada, 3)
    assert_refused(await post(ada, 3), "limit of 5 unread")
    assert await unread(ada) == 3
    assert (await post(ada, 2)).status_code == 200


async def test_posts_kept_together_are_each_refused_or_kept(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    _, bob = await rest.person()
    answers = await asyncio.gather(*(post(each) for each in [ada, bob] * 7))
    assert sorted(each.status_code for each in answers[::2]) == [201] * 5 + [409] * 2
    assert sorted(each.status_code for each in answers[1::2]) == [201] * 5 + [409] * 2


async def test_a_repeat_is_answered_as_before_although_the_limit_is_reached(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    first = await post(ada, 5, key="k")
    assert first.status_code == 200
    again = await post(ada, 5, key="k")
    assert (again.status_code, again.content) == (200, first.content)


async def test_products_at_their_limit_are_refused_until_one_is_deleted(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    far = MILK | {"expiryDate": "2090-01-01"}
    three = await ada.post("/api/products/batch", json={"items": [far] * 3})
    ids = [each["product"]["id"] for each in three.json()["results"]]
    assert_refused(await ada.post("/api/products", json=far), "limit of 3 products")
    batch = await ada.post("/api/products/batch", json={"items": [far]})
    assert_refused(batch, "limit of 3 products")
    changed = await ada.patch(f"/api/products/{ids[0]}", json={"name": "Oat Milk"})
    assert changed.status_code == 200, "what is there may be changed"
    assert (await ada.delete(f"/api/products/{ids[0]}")).status_code == 204
    assert (await ada.post("/api/products", json=far)).status_code == 201


async def test_an_account_at_its_limit_of_bytes_may_only_make_room(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    far = MILK | {"expiryDate": "2090-01-01"}
    product = (await ada.post("/api/products", json=far)).json()["id"]
    while (answer := await post(ada, 5)).status_code == 200:
        await ada.post("/api/notifications/read-all")
    assert_refused(answer, "limit of 65,536 bytes")
    assert_refused(await ada.post("/api/products", json=far), "bytes")
    for path, body in [("consume", {"quantity": "1"}), ("discard", {}), ("reopen", {})]:
        assert_refused(await ada.post(f"/api/products/{product}/{path}", json=body), "bytes")
    assert_refused(await ada.patch(f"/api/products/{product}", json={"notes": "n"}), "bytes")
    assert (await ada.delete(f"/api/products/{product}")).status_code == 204
    for each in (await ada.get("/api/notifications")).json()["items"][:10]:
        assert (await ada.delete(f"/api/notifications/{each['id']}")).status_code == 204
    assert (await post(ada)).status_code == 201


async def test_alerts_are_kept_although_every_limit_is_reached(
    rest: Rest, ada: httpx.AsyncClient, database: Database
) -> None:
    soon = MILK | {"expiryDate": "2026-06-01", "leadDays": [1]}
    assert (await ada.post("/api/products", json=soon)).status_code == 201
    assert (await post(ada, 5)).status_code == 200
    later = NOON + timedelta(days=120)
    batch = await database.write(lambda t: clock.send_due(t, later))
    assert batch.sent == 1
    assert await unread(ada) == 6
    newest: Any = (await ada.get("/api/notifications")).json()["items"][0]
    assert newest["event"] == "expired"
    assert_refused(await post(ada), "limit of 5 unread")
    owner = (await ada.get("/api/me")).json()["id"]
    assert (await database.read(lambda c: usage.of(c, owner))).unread == 6


async def test_an_account_at_its_limit_can_delete_lots_and_products(ada: httpx.AsyncClient) -> None:
    path = f"/api/products/{(await ada.post('/api/products', json=MILK)).json()['id']}"
    lot = (await ada.post(f"{path}/lots", json={})).json()
    tag = (await ada.get(path)).headers["etag"]
    await post(ada, 5)
    assert_refused(await ada.post(f"{path}/lots", json={}), "limit of 5 unread")

    stale = await ada.delete(path, headers={"if-match": '"a"'})
    deleted_lot = await ada.delete(f"/api/lots/{lot['id']}", headers={"if-match": "*"})
    deleted = await ada.delete(path, headers={"if-match": f'{tag}, "a"'})
    anyway = await ada.delete(path, headers={"if-match": "*"})

    assert (stale.status_code, deleted_lot.status_code) == (412, 204)
    assert (deleted.status_code, anyway.status_code) == (412, 204), "its lots have changed"
