"""Products over REST: listed, and taken."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.support.rest_app import Rest, added, messages

from useby.actions.alerts import send_due
from useby.store import alerts, product_search, timed_reads
from useby.store.schema import products


@pytest.mark.parametrize(("move", "done"), [("consume", "consumed"), ("discard", "discarded")])
async def test_a_part_may_be_used_and_using_the_rest_closes_the_product(
    rest: Rest, ada: httpx.AsyncClient, move: str, done: str
) -> None:
    product = await added(ada, quantity="1.5", unit="l")
    await rest.database.write(lambda t: send_due(t, rest.now))
    path = f"/api/products/{product['id']}"
    part = await ada.post(f"{path}/{move}", json={"quantity": 0.5})
    (taking,) = part.json()["movements"]
    assert (taking["kind"], taking["quantity"]) == (done, "0.5")
    assert part.json() == product | {"quantity": "1", "movements": [taking]}
    assert (await messages(ada, unread=True)) == [
        f"0.5 l of Organic Milk {done}, 1 l left",
        "Organic Milk expires in 2 days",
    ]
    rest.now += timedelta(hours=1)
    last = await ada.post(f"{path}/{move}")
    moment = "2026-03-02T13:00:00Z"
    (taking,) = last.json()["movements"]
    closed = product | {
        "quantity": "1",
        "status": done,
        "closedAs": done,
        "closedAt": moment,
        "updatedAt": moment,
        "lotCount": 0,
    }
    assert last.json() == closed | {"movements": [taking]}
    assert (await ada.get(path)).json() == closed
    assert await messages(ada, unread=True) == [f"Organic Milk was {done}"]
    assert await rest.database.read(alerts.next_due) is None
    again = await ada.post(f"{path}/{move}")
    assert again.status_code == HTTPStatus.CONFLICT
    assert again.json()["detail"] == f"This change is not possible: the product is already {done}."


async def test_more_than_there_is_cannot_be_taken(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    answer = await ada.post(f"{path}/consume", json={"quantity": "1.000001"})
    assert answer.status_code == HTTPStatus.CONFLICT
    quantities: list[object] = ["0", "-1", "x", [], {"$ne": 1}]
    for wrong in quantities:
        answer = await ada.post(f"{path}/consume", json={"quantity": wrong})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await ada.get(path)).json() == product


async def test_a_closed_product_may_be_reopened(rest: Rest, ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    open_ = await ada.post(f"{path}/reopen")
    assert open_.status_code == HTTPStatus.CONFLICT
    await ada.post(f"{path}/consume")
    assert (await ada.post(f"{path}/reopen", json={"quantity": 2})).json() == product | {
        "quantity": "2"
    }
    await ada.post(f"{path}/discard", json={"quantity": None})
    assert (await ada.post(f"{path}/reopen")).json() == product | {"quantity": "2"}
    assert await rest.database.read(alerts.next_due) is not None


@pytest.fixture
async def shelf(ada: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    named = {
        "Beans": {"expiryDate": "2027-01-01", "category": "Tins"},
        "Ägg": {"expiryDate": "2026-03-04", "category": "Dairy", "location": "Fridge"},
        "Milk": {"expiryDate": "2026-03-02", "category": "Dairy", "notes": "100% fresh"},
        "Old Milk": {"expiryDate": "2026-02-01", "category": "Dairy"},
        "Gone": {"expiryDate": "2026-03-02"},
        "Binned": {"expiryDate": "2026-03-02"},
    }
    products = {name: await added(ada, name=name, **values) for name, values in named.items()}
    await ada.post(f"/api/products/{products['Gone']['id']}/consume")
    await ada.post(f"/api/products/{products['Binned']['id']}/discard")
    return products


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "fresh"}, ["Beans"]),
        ({"status": "expiring"}, ["Milk", "Ägg"]),
        ({"status": "expired"}, ["Old Milk"]),
        ({"status": "consumed"}, ["Gone"]),
        ({"status": "discarded"}, ["Binned"]),
        ({"expiringWithin": 0}, ["Old Milk", "Milk"]),
        ({"expiringWithin": 2}, ["Old Milk", "Milk", "Ägg"]),
        ({"expiringWithin": 2, "status": "expiring"}, ["Milk", "Ägg"]),
        ({"category": "Dairy", "sort": "name"}, ["Milk", "Old Milk", "Ägg"]),
        ({"category": "Dairy", "sort": "-name"}, ["Ägg", "Old Milk", "Milk"]),
        ({"category": "dAIRÝ", "sort": "name"}, ["Milk", "Old Milk", "Ägg"]),
        ({"category": "Fridge"}, []),
        ({"q": "MILK"}, ["Old Milk", "Milk"]),
        ({"q": "agg"}, ["Ägg"]),
        ({"q": "ägg"}, ["Ägg"]),
        ({"q": "%"}, ["Milk"]),
        ({"q": "fridge"}, ["Ägg"]),
        ({"q": "_"}, []),
        ({"sort": "createdAt"}, ["Beans", "Ägg", "Milk", "Old Milk", "Gone", "Binned"]),
        ({"sort": "-expiryDate", "limit": 2}, ["Beans", "Ägg"]),
        ({"limit": 1}, ["Old Milk"]),
    ],
)
async def test_a_list_is_filtered_and_ordered(
    ada: httpx.AsyncClient,
    shelf: dict[str, dict[str, Any]],
    query: dict[str, Any],
    names: list[str],
) -> None:
    answer = await ada.get("/api/products", params=query)
    assert answer.status_code == HTTPStatus.OK
    assert [each["name"] for each in answer.json()["items"]] == names


@pytest.mark.parametrize("sort", ["name", "-expiryDate", "createdAt"])
async def test_pages_follow_each_other_by_their_cursor(
    ada: httpx.AsyncClient, shelf: dict[str, dict[str, Any]], sort: str
) -> None:
    await added(ada, name="👨‍👩‍👧" * 20 + "𝕏" * 100)
    whole = (await ada.get("/api/products", params={"sort": sort})).json()
    assert whole["nextCursor"] is None
    items: list[dict[str, Any]] = []
    query: dict[str, Any] = {"sort": sort, "limit": 1}
    for _ in whole["items"]:
        page = (await ada.get("/api/products", params=query)).json()
        items += page["items"]
        query["cursor"] = page["nextCursor"]
    assert query["cursor"] is None
    assert items == whole["items"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "rotten"},
        {"expiringWithin": -1},
        {"expiringWithin": 10**30},
        {"expiringWithin": "soon"},
        {"sort": "quantity"},
        {"limit": 0},
        {"limit": 501},
        {"cursor": "%%%"},
        {"cursor": ""},
        {"cursor": "x" * 5000},
        {"cursor": "WyJuYW1lIiwieCIsInkiXQ", "sort": "-name"},
        {"q": "a\0b"},
        {"category": "\0"},
    ],
    ids=str,
)
async def test_a_hostile_query_is_refused(ada: httpx.AsyncClient, query: dict[str, Any]) -> None:
    answer = await ada.get("/api/products", params=query)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_search_finds_products_written_by_the_previous_version(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await added(ada, name="Käse")
    as_new = sa.update(products).values(folded=None, folded_at=None)
    await rest.database.write(lambda t: t.connection.execute(as_new))
    for text in ("KASE", "käs"):
        answer = await ada.get("/api/products", params={"q": text})
        assert [each["name"] for each in answer.json()["items"]] == ["Käse"]


async def test_a_search_that_takes_too_long_is_503_with_retry_after(
    ada: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(connection: Connection, *_: object) -> None:
        connection.exec_driver_sql(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)"
            " SELECT count(*) FROM numbers"
        )

    monkeypatch.setattr(timed_reads, "READ_SECONDS", 0.1)
    monkeypatch.setattr(product_search, "list_", endless)
    answer = await ada.get("/api/products", params={"q": "milk"})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["detail"] == (
        "Reading this took longer than 5 seconds. Ask for less. Try again in 2 seconds."
    )


async def test_null_no_date_and_the_two_far_dates_mean_never_listed_last_and_without_alerts(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    """Field input 7; stock.md, section 3: `printedDate: null` is never."""
    given = [
        {"name": "Salt", "expiryDate": None},
        {"name": "Rice"},
        {"name": "Honey", "expiryDate": "2999-12-31"},
        {"name": "Sugar", "expiryDate": "9999-12-31"},
    ]
    for item in given:
        answer = await ada.post("/api/products", json=item)
        assert answer.status_code == HTTPStatus.CREATED, answer.text
        endless = answer.json()
        assert (endless["expiryDate"], endless["daysLeft"]) == (None, None)
        assert endless["status"] == "fresh"
    await added(ada, name="Wine", expiryDate="2998-12-31")

    async def listed(**query: Any) -> list[str]:
        answer = await ada.get("/api/products", params=query)
        return [each["name"] for each in answer.json()["items"]]

    first, *others = await listed()
    assert first == "Wine"
    assert sorted(others) == ["Honey", "Rice", "Salt", "Sugar"]
    assert await listed(expiringWithin=36_500) == []
    assert await listed(status="expired") == []
    assert len(await listed(status="fresh")) == len(given) + 1
    due = await rest.database.read(alerts.next_due)
    assert due is not None
    assert due.year == 2998


async def test_a_date_may_be_taken_from_a_product_and_given_back(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    answer = await ada.patch(path, json={"expiryDate": None})
    assert answer.json()["expiryDate"] is None
    assert await rest.database.read(alerts.next_due) is None

    answer = await ada.patch(path, json={"name": "Honey"})
    assert answer.json()["expiryDate"] is None

    answer = await ada.patch(path, json={"expiryDate": product["expiryDate"]})
    assert answer.json()["expiryDate"] == product["expiryDate"]
    assert await rest.database.read(alerts.next_due) is not None


async def test_a_product_that_never_expires_is_consumed_without_a_date(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, name="Salt", expiryDate=None)
    answer = await ada.post(f"/api/products/{product['id']}/consume")
    assert answer.json()["status"] == "consumed"
    (notification,) = (await ada.get("/api/notifications")).json()["items"]
    assert (notification["message"], notification["expiresOn"], notification["daysLeft"]) == (
        "Salt was consumed",
        None,
        None,
    )
