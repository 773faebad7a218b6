"""``Idempotency-Key``: what is sent again is not done again, and is answered as it was."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.databases import database_url, on_sqlite
from tests.support.rest_app import Rest
from tests.support.time_limits import HANG_TIMEOUT

from useby.store.database import Database, StoreUnavailable
from useby.store.idempotency import WHOLE
from useby.store.schema import idempotency_keys

__all__ = ["database_url"]

ROUTES = [
    ("/api/notifications", {"message": "hello"}, 201),
    ("/api/notifications/batch", {"items": [{"message": "hello"}, {"message": ""}]}, 200),
]
both = pytest.mark.parametrize(("path", "body", "status"), ROUTES, ids=["one", "batch"])
JSON = {"content-type": "application/json"}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


async def sent(
    client: httpx.AsyncClient, path: str, body: Any, key: str | None = KEY
) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return await client.post(path, json=body, headers=headers)


async def messages(client: httpx.AsyncClient) -> list[str]:
    items = (await client.get("/api/notifications")).json()["items"]
    return [each["message"] for each in items]


def same(one: httpx.Response, other: httpx.Response) -> bool:
    return (one.status_code, one.content, one.headers) == (
        other.status_code,
        other.content,
        other.headers,
    )


@both
async def test_a_repeat_is_answered_with_the_same_status_and_the_same_bytes(
    rest: Rest, ada: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    first = await sent(ada, path, body)
    assert first.status_code == status
    rest.now += timedelta(hours=23)
    await ada.post("/api/notifications/read-all")
    assert same(await sent(ada, path, body), first)
    assert await messages(ada) == ["hello"]


@both
async def test_repeats_in_parallel_give_one_row_one_number_and_one_body(
    ada: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    answers = await asyncio.gather(*(sent(ada, path, body) for _ in range(5)))
    assert answers[0].status_code == status
    assert all(same(each, answers[0]) for each in answers)
    (kept,) = (await ada.get("/api/notifications")).json()["items"]
    assert kept["seq"] == 1


async def test_a_request_whose_client_is_gone_is_executed_and_a_repeat_gets_its_answer(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    """The connection is cut at the commit (F17): the caller's task is cancelled."""
    committed = asyncio.Event()
    rest.database.on_commit = lambda _: committed.set()
    lost = asyncio.create_task(sent(ada, *ROUTES[0][:2]))
    async with asyncio.timeout(HANG_TIMEOUT):
        await committed.wait()
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    answers = await asyncio.gather(*(sent(ada, *ROUTES[0][:2]) for _ in range(5)))
    (kept,) = (await ada.get("/api/notifications")).json()["items"]
    assert [each.json() for each in answers] == [kept] * 5


@both
async def test_another_body_under_the_same_key_is_422_and_does_nothing(
    ada: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    await sent(ada, path, body)
    other = {"message": "other"} if status == 201 else {"items": [{"message": "other"}]}
    answer = await sent(ada, path, other)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "another request" in answer.json()["detail"]
    assert await messages(ada) == ["hello"]


async def test_another_path_under_the_same_key_is_another_request(ada: httpx.AsyncClient) -> None:
    for path, _, _ in ROUTES:
        answer = await ada.post(
            path, content=b'{"message":"x"}', headers=JSON | {"idempotency-key": KEY}
        )
    assert answer.status_code == 422


async def test_users_may_have_the_same_key(rest: Rest, ada: httpx.AsyncClient) -> None:
    _, bob = await rest.person()
    await sent(ada, "/api/notifications", {"message": "from ada"})
    answer = await sent(bob, "/api/notifications", {"message": "from bob"})
    assert (answer.status_code, answer.json()["message"]) == (201, "from bob")


@both
async def test_a_key_is_free_again_after_a_day(
    rest: Rest, ada: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    await sent(ada, path, body)
    rest.now += timedelta(hours=24)
    assert (await sent(ada, path, body)).status_code == status
    assert await messages(ada) == ["hello", "hello"]


@both
async def test_requests_without_a_key_are_all_executed(
    ada: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    for _ in range(2):
        assert (await sent(ada, path, body, key=None)).status_code == status
    assert await messages(ada) == ["hello", "hello"]


@on_sqlite
@pytest.mark.parametrize("key", ["a", "k" * 255, f'"{KEY}"', "with blanks and ,;=~!", "0"])
async def test_any_printable_text_is_a_key(ada: httpx.AsyncClient, key: str) -> None:
    first = await sent(ada, "/api/notifications", {"message": "hello"}, key)
    assert first.status_code == 201
    assert same(await sent(ada, "/api/notifications", {"message": "hello"}, key), first)


@on_sqlite
@pytest.mark.parametrize("key", [b"", b"k" * 256, b"\xe9", b"a\tb", b"\x7f"])
@both
async def test_a_malformed_key_is_422_and_names_the_header(
    ada: httpx.AsyncClient, path: str, body: Any, status: int, key: bytes
) -> None:
    answer = await ada.post(path, json=body, headers=[(b"idempotency-key", key)])
    assert answer.status_code == 422
    assert {each["at"] for each in answer.json()["errors"]} == {"header.Idempotency-Key"}
    assert await messages(ada) == []


async def test_a_request_that_was_refused_leaves_its_key_free(ada: httpx.AsyncClient) -> None:
    assert (await sent(ada, "/api/notifications", {"message": ""})).status_code == 422
    answer = await sent(ada, "/api/notifications", {"message": "corrected"})
    assert answer.status_code == 201


async def test_a_request_during_an_outage_leaves_its_key_free(
    rest: Rest, ada: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Any, **_how: Any) -> Any:
        raise StoreUnavailable("as if the disk were full")

    with monkeypatch.context() as patch:
        patch.setattr(rest.database, "write", away)
        assert (await sent(ada, *ROUTES[0][:2])).status_code == 503
    assert (await sent(ada, *ROUTES[0][:2])).status_code == 201
    assert await messages(ada) == ["hello"]


@on_sqlite
async def test_the_document_describes_the_header(rest: Rest) -> None:
    document = (await rest.client().get("/api/openapi.json")).json()
    for path, _, status in ROUTES:
        operation = document["paths"][path]["post"]
        (parameter,) = [each for each in operation["parameters"] if each["in"] == "header"]
        assert (parameter["name"], parameter["required"]) == ("Idempotency-Key", False)
        assert "24 hours" in json.dumps(parameter)
        content = operation["responses"][str(status)]["content"]
        assert content["application/json"]["schema"]["$ref"]


async def kept_product(ada: httpx.AsyncClient, key: str | None = None) -> httpx.Response:
    body = {"name": "Milk", "quantity": "2", "expiryDate": "2026-09-01"}
    answer = await sent(ada, "/api/products", body, key)
    assert answer.status_code == 201
    return answer


async def movements(client: httpx.AsyncClient) -> list[str]:
    items = (await client.get("/api/movements")).json()["items"]
    return [each["kind"] for each in items]


async def test_a_product_that_is_added_twice_under_one_key_is_added_once(
    ada: httpx.AsyncClient,
) -> None:
    first = await kept_product(ada, KEY)
    assert same(await kept_product(ada, KEY), first)
    assert len((await ada.get("/api/products")).json()["items"]) == 1
    other = await sent(ada, "/api/products", {"name": "Tea", "expiryDate": None})
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("lots/{lot}/consume", {"quantity": "0.5"}),
        ("lots/{lot}/discard", {"quantity": "0.5", "reason": "spoiled"}),
        ("lots/{lot}/open", {"quantity": "0.5"}),
        ("lots/{lot}/freeze", {"quantity": "0.5"}),
        ("lots/{lot}/move", {"quantity": "0.5", "location": "Cellar"}),
        ("products/{product}/lots", {"quantity": "0.5", "expiryDate": "2026-09-02"}),
        ("products/{product}/consume", {"quantity": "0.5"}),
        ("products/{product}/discard", {"quantity": "0.5"}),
    ],
)
async def test_an_action_that_is_sent_twice_under_one_key_is_done_once(
    ada: httpx.AsyncClient, action: str, body: Any
) -> None:
    product = (await kept_product(ada)).json()["id"]
    [lot] = (await ada.get(f"/api/products/{product}/lots")).json()["items"]
    path = f"/api/{action.format(lot=lot['id'], product=product)}"
    first, again = await asyncio.gather(*(sent(ada, path, body) for _ in range(2)))
    assert first.is_success
    assert same(again, first)
    done = await movements(ada)
    assert len(done) == (3 if "split" in done else 2), "the receipt, and the action"
    after = await ada.get(f"/api/products/{product}?include=lots")
    assert (await sent(ada, path, body, "another")).is_success
    assert after.json() != (await ada.get(f"/api/products/{product}?include=lots")).json()


async def test_the_long_answer_to_an_action_is_kept_short_and_sent_again_whole(
    ada: httpx.AsyncClient, database: Database
) -> None:
    product = (await kept_product(ada)).json()["id"]
    lots = 100
    for _ in range(lots - 1):
        assert (await ada.post(f"/api/products/{product}/lots", json={})).status_code == 201
    path = f"/api/products/{product}/consume"

    first = await sent(ada, path, {})
    assert (await ada.delete(f"/api/products/{product}")).status_code == 204
    again = await sent(ada, path, {})

    assert len(first.json()["movements"]) == lots
    assert same(again, first), "although what it shows is deleted"
    longest = sa.select(sa.func.max(sa.func.length(idempotency_keys.c.answer)))
    kept = await database.read(lambda c: c.scalar(longest))
    assert kept is not None
    assert kept < WHOLE + 100 * lots < len(first.content) / 2


async def test_an_undo_that_is_sent_twice_is_answered_as_before(ada: httpx.AsyncClient) -> None:
    product = (await kept_product(ada)).json()["id"]
    used = await ada.post(f"/api/products/{product}/consume", json={})
    [movement] = used.json()["movements"]
    first = await sent(ada, f"/api/movements/{movement['id']}/undo", None)
    assert first.status_code == 200
    assert same(await sent(ada, f"/api/movements/{movement['id']}/undo", None), first)
    assert (await sent(ada, f"/api/movements/{movement['id']}/undo", None, "n")).status_code == 409


async def test_a_refused_action_may_be_repeated_under_its_key(ada: httpx.AsyncClient) -> None:
    product = (await kept_product(ada)).json()["id"]
    path, body = f"/api/products/{product}/consume", {"quantity": "3"}
    assert (await sent(ada, path, body)).status_code == 409
    lot = {"quantity": "1", "expiryDate": "2026-09-02"}
    assert (await sent(ada, f"/api/products/{product}/lots", lot, None)).status_code == 201
    assert (await sent(ada, path, body)).status_code == 200
