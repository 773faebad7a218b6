"""Many notifications in one request: each with its own result, all in one transaction."""

from typing import Any

import httpx
import pytest
from tests.support.databases import database_url, on_sqlite
from tests.support.rest_app import Rest

from useby.domain.events import Event, NotificationsAdded

__all__ = ["database_url"]

PATH = "/api/notifications/batch"


async def kept(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return all notifications of a user, ``seq`` rising."""
    page = (await client.get("/api/notifications", params={"limit": "500"})).json()
    return sorted(page["items"], key=lambda each: int(each["seq"]))


async def test_each_item_has_its_own_result_and_a_bad_one_affects_no_other(
    ada: httpx.AsyncClient,
) -> None:
    items: list[Any] = [
        {"message": "one", "type": "error", "productName": "Milk"},
        {"message": ""},
        "no notification",
        None,
        {"message": "x", "userId": "somebody else"},
        {"message": "a\0b"},
        {"message": "two"},
    ]
    answer = await ada.post(PATH, json={"items": items})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(7))
    assert [each["status"] for each in results] == [201, 422, 422, 422, 422, 422, 201]
    for each in results:
        assert (each["notification"] is None) == (each["status"] != 201)
        assert bool(each["errors"]) == (each["status"] != 201)
    assert results[1]["errors"][0]["at"] == "message"
    assert [each["notification"] for each in results if each["notification"]] == await kept(ada)
    assert [each["seq"] for each in await kept(ada)] == [1, 2]


async def test_results_look_as_a_single_post_is_answered(ada: httpx.AsyncClient) -> None:
    item = {"message": 'Käse läuft ab \u2013 "bald" \U0001f9c0', "type": "warning"}
    single = (await ada.post("/api/notifications", json=item)).json()
    (result,) = (await ada.post(PATH, json={"items": [item]})).json()["results"]
    assert list(result) == ["index", "status", "notification", "errors"]
    assert list(result["notification"]) == list(single)
    assert result["notification"] | {"id": single["id"], "seq": 1} == single


async def test_a_batch_is_one_transaction_and_one_event(rest: Rest, ada: httpx.AsyncClient) -> None:
    published: list[Event] = []
    rest.database.on_commit = published.append
    await ada.post(PATH, json={"items": [{"message": str(number)} for number in range(3)]})
    (news,) = published
    assert isinstance(news, NotificationsAdded)
    assert [each.message for each in news.notifications] == ["0", "1", "2"]


async def test_a_batch_takes_a_thousand_and_not_one_more(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(PATH, json={"items": [{"message": "x"}] * 1000})
    results = answer.json()["results"]
    assert {each["status"] for each in results} == {201}
    assert [each["notification"]["seq"] for each in results] == list(range(1, 1001))
    for wrong in ([{"message": "x"}] * 1001, []):
        assert (await ada.post(PATH, json={"items": wrong})).status_code == 422
    assert (await ada.get("/api/notifications/unread-count")).json() == {"unread": 1000}


@on_sqlite
@pytest.mark.parametrize(
    "body", [[], {}, {"items": {}}, {"items": None}, "x", {"items": [], "a": 1}]
)
async def test_a_body_that_is_no_batch_is_422(ada: httpx.AsyncClient, body: Any) -> None:
    answer = await ada.post(PATH, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_batch_of_bad_items_sends_nothing(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(PATH, json={"items": [{}, 1]})
    assert [each["status"] for each in answer.json()["results"]] == [422, 422]
    assert await kept(ada) == []


async def test_without_a_token_there_is_401(rest: Rest) -> None:
    answer = await rest.client().post(PATH, json={"items": [{"message": "x"}]})
    assert answer.status_code == 401


async def test_a_batch_reaches_no_other_user(rest: Rest, ada: httpx.AsyncClient) -> None:
    _, bob = await rest.person()
    await ada.post(PATH, json={"items": [{"message": "hers"}]})
    assert await kept(bob) == []
