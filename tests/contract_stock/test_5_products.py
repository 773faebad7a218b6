"""Routes of products: their filters and orders, PUT and batches, on both databases."""

import asyncio
from collections import Counter
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.rest_app import Rest, added
from tests.support.stocked import got, stocked

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def names(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """The names of the products of a list, by name."""
    found = await got(client, "/api/products", **{"sort": "name"} | query)
    return [each["name"] for each in found["items"]]


@pytest.mark.parametrize("q", ["käse", "KÄSE", "kase", "Kase", "äse"])
async def test_q_ignores_case_and_accents(ada: httpx.AsyncClient, q: str) -> None:
    await added(ada, name="Bergkäse")
    await added(ada, name="Milk")

    assert await names(ada, q=q) == ["Bergkäse"]


@pytest.mark.parametrize("category", ["Käse", "KÄSE", "kase"])
async def test_category_ignores_case_and_accents(ada: httpx.AsyncClient, category: str) -> None:
    await added(ada, name="Gouda", category="Käse")
    await added(ada, name="Knife", category="Käsemesser")

    assert await names(ada, category=category) == ["Gouda"]


@pytest.mark.parametrize("barcode", ["0036000291452", "036000291452", "00036000291452"])
async def test_barcode_finds_by_canonical_gtin(ada: httpx.AsyncClient, barcode: str) -> None:
    await added(ada, name="Tea", barcodes=["PZN-1", "036000291452"])
    await added(ada, name="Milk", barcode="4012345678901")

    assert await names(ada, barcode=barcode) == ["Tea"]


async def test_location_is_that_of_any_open_lot(ada: httpx.AsyncClient) -> None:
    milk = await added(ada, name="Milk", location="Fridge")
    cellar = await received(ada, milk["id"], location="Cellar", printedDate="2027-01-01")
    assert await names(ada, location="Cellar") == ["Milk"]

    await acted(ada, cellar["id"], "consume")

    assert await names(ada, location="Cellar") == []
    assert await names(ada, location="Fridge") == ["Milk"]


async def test_status_is_that_of_the_lot_taken_next(rest: Rest, ada: httpx.AsyncClient) -> None:
    dates = {"Fresh": "2027-01-01", "Expiring": "2026-03-05", "Expired": "2026-03-01"}
    for name, date in dates.items():
        await added(ada, name=name, expiryDate=date)
    for name, action in (("Consumed", "consume"), ("Discarded", "discard")):
        product = await added(ada, name=name)
        await ada.post(f"/api/products/{product['id']}/{action}")

    for status in (*dates, "Consumed", "Discarded"):
        assert await names(ada, status=status.lower()) == [status]


async def test_date_kind_is_that_of_the_lot_taken_next(ada: httpx.AsyncClient) -> None:
    ham = await added(ada, name="Ham", dateKind="use_by", expiryDate="2026-03-10")
    await added(ada, name="Tea", dateKind="best_before")
    assert await names(ada, dateKind="use_by") == ["Ham"]
    assert await names(ada, dateKind="best_before") == ["Tea"]

    await received(ada, ham["id"], dateKind="best_before", printedDate="2026-03-05")

    assert await names(ada, dateKind="use_by") == []
    answer = await ada.get("/api/products", params={"dateKind": "sell_by"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "use_by" in answer.json()["detail"]


async def test_expiring_within_counts_local_days(ada: httpx.AsyncClient) -> None:
    for name, date in (
        ("A", "2026-03-01"),
        ("B", "2026-03-02"),
        ("C", "2026-03-04"),
        ("D", "2026-03-04T23:00:00+01:00"),
        ("E", "2026-03-05"),
        ("F", None),
    ):
        await added(ada, name=name, expiryDate=date)

    assert await names(ada, expiringWithin=0) == ["A", "B"]
    assert await names(ada, expiringWithin=2) == ["A", "B", "C", "D"]


async def test_products_without_a_date_are_listed_last(ada: httpx.AsyncClient) -> None:
    for name, date in (("Salt", None), ("Far", "2999-12-31"), ("Milk", "2026-03-04")):
        await added(ada, name=name, expiryDate=date)
    await added(ada, name="Rice", expiryDate="9998-12-31")

    found = await names(ada, sort="expiryDate")

    assert found[:2] == ["Milk", "Rice"]
    assert set(found[2:]) == {"Salt", "Far"}


async def test_include_lots_adds_the_open_lots_of_each_product(ada: httpx.AsyncClient) -> None:
    milk = await added(ada)
    await received(ada, milk["id"], printedDate="2027-01-01")

    (product,) = (await got(ada, "/api/products", include="lots"))["items"]

    assert product["lots"] == await lots_of(ada, milk["id"])


async def test_filters_are_combined_and_pages_keep_them(ada: httpx.AsyncClient) -> None:
    for number in range(5):
        await added(ada, name=f"Milk {number}", category="Dairy", dateKind="use_by")
    await added(ada, name="Milk powder", category="Dairy")
    query = {"q": "milk", "category": "dairy", "dateKind": "use_by", "sort": "name", "limit": 3}

    first = await got(ada, "/api/products", **query)
    second = await got(ada, "/api/products", **query, cursor=first["nextCursor"])

    found = [each["name"] for each in first["items"] + second["items"]]
    assert found == [f"Milk {number}" for number in range(5)]
    assert second["nextCursor"] is None


async def put(client: httpx.AsyncClient, **values: Any) -> tuple[int, dict[str, Any]]:
    """Store the product `m-1`; the status and the answer."""
    answer = await client.put("/api/products/by-external-id/m-1", json={"name": "Milk"} | values)
    return answer.status_code, answer.json()


async def test_put_by_external_id_creates_or_updates_and_answers_which(
    ada: httpx.AsyncClient,
) -> None:
    first, second = await put(ada, unit="l"), await put(ada, notes="x")

    assert (first[0], first[1]["created"]) == (HTTPStatus.CREATED, True)
    assert (second[0], second[1]["created"]) == (HTTPStatus.OK, False)
    assert (second[1]["id"], second[1]["unit"]) == (first[1]["id"], "l")


async def test_of_twenty_puts_at_once_one_creates_the_product(ada: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(put(ada, quantity=str(each)) for each in range(1, 21)))

    assert Counter(status for status, _ in answers) == {201: 1, 200: 19}
    assert len({product["id"] for _, product in answers}) == 1


async def test_of_twenty_puts_at_once_with_a_new_date_one_adds_a_lot_to_a_used_up_product(
    ada: httpx.AsyncClient,
) -> None:
    _, product = await put(ada, expiryDate="2026-03-20")
    await ada.post(f"/api/products/{product['id']}/consume")

    answers = await asyncio.gather(
        *(put(ada, expiryDate="2026-05-20", quantity="2") for _ in range(20))
    )

    assert {(status, each["quantity"], each["lotCount"]) for status, each in answers} == {
        (200, "2", 1)
    }
    assert len(await lots_of(ada, product["id"])) == 2


async def test_put_with_a_new_date_changes_the_only_open_lot(ada: httpx.AsyncClient) -> None:
    _, product = await put(ada, expiryDate="2026-03-20")
    closed = await received(ada, product["id"], printedDate="2026-03-04")
    await acted(ada, closed["id"], "consume")

    _, after = await put(ada, expiryDate="2026-04-20")

    assert (after["expiryDate"], after["lotCount"]) == ("2026-04-20", 1)
    dates = [each["expiryDate"] for each in await lots_of(ada, product["id"])]
    assert dates == ["2026-04-20", "2026-03-04"]


async def test_put_with_a_date_that_was_used_up_changes_nothing_also_if_another_followed(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    for date in ("2026-03-20", "2026-04-20"):
        _, product = await put(ada, expiryDate=date)
        rest.now += timedelta(hours=1)
        await ada.post(f"/api/products/{product['id']}/consume")
    before = await got(ada, f"/api/products/{product['id']}")

    for date in ("2026-03-20", "2026-04-20"):
        status, after = await put(ada, expiryDate=date)
        assert (status, after) == (HTTPStatus.OK, before | {"created": False})


async def test_a_batch_with_a_date_that_was_used_up_is_409_also_if_another_followed(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    for date in ("2026-03-20", "2026-04-20"):
        _, product = await put(ada, expiryDate=date)
        rest.now += timedelta(hours=1)
        await ada.post(f"/api/products/{product['id']}/consume")

    for date, status in (("2026-03-20", 409), ("2026-04-20", 409), ("2026-05-20", 201)):
        item = {"name": "Milk", "externalId": "m-1", "expiryDate": date}
        answer = await ada.post("/api/products/batch", json={"items": [item]})
        assert [each["status"] for each in answer.json()["results"]] == [status], date


@pytest.mark.parametrize("date", ["2026-04-20", "2999-12-31", None])
async def test_put_of_a_used_up_product_with_a_new_date_is_watched_again_and_keeps_its_past(
    rest: Rest, ada: httpx.AsyncClient, date: str | None
) -> None:
    _, product = await put(ada, expiryDate="2026-03-20", quantity="2")
    await ada.post(f"/api/products/{product['id']}/consume")

    _, after = await put(ada, expiryDate=date, quantity="5")

    assert (after["closedAs"], after["quantity"], after["lotCount"]) == (None, "5", 1)
    new, old = await lots_of(ada, product["id"])
    assert (new["quantity"], new["state"]) == ("5", "sealed")
    assert (old["quantity"], old["closedAs"], old["expiryDate"]) == ("2", "consumed", "2026-03-20")


async def test_put_of_a_used_up_product_without_a_date_changes_its_own_fields_alone(
    ada: httpx.AsyncClient,
) -> None:
    _, product = await put(ada, expiryDate="2026-03-20", quantity="2")
    await ada.post(f"/api/products/{product['id']}/consume")

    _, after = await put(ada, name="Oat Milk", quantity="9")

    assert (after["name"], after["quantity"], after["closedAs"]) == ("Oat Milk", "2", "consumed")


async def test_a_batch_answers_409_for_an_external_id_that_is_not_used_up(
    ada: httpx.AsyncClient,
) -> None:
    await put(ada, expiryDate="2026-03-20")
    item = {"name": "Milk", "externalId": "m-1", "expiryDate": "2026-05-20"}

    answer = await ada.post("/api/products/batch", json={"items": [item]})

    assert answer.json()["results"][0]["status"] == HTTPStatus.CONFLICT


async def test_delete_removes_a_product_with_its_lots_and_movements(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada)
    taking = (await acted(ada, milk.lot_id, "consume"))["movements"][0]

    answer = await ada.delete(f"/api/products/{milk.product_id}")

    assert answer.status_code == HTTPStatus.NO_CONTENT
    for path in (f"products/{milk.product_id}", f"lots/{milk.lot_id}"):
        assert (await ada.get(f"/api/{path}")).status_code == HTTPStatus.NOT_FOUND
    assert (await got(ada, "/api/movements"))["items"] == []
    undo = await ada.post(f"/api/movements/{taking['id']}/undo")
    assert undo.status_code == HTTPStatus.NOT_FOUND


async def test_locations_and_categories_are_listed_with_how_many_open_lots(
    ada: httpx.AsyncClient,
) -> None:
    milk = await added(ada, category="Dairy", location="Fridge")
    await received(ada, milk["id"], location="Cellar")
    closed = await received(ada, milk["id"], location="Cellar")
    await acted(ada, closed["id"], "discard")

    places = await got(ada, "/api/locations")
    categories = await got(ada, "/api/categories")

    assert places["nextCursor"] is categories["nextCursor"] is None
    assert places["items"] == [{"name": "Cellar", "lots": 1}, {"name": "Fridge", "lots": 1}]
    assert categories["items"] == [{"name": "Dairy", "lots": 2}]


async def test_every_answer_about_a_product_or_a_lot_carries_its_etag(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    first = await ada.post("/api/products", json={"name": "Milk", "quantity": "50"})
    path = f"/api/products/{first.json()['id']}"
    (lot,) = await lots_of(ada, first.json()["id"])
    of_lot = f"/api/lots/{lot['id']}"
    answers = [
        first,
        await ada.get(path),
        await ada.patch(path, json={"notes": "x"}),
        await ada.put("/api/products/by-external-id/m-1", json={"name": "Tea"}),
        await ada.put("/api/products/by-external-id/m-1", json={"name": "Oat"}),
        await ada.post(f"{path}/consume", json={"quantity": "1"}),
        await ada.post(f"{path}/discard", json={"quantity": "1"}),
        await ada.post(f"{path}/lots", json={}),
        await ada.get(of_lot),
        await ada.patch(of_lot, json={"serial": "x"}),
        await ada.post(f"{of_lot}/open"),
        await ada.post(f"{of_lot}/freeze"),
        await ada.post(f"{of_lot}/thaw"),
        await ada.post(f"{of_lot}/move", json={"location": "Cellar"}),
        await ada.post(f"{of_lot}/consume", json={"quantity": "1"}),
        await ada.post(f"{of_lot}/discard", json={"quantity": "1"}),
    ]
    last = answers[-1].json()["movements"][0]["id"]
    rest.now += timedelta(seconds=1)
    answers += [
        await ada.post(f"/api/movements/{last}/undo"),
        await ada.post(f"{path}/consume"),
        await ada.post(f"{path}/reopen"),
    ]

    for each in answers:
        assert each.is_success, each.text
        assert each.headers.get("etag", "").startswith('"'), each.request.url
