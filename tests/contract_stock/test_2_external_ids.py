"""Products that come by their client's own key: PUT, and batches, on both databases.

covers: useby.api.products_by_external_id, useby.actions.upserts
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.rest_app import Rest

pytestmark = pytest.mark.asyncio(loop_scope="session")

MILK: dict[str, Any] = {"name": "Milk", "expiryDate": "2026-03-20", "quantity": "2"}


async def put(
    client: httpx.AsyncClient, status: int = HTTPStatus.OK, **values: Any
) -> dict[str, Any]:
    answer = await client.put("/api/products/by-external-id/shelf/7", json=values)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_put_creates_a_product_with_its_lot_and_reports_it(ada: httpx.AsyncClient) -> None:
    lots = {"lotNumber": "L-7", "price": "1.29", "receivedOn": "2026-03-01"}

    product = await put(ada, HTTPStatus.CREATED, **MILK, **lots)

    assert (product["created"], product["externalId"]) == (True, "shelf/7")
    (lot,) = await lots_of(ada, product["id"])
    assert {name: lot[name] for name in lots} == lots
    assert {name: product[name] for name in MILK} == MILK
    got = await ada.get(f"/api/products/{product['id']}")
    del product["created"]
    assert got.json() == product


async def test_put_changes_the_given_fields_and_leaves_the_others(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    before = await put(ada, HTTPStatus.CREATED, **MILK, category="Dairy", serial="S")
    rest.now += timedelta(hours=1)

    after = await put(ada, expiryDate="2026-03-25", serial="S2", location="Cellar")

    changes = {"expiryDate": "2026-03-25", "location": "Cellar", "daysLeft": 23}
    assert after == before | changes | {"created": False, "updatedAt": "2026-03-02T13:00:00Z"}
    (lot,) = await lots_of(ada, after["id"])
    assert (lot["serial"], lot["expiryDate"], lot["quantity"]) == ("S2", "2026-03-25", "2")


async def test_the_same_put_again_changes_nothing(rest: Rest, ada: httpx.AsyncClient) -> None:
    first = await put(ada, HTTPStatus.CREATED, **MILK, serial="S", receivedOn="2026-03-01")
    tag = (await ada.get(f"/api/products/{first['id']}")).headers["etag"]
    rest.now += timedelta(hours=1)

    again = await put(ada, **MILK, serial="S", receivedOn="2026-03-01")

    assert again == first | {"created": False}
    assert (await ada.get(f"/api/products/{first['id']}")).headers["etag"] == tag


async def test_the_printed_date_of_an_opened_lot_again_changes_nothing(
    ada: httpx.AsyncClient,
) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK, afterOpening="P3D")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")

    again = await put(ada, **MILK)

    assert again["expiryDate"] == "2026-03-05", "three days after the opening"


async def test_a_new_date_of_a_product_with_several_lots_is_409_with_the_lots(
    ada: httpx.AsyncClient,
) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK)
    await received(ada, product["id"], printedDate="2026-04-01")

    refused = await put(ada, HTTPStatus.CONFLICT, expiryDate="2026-05-01")
    serial = await put(ada, HTTPStatus.CONFLICT, serial="S")
    renamed = await put(ada, name="Oat Milk", expiryDate="2026-04-01")

    assert len(refused["lots"]) == len(serial["lots"]) == 2
    assert (renamed["name"], renamed["lotCount"]) == ("Oat Milk", 2), "one of them has this date"


async def test_a_used_up_product_with_a_new_date_gets_a_new_lot_and_is_watched_again(
    ada: httpx.AsyncClient,
) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK)
    await ada.post(f"/api/products/{product['id']}/consume")

    again = await put(ada, expiryDate="2026-04-20", quantity="3", lotNumber="L-8")

    assert (again["id"], again["created"]) == (product["id"], False)
    assert (again["closedAs"], again["quantity"], again["status"]) == (None, "3", "fresh")
    new, old = await lots_of(ada, product["id"])
    assert (new["expiryDate"], new["lotNumber"], new["quantity"]) == ("2026-04-20", "L-8", "3")
    assert (old["closedAs"], old["quantity"], old["expiryDate"]) == ("consumed", "2", "2026-03-20")


async def test_a_used_up_product_with_the_same_date_stays_used_up(ada: httpx.AsyncClient) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK, afterOpening="P3D")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")
    await ada.post(f"/api/products/{product['id']}/consume")
    before = (await ada.get(f"/api/products/{product['id']}")).json()

    again = await put(ada, **MILK | {"quantity": "9"})

    assert again == before | {"created": False}
    assert len(await lots_of(ada, product["id"])) == 1


async def test_put_of_a_quantity_adds_a_lot_to_a_product_whose_lots_were_deleted(
    ada: httpx.AsyncClient,
) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK)
    (lot,) = await lots_of(ada, product["id"])
    await ada.delete(f"/api/lots/{lot['id']}")

    again = await put(ada, **MILK)

    assert (again["quantity"], again["lotCount"]) == ("2", 1)
    assert again["expiryDate"] == "2026-03-20"


async def test_put_without_a_name_creates_nothing(ada: httpx.AsyncClient) -> None:
    refused = await put(ada, HTTPStatus.UNPROCESSABLE_ENTITY, expiryDate="2026-03-20")

    assert refused["errors"][0]["at"] == "body.name"
    assert (await ada.get("/api/products")).json()["items"] == []


async def test_put_refuses_another_external_id_in_its_body(ada: httpx.AsyncClient) -> None:
    refused = await put(ada, HTTPStatus.UNPROCESSABLE_ENTITY, **MILK, externalId="other")
    accepted = await put(ada, HTTPStatus.CREATED, **MILK, externalId="shelf/7")

    assert refused["errors"][0]["at"] == "body.externalId"
    assert accepted["externalId"] == "shelf/7"


@pytest.mark.parametrize(
    ("exists", "value", "status"),
    [
        (False, "*", HTTPStatus.PRECONDITION_FAILED),
        (False, '"a"', HTTPStatus.PRECONDITION_FAILED),
        (True, "*", HTTPStatus.OK),
        (True, '"a"', HTTPStatus.PRECONDITION_FAILED),
    ],
)
async def test_put_with_if_match_creates_nothing_and_changes_only_what_matches(
    ada: httpx.AsyncClient, exists: bool, value: str, status: HTTPStatus
) -> None:
    if exists:
        await put(ada, HTTPStatus.CREATED, **MILK)
    path = "/api/products/by-external-id/shelf/7"

    answer = await ada.put(path, json=MILK | {"notes": "x"}, headers={"If-Match": value})

    assert answer.status_code == status, answer.text
    found = (await ada.get("/api/products")).json()["items"]
    assert [each["notes"] for each in found] == (
        [] if not exists else ["x" if status == HTTPStatus.OK else ""]
    )


async def test_a_batch_answers_201_for_a_used_up_product_with_a_new_date(
    ada: httpx.AsyncClient,
) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK)
    await ada.post(f"/api/products/{product['id']}/consume")
    items = [
        MILK | {"externalId": "shelf/7"},
        MILK | {"externalId": "shelf/7", "expiryDate": "2026-04-20", "serial": "S"},
        MILK | {"externalId": "shelf/7", "expiryDate": "2026-05-20"},
        MILK | {"externalId": "new"},
    ]

    answer = await ada.post("/api/products/batch", json={"items": items})

    results = answer.json()["results"]
    assert [each["status"] for each in results] == [409, 201, 409, 201]
    assert results[1]["product"]["id"] == product["id"]
    assert results[1]["product"]["expiryDate"] == "2026-04-20"
    new, _ = await lots_of(ada, product["id"])
    assert (new["serial"], new["closedAs"]) == ("S", None)


async def test_a_new_date_of_an_opened_lot_is_that_of_its_package(ada: httpx.AsyncClient) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK, afterOpening="P3D")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")

    later = await put(ada, expiryDate="2026-03-25")
    sooner = await put(ada, expiryDate="2026-03-04")

    assert later["expiryDate"] == "2026-03-05", "three days after the opening, as before"
    assert sooner["expiryDate"] == "2026-03-04"
    (lot,) = await lots_of(ada, product["id"])
    assert (lot["printedDate"], lot["dateSource"], lot["state"]) == (
        "2026-03-04",
        "printed",
        "opened",
    )


@pytest.mark.parametrize("given", [{"expiryDate": "2026-03-20"}, {"quantity": "1"}])
async def test_a_date_or_quantity_adds_a_lot_to_a_product_without_any(
    ada: httpx.AsyncClient, given: dict[str, Any]
) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK)
    (lot,) = await lots_of(ada, product["id"])
    await ada.delete(f"/api/lots/{lot['id']}")

    unchanged = await put(ada, notes="x")
    again = await put(ada, **given)

    assert (unchanged["quantity"], unchanged["lotCount"]) == ("0", 0)
    assert (again["quantity"], again["lotCount"]) == ("1", 1)
    assert again["expiryDate"] == given.get("expiryDate")


async def test_a_batch_adds_a_lot_to_a_product_without_any(ada: httpx.AsyncClient) -> None:
    product = await put(ada, HTTPStatus.CREATED, **MILK)
    (lot,) = await lots_of(ada, product["id"])
    await ada.delete(f"/api/lots/{lot['id']}")
    item = MILK | {"externalId": "shelf/7"}

    for status in (201, 409):
        answer = await ada.post("/api/products/batch", json={"items": [item]})
        assert [each["status"] for each in answer.json()["results"]] == [status]
    assert len(await lots_of(ada, product["id"])) == 1
