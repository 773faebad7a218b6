"""Products over REST.

covers: useby.schemas.fields, useby.schemas.products
"""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from fastapi import Response
from tests.support.factories import NOON, a_kept_owner
from tests.support.rest_app import MILK, Rest, added, messages
from uuid_utils import uuid7

from useby.actions.alerts import send_due
from useby.api import products as routes
from useby.api.idempotency import Repeatable
from useby.api.stock_caller import StockCaller
from useby.auth.tokens import Claims
from useby.domain.account import AccountChange, User
from useby.domain.household import Actor, Deed, Role
from useby.schemas.products import ProductIn
from useby.store import accounts, alerts, slices
from useby.store.database import Database
from useby.store.notifications import UnknownUser

ONCE = Repeatable(None, "")
"""What a request without a key is."""


async def test_a_product_is_answered_with_every_field_by_its_name(ada: httpx.AsyncClient) -> None:
    given = {
        "name": "Organic Milk",
        "category": "Dairy",
        "barcode": "4006381333931",
        "quantity": "1.50",
        "unit": "l",
        "location": "Fridge",
        "notes": "the blue one\n🥛",
        "expiryDate": "2026-03-04",
        "dateKind": "use_by",
        "leadDays": [1, 14],
        "externalId": "shelf/7",
        "minimumStock": "2",
        "shelfLife": "P4W",
        "afterOpening": "P5D",
        "afterFreezing": "P90D",
        "afterThawing": "PT24H",
    }
    answer = await ada.post("/api/products", json=given)
    assert answer.status_code == HTTPStatus.CREATED
    product = answer.json()
    assert product == given | {
        "id": product["id"],
        "barcodes": ["4006381333931"],
        "quantity": "1.5",
        "leadDays": [14, 1],
        "lotCount": 1,
        "status": "expiring",
        "daysLeft": 2,
        "closedAs": None,
        "closedAt": None,
        "createdAt": "2026-03-02T12:00:00Z",
        "updatedAt": "2026-03-02T12:00:00Z",
        "warnings": [],
    }
    assert (await ada.get(f"/api/products/{product['id']}")).json() == product


async def test_a_name_and_a_date_are_enough(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    assert (product["quantity"], product["dateKind"]) == ("1", "best_before")
    assert (product["leadDays"], product["externalId"], product["barcode"]) == (None, None, "")


async def test_a_product_added_within_its_lead_time_is_due_at_once_and_posting_it_sends_nothing(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await added(ada)
    assert await messages(ada) == []
    due = await rest.database.read(alerts.next_due)
    assert due is not None
    assert due <= rest.now
    await rest.database.write(lambda t: send_due(t, rest.now))
    assert await messages(ada) == ["Organic Milk expires in 2 days"]


@pytest.mark.parametrize(
    ("zone", "days", "status"),
    [
        ("Pacific/Niue", 1, "expiring"),  # still the 2nd
        ("Europe/Berlin", 0, "expiring"),  # half past midnight on the 3rd
        ("Pacific/Kiritimati", 0, "expiring"),  # the 3rd, past noon
    ],
)
async def test_status_and_days_left_are_counted_in_the_owners_zone(
    rest: Rest, zone: str, days: int, status: str
) -> None:
    rest.now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    _, client = await rest.person(time_zone=zone)
    product = await added(client, expiryDate="2026-03-03")
    assert (product["daysLeft"], product["status"]) == (days, status)
    rest.now += timedelta(hours=12)
    (later,) = (await client.get("/api/products")).json()["items"]
    ended = zone == "Pacific/Kiritimati"
    assert later["daysLeft"] == (-1 if ended else 0)
    assert later["status"] == ("expired" if ended else "expiring")


async def test_a_date_time_is_answered_in_the_owners_zone(ada: httpx.AsyncClient) -> None:
    product = await added(ada, expiryDate="2026-07-01T10:30:00Z")
    assert product["expiryDate"] == "2026-07-01T12:30:00+02:00"
    again = await added(ada, expiryDate=product["expiryDate"])
    assert again["expiryDate"] == product["expiryDate"]


@pytest.mark.parametrize("barcode", ["96385074", "036000291452", "4006381333931", "lot 7/B", "123"])
async def test_a_barcode_is_a_gtin_or_free_text(ada: httpx.AsyncClient, barcode: str) -> None:
    assert (await added(ada, barcode=f" {barcode} "))["barcode"] == barcode


WRONG = {
    "no name": {"name": ""},
    "a blank name": {"name": "  "},
    "a long name": {"name": "x" * 201},
    "a number for a name": {"name": 7},
    "a NUL": {"notes": "a\0b"},
    "a NUL in the external id": {"externalId": "\0"},
    "a lone surrogate": {"location": "\ud800"},
    "a barcode of 129 characters": {"barcode": "4" * 129},
    "an empty date": {"expiryDate": ""},
    "no day of the calendar": {"expiryDate": "2026-02-29"},
    "an ISO week": {"expiryDate": "2026-W51-3"},
    "an ordinal date": {"expiryDate": "2026-350"},
    "a date without hyphens": {"expiryDate": "20261216"},
    "a date-time without its offset": {"expiryDate": "2026-03-04T10:30:00"},
    "a year out of range": {"expiryDate": "9999-12-30"},
    "a number for a date": {"expiryDate": 20260304},
    "nothing of it": {"quantity": 0},
    "less than nothing": {"quantity": "-1"},
    "seven decimals": {"quantity": "0.0000001"},
    "more than a store holds": {"quantity": 10**30},
    "not a number": {"quantity": "NaN"},
    "infinitely much": {"quantity": "Infinity"},
    "an unknown kind of date": {"dateKind": "sell_by"},
    "a lead of part of a day": {"leadDays": [1.5]},
    "a lead that is a boolean": {"leadDays": [True]},
    "a lead after the date": {"leadDays": [-1]},
    "a lead of eleven years": {"leadDays": [4000]},
    "too many leads": {"leadDays": list(range(17))},
    "an empty external id": {"externalId": ""},
    "an unknown field": {"expiry": "2026-03-04"},
    "a field that is not the caller's": {"id": "x"},
}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
async def test_an_invalid_field_is_refused_by_its_name(
    ada: httpx.AsyncClient, values: dict[str, Any]
) -> None:
    # httpx would not write a lone surrogate
    body = json.dumps(MILK | values).encode()
    headers = {"content-type": "application/json"}
    (field,) = values
    answer = await ada.post("/api/products", content=body, headers=headers)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["at"].startswith(f"body.{field}")
    batch = b'{"items":[' + body + b"]}"
    (result,) = (await ada.post("/api/products/batch", content=batch, headers=headers)).json()[
        "results"
    ]
    assert (result["index"], result["status"], result["product"]) == (0, 422, None)
    assert result["errors"][0]["at"].startswith(field)
    product = await added(ada)
    change = await ada.patch(
        f"/api/products/{product['id']}", content=json.dumps(values).encode(), headers=headers
    )
    assert change.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await ada.get("/api/products")).json()["items"] == [product]


async def test_a_taken_external_id_is_a_conflict(ada: httpx.AsyncClient) -> None:
    first = await added(ada, externalId="7")
    other = await added(ada)
    answer = await ada.post("/api/products", json=MILK | {"externalId": "7"})
    assert answer.status_code == HTTPStatus.CONFLICT
    answer = await ada.patch(f"/api/products/{other['id']}", json={"externalId": "7"})
    assert answer.status_code == HTTPStatus.CONFLICT
    answer = await ada.patch(f"/api/products/{first['id']}", json={"externalId": "7"})
    assert answer.status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": " Milk "}, {"name": "Milk"}),
        ({"category": "Dairy"}, {"category": "Dairy"}),
        ({"barcode": ""}, {"barcodes": []}),
        ({"quantity": 3}, {"quantity": "3"}),
        ({"unit": "l", "location": "Cellar"}, {"unit": "l", "location": "Cellar"}),
        ({"notes": "n"}, {"notes": "n"}),
        ({"dateKind": "use_by"}, {"dateKind": "use_by"}),
        ({"leadDays": []}, {"leadDays": [], "status": "fresh"}),
        ({"leadDays": None}, {"leadDays": None}),
        ({"externalId": None}, {"externalId": None}),
        ({"expiryDate": "2026-03-01"}, {"status": "expired", "daysLeft": -1}),
        ({"expiryDate": "2026-03-04T09:00:00+01:00"}, {"daysLeft": 2}),
        ({}, {}),
    ],
)
async def test_a_change_changes_only_the_given_fields(
    rest: Rest, ada: httpx.AsyncClient, change: dict[str, Any], shown: dict[str, Any]
) -> None:
    before = await added(ada, externalId="7", barcode="lot", leadDays=[5])
    rest.now += timedelta(minutes=1)
    answer = await ada.patch(f"/api/products/{before['id']}", json=change)
    assert answer.status_code == HTTPStatus.OK
    expected = before | change | shown | {"updatedAt": "2026-03-02T12:01:00Z"}
    assert answer.json() == expected
    assert (await ada.get(f"/api/products/{before['id']}")).json() == expected


@pytest.mark.parametrize("field", ["name", "quantity", "dateKind", "notes"])
async def test_a_required_field_of_a_product_cannot_be_made_null(
    ada: httpx.AsyncClient, field: str
) -> None:
    product = await added(ada)
    answer = await ada.patch(f"/api/products/{product['id']}", json={field: None})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_a_moved_date_moves_the_alert(rest: Rest, ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    await ada.patch(f"/api/products/{product['id']}", json={"expiryDate": "2026-06-08"})
    assert await rest.database.read(alerts.next_due) == datetime(2026, 6, 1, 7, tzinfo=UTC)


async def test_a_batch_has_a_result_for_each_and_one_summary(ada: httpx.AsyncClient) -> None:
    await added(ada, externalId="there")
    items: list[Any] = [
        MILK | {"externalId": "new"},
        MILK | {"externalId": "there"},
        MILK | {"externalId": "new"},
        {"name": "no date", "expiryDate": "x"},
        "no product",
        None,
        MILK,
    ]
    answer = await ada.post("/api/products/batch", json={"items": items})
    assert answer.status_code == HTTPStatus.OK
    results = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(7))
    assert [each["status"] for each in results] == [201, 409, 409, 422, 422, 422, 201]
    for each in results:
        assert (each["product"] is None) == (each["status"] != HTTPStatus.CREATED)
        assert bool(each["errors"]) == (each["status"] != HTTPStatus.CREATED)
    assert results[1]["errors"][0]["at"] == "externalId"
    assert results[3]["errors"][0]["at"] == "expiryDate"
    kept = [each["product"] for each in results if each["product"]]
    for product in kept:
        assert (await ada.get(f"/api/products/{product['id']}")).json() == product
    assert await messages(ada) == ["2 products were added"]


async def test_a_batch_takes_a_thousand_products_and_not_one_more(
    ada: httpx.AsyncClient,
) -> None:
    answer = await ada.post("/api/products/batch", json={"items": [MILK] * 1000})
    assert {each["status"] for each in answer.json()["results"]} == {201}
    assert await messages(ada) == ["1000 products were added"]
    for wrong in ([MILK] * 1001, []):
        answer = await ada.post("/api/products/batch", json={"items": wrong})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert await messages(ada) == ["1000 products were added"]


async def test_a_deleted_product_is_gone_and_its_notifications_are_read(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada)
    await rest.database.write(lambda t: send_due(t, rest.now))
    path = f"/api/products/{product['id']}"
    answer = await ada.delete(path)
    assert (answer.status_code, answer.content) == (HTTPStatus.NO_CONTENT, b"")
    assert (await ada.get(path)).status_code == HTTPStatus.NOT_FOUND
    assert (await ada.delete(path)).status_code == HTTPStatus.NOT_FOUND
    assert await messages(ada, unread=True) == []
    assert len(await messages(ada)) == 1


ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "", None),
    ("PATCH", "", {"name": "Stolen"}),
    ("DELETE", "", None),
    ("POST", "/consume", {"quantity": "0.5"}),
    ("POST", "/consume", {"quantity": "5"}),
    ("POST", "/discard", None),
    ("POST", "/reopen", None),
]


@pytest.mark.parametrize(("method", "action", "body"), ROUTES)
@pytest.mark.parametrize("closed", [False, True])
async def test_another_users_product_is_answered_as_one_that_does_not_exist(
    rest: Rest,
    ada: httpx.AsyncClient,
    method: str,
    action: str,
    body: dict[str, Any] | None,
    closed: bool,
) -> None:
    _, bob = await rest.person()
    product = await added(ada, externalId="7")
    path = f"/api/products/{product['id']}"
    if closed:
        await ada.post(f"{path}/consume")
        product = (await ada.get(path)).json()
    before = await messages(ada)
    theirs = await bob.request(method, f"{path}{action}", json=body)
    nobodys = await bob.request(method, f"/api/products/{uuid7()}{action}", json=body)
    assert theirs.status_code == nobodys.status_code == HTTPStatus.NOT_FOUND
    assert theirs.content == nobodys.content
    assert theirs.headers == nobodys.headers
    assert (await ada.get(path)).json() == product
    assert await messages(ada) == before
    assert await messages(bob) == []


async def test_another_users_products_are_in_no_list_and_in_no_batchs_way(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    _, bob = await rest.person()
    product = await added(ada, externalId="7")
    assert (await bob.get("/api/products", params={"q": "milk"})).json()["items"] == []
    batch = {"items": [MILK | {"externalId": "7", "name": "Bob's"}]}
    (result,) = (await bob.post("/api/products/batch", json=batch)).json()["results"]
    assert result["status"] == HTTPStatus.CREATED
    await added(bob, externalId="8")
    assert (await ada.get("/api/products")).json()["items"] == [product]
    assert await messages(ada) == []


@pytest.mark.parametrize("path", ["/x", "/batch", "/..%2f..%2fme", "/%00", f"/{'9' * 128}"])
async def test_a_malformed_id_is_refused(ada: httpx.AsyncClient, path: str) -> None:
    answer = await ada.get(f"/api/products{path}")
    assert answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", ""),
        ("POST", "/batch"),
        *((method, f"/an-id{action}") for method, action, _ in ROUTES),
    ],
)
async def test_a_request_without_a_token_is_401(rest: Rest, method: str, path: str) -> None:
    answer = await rest.client().request(method, f"/api/products{path}")
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.headers["www-authenticate"] == "Bearer"


def a_caller(user: User) -> StockCaller:
    claims = Claims(user.id, "s", NOON, NOON + timedelta(hours=1), "t")
    actor = Actor(user.id, user.id, Deed.CHANGE)
    return StockCaller(user, claims, user, Role.OWNER, actor)


async def test_the_policy_at_the_time_of_the_write_counts(rest: Rest, database: Database) -> None:
    owner = await a_kept_owner(database)
    await database.write(
        lambda t: accounts.change_user(t, owner.id, AccountChange(lead_days=(30,)), now=NOON)
    )
    new = ProductIn.model_validate(MILK | {"expiryDate": "2026-06-08"})
    await routes.add_product(rest.context, a_caller(owner), new, ONCE, Response())
    assert await database.read(alerts.next_due) == datetime(2026, 5, 9, 7, tzinfo=UTC)


async def test_a_request_of_a_deleted_user_stores_nothing(rest: Rest, database: Database) -> None:
    owner = await a_kept_owner(database)
    await database.write(lambda t: slices.delete_user(t, owner.id))
    with pytest.raises(UnknownUser):
        milk = ProductIn.model_validate(MILK)
        await routes.add_product(rest.context, a_caller(owner), milk, ONCE, Response())
