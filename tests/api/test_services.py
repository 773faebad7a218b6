"""Service keys: they post to any user, once, and learn no more than that a user is there.

covers: useby.api.services, useby.actions.service_posts, useby.store.service_posts
"""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.api_keys import a_key
from tests.support.databases import database_url
from tests.support.rest_app import Rest, messages

from useby.actions import accounts, api_keys
from useby.domain.account import User
from useby.domain.api_key import MAX_KEYS

__all__ = ["database_url"]

UNKNOWN = "01a20b6e-0000-7000-8000-000000000000"
BATCH = "/api/notifications/batch"
JSON = {"Content-Type": "application/json"}
HELLO = {"message": "Your order is on its way"}


async def a_service(rest: Rest) -> tuple[str, httpx.AsyncClient]:
    """Make a service key; return its id and a client with it."""
    key, text = await rest.database.write(
        lambda t: api_keys.create_service_key(t, name="shop", expires_at=None, now=rest.now)
    )
    return key.id, rest.client(authorization=f"Bearer {text}")


@pytest.fixture
async def shop(rest: Rest) -> httpx.AsyncClient:
    _, client = await a_service(rest)
    return client


@pytest.fixture
async def bob(rest: Rest) -> tuple[User, httpx.AsyncClient]:
    return await rest.person()


def to(user: User) -> str:
    return f"/api/users/{user.id}/notifications"


async def test_a_service_posts_to_a_user_by_id(
    shop: httpx.AsyncClient, bob: tuple[User, httpx.AsyncClient]
) -> None:
    user, his = bob
    answer = await shop.post(to(user), json=HELLO | {"type": "warning"})
    assert answer.status_code == HTTPStatus.CREATED
    (received,) = (await his.get("/api/notifications")).json()["items"]
    assert received == answer.json()
    assert (received["message"], received["type"]) == (HELLO["message"], "warning")


async def test_each_item_of_a_batch_has_its_own_user_and_its_own_result(
    rest: Rest, shop: httpx.AsyncClient, bob: tuple[User, httpx.AsyncClient]
) -> None:
    user, his = bob
    ada, hers = await rest.person()
    gone, _ = await rest.person()
    await rest.database.write(
        lambda t: accounts.disable_user(t, gone.id, disabled=True, now=rest.now)
    )
    items: list[Any] = [
        {"message": "one", "userId": user.id},
        {"message": "two", "email": str(ada.email).upper()},
        {"message": "x", "userId": UNKNOWN},
        {"message": "x", "email": "nobody@useby.example"},
        {"message": "x", "userId": gone.id},
        {"message": "x"},
        {"message": "x", "userId": user.id, "email": ada.email},
        {"message": "", "userId": user.id},
        {"message": "three", "userId": user.id},
        "nonsense",
    ]
    answer = await shop.post(BATCH, json={"items": items})
    assert answer.status_code == HTTPStatus.OK
    results = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(10))
    statuses = [201, 201, 404, 404, 404, 422, 422, 422, 201, 422]
    assert [each["status"] for each in results] == statuses
    unknown = [results[2]["errors"], results[4]["errors"]]
    assert unknown == [[{"at": "userId", "message": "is of no user of this node"}]] * 2
    assert results[3]["errors"] == [{"at": "email", "message": "is of no user of this node"}]
    assert 'e.g. "userId": "42"' in results[5]["errors"][0]["message"]
    assert await messages(his) == ["three", "one"]
    assert await messages(hers) == ["two"]
    assert "@" not in answer.text.replace("@useby.example", ""), "no address is answered"


async def test_an_unknown_user_is_404_and_no_user_is_made(
    rest: Rest, shop: httpx.AsyncClient
) -> None:
    for user_id in (UNKNOWN, "42", "x" * 128, "ada@useby.example"):
        answer = await shop.post(f"/api/users/{user_id}/notifications", json=HELLO)
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.json()["detail"] == "There is no such user."


@pytest.mark.parametrize("path", ["single", "batch"])
async def test_a_repeat_with_the_same_key_posts_once_and_gets_the_same_answer(
    rest: Rest, bob: tuple[User, httpx.AsyncClient], path: str
) -> None:
    user, his = bob
    _, shop = await a_service(rest)
    _, other = await a_service(rest)
    items = [HELLO | {"userId": user.id}, HELLO | {"email": "late@useby.example"}]
    body: Any = HELLO if path == "single" else {"items": items}
    url = to(user) if path == "single" else BATCH
    key = {"Idempotency-Key": "order 17"}
    first = await shop.post(url, json=body, headers=key)
    assert first.is_success
    rest.now += timedelta(hours=23)
    await rest.person(email="late@useby.example")
    again = await shop.post(url, json=body, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(await messages(his)) == 1
    changed = await shop.post(url, content=first.request.content + b" ", headers=key | JSON)
    assert changed.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await other.post(url, json=body, headers=key)).is_success, "another key's own"
    rest.now += timedelta(hours=2)
    assert (await shop.post(url, json=body, headers=key)).is_success
    assert len(await messages(his)) == 3


async def test_repeats_at_the_same_time_post_once(
    shop: httpx.AsyncClient, bob: tuple[User, httpx.AsyncClient]
) -> None:
    user, his = bob
    key = {"Idempotency-Key": "order 17"}
    answers = await asyncio.gather(
        *(shop.post(to(user), json=HELLO, headers=key) for _ in range(5))
    )
    assert len({each.content for each in answers}) == 1
    assert answers[0].status_code == HTTPStatus.CREATED
    assert len(await messages(his)) == 1


async def test_a_full_account_is_409_and_the_others_get_theirs(database: Any) -> None:
    rest = Rest(database, max_unread=1)
    _, shop = await a_service(rest)
    (full, _), (ada, hers) = [await rest.person() for _ in range(2)]
    key = {"Idempotency-Key": "k"}
    items = [HELLO | {"userId": each} for each in (full.id, full.id, ada.id)]
    answers = [await shop.post(BATCH, json={"items": items}, headers=key) for _ in range(2)]
    assert answers[0].content == answers[1].content
    results = answers[0].json()["results"]
    assert [each["status"] for each in results] == [201, 409, 201]
    assert "limit of 1 unread notifications" in results[1]["errors"][0]["message"]
    assert await messages(hers) == [HELLO["message"]]
    answer = await shop.post(to(full), json=HELLO)
    assert answer.status_code == HTTPStatus.CONFLICT
    await rest.close()


async def test_a_service_key_does_nothing_else(
    rest: Rest, shop: httpx.AsyncClient, bob: tuple[User, httpx.AsyncClient]
) -> None:
    for method, path in (
        ("GET", "/api/me"),
        ("GET", "/api/notifications"),
        ("POST", "/api/notifications"),
        ("POST", "/api/notifications/read-all"),
        ("GET", "/api/products"),
        ("POST", "/api/ws/ticket"),
        ("GET", "/api/keys"),
        ("POST", "/api/keys"),
    ):
        answer = await shop.request(method, path, json=HELLO if method == "POST" else None)
        assert answer.status_code == HTTPStatus.FORBIDDEN, path


async def test_only_a_service_key_posts_to_users_and_others_learn_nothing(
    rest: Rest, bob: tuple[User, httpx.AsyncClient]
) -> None:
    user, his = bob
    _, hers = await rest.person()
    key = (await a_key(hers, "notify"))["key"]
    for client in (hers, his, rest.client(authorization=f"Bearer {key}")):
        answers = [
            await client.post(f"/api/users/{each}/notifications", json=HELLO)
            for each in (user.id, UNKNOWN)
        ]
        assert answers[0].status_code == HTTPStatus.FORBIDDEN
        assert answers[0].content == answers[1].content
        assert "notify:any" in answers[0].json()["detail"]
        items = [HELLO | {"userId": user.id}]
        (result,) = (await client.post(BATCH, json={"items": items})).json()["results"]
        assert result["status"] == 422
    assert await messages(his) == []


async def test_a_revoked_service_key_ends_at_once(
    rest: Rest, bob: tuple[User, httpx.AsyncClient]
) -> None:
    user, _ = bob
    key_id, shop = await a_service(rest)
    key = {"Idempotency-Key": "k"}
    assert (await shop.post(to(user), json=HELLO, headers=key)).is_success
    assert await rest.database.write(lambda t: api_keys.delete_service_key(t, key_id))
    for body, path in ((HELLO, to(user)), ({"items": [HELLO]}, BATCH)):
        answer = await shop.post(path, json=body, headers=key)
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert not await rest.database.write(lambda t: api_keys.delete_service_key(t, key_id))


async def test_service_keys_have_no_limit_in_number(rest: Rest) -> None:
    for _ in range(MAX_KEYS + 1):
        await a_service(rest)
