"""Lots over REST, on both databases.

covers: useby.api.lots, useby.schemas.lots, useby.schemas.stock
"""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import FULL_LOT, acted, lots_of, received
from tests.support.rest_app import added, messages

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_lot_is_answered_with_every_field_by_its_name(ada: httpx.AsyncClient) -> None:
    product = await added(ada)

    lot = await received(ada, product["id"], **FULL_LOT)

    (movement,) = lot.pop("movements")
    assert lot.pop("part") is None
    assert lot == FULL_LOT | {
        "id": lot["id"],
        "productId": product["id"],
        "expiryDate": "2026-03-20",
        "dateSource": "printed",
        "state": "sealed",
        "stateSince": "2026-03-01T11:00:00Z",
        "status": "fresh",
        "daysLeft": 18,
        "closedAs": None,
        "closedAt": None,
        "warnings": [],
    }
    assert (await ada.get(f"/api/lots/{lot['id']}")).json() == lot
    assert movement == {
        "id": movement["id"],
        "productId": product["id"],
        "lotId": lot["id"],
        "kind": "received",
        "quantity": "2.5",
        "at": "2026-03-01T11:00:00Z",
        "recordedAt": "2026-03-02T12:00:00Z",
        "reason": None,
        "undoes": None,
        "byUser": None,
    }


async def test_a_lot_needs_no_field_and_has_then_no_date_and_the_products_kind(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, dateKind="use_by")

    lot = await received(ada, product["id"])

    assert (lot["printedDate"], lot["expiryDate"], lot["dateSource"]) == (None, None, None)
    assert (lot["status"], lot["daysLeft"], lot["quantity"]) == ("fresh", None, "1")
    assert (lot["receivedOn"], lot["dateKind"], lot["price"]) == ("2026-03-02", "use_by", None)


async def test_expiry_date_is_another_name_of_the_printed_date_and_two_dates_are_refused(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}/lots"

    lot = await received(ada, product["id"], expiryDate="2026-05")
    both = await ada.post(path, json={"expiryDate": "2026-05", "printedDate": "2026-05-31"})
    two = await ada.post(path, json={"expiryDate": "2026-05", "printedDate": "2026-06"})

    assert (lot["printedDate"], lot["expiryDate"]) == ("2026-05-31", "2026-05-31")
    assert both.status_code == HTTPStatus.CREATED
    assert two.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "send one" in two.json()["detail"]


async def test_a_product_has_what_its_lots_come_to(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="2", expiryDate="2026-03-10", location="Fridge")
    await received(ada, product["id"], printedDate="2026-03-05", quantity="3", location="Cellar")

    now = (await ada.get(f"/api/products/{product['id']}")).json()

    assert (now["quantity"], now["lotCount"]) == ("5", 2)
    assert (now["expiryDate"], now["location"]) == ("2026-03-05", "Cellar")


async def test_lots_are_listed_in_the_order_in_which_they_are_taken_and_closed_ones_last(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-10")
    later = await received(ada, product["id"], printedDate="2026-03-20")
    never = await received(ada, product["id"])
    gone = await received(ada, product["id"], printedDate="2026-03-04")
    await acted(ada, gone["id"], "consume")
    await acted(ada, later["id"], "open")

    listed = await lots_of(ada, product["id"])

    (first,) = (each["id"] for each in listed if each["expiryDate"] == "2026-03-10")
    assert [each["id"] for each in listed] == [later["id"], first, never["id"], gone["id"]]
    assert (listed[-1]["closedAs"], listed[-1]["status"]) == ("consumed", "consumed")


async def test_each_action_changes_the_state_and_the_date_that_counts(
    ada: httpx.AsyncClient,
) -> None:
    rules = {"afterOpening": "P3D", "afterFreezing": "P30D", "afterThawing": "P1D"}
    product = await added(ada, expiryDate="2026-03-20", **rules)
    (lot,) = await lots_of(ada, product["id"])

    opened = await acted(ada, lot["id"], "open", at="2026-03-02T08:00:00Z")
    frozen = await acted(ada, lot["id"], "freeze", at="2026-03-02T09:00:00Z")
    thawed = await acted(ada, lot["id"], "thaw", at="2026-03-02T10:00:00Z")

    assert (opened["state"], opened["expiryDate"]) == ("opened", "2026-03-05")
    assert (frozen["state"], frozen["expiryDate"]) == ("frozen", "2026-04-01")
    assert (thawed["state"], thawed["expiryDate"]) == ("thawed", "2026-03-03")
    assert (opened["dateSource"], frozen["dateSource"]) == ("opened", "frozen")
    assert thawed["stateSince"] == "2026-03-02T10:00:00Z"
    assert thawed["printedDate"] == "2026-03-20"


async def test_less_than_all_splits_the_lot_and_the_answer_has_rest_and_part(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3", expiryDate="2026-03-20")
    (lot,) = await lots_of(ada, product["id"])

    rest_of_it = await acted(ada, lot["id"], "move", quantity="1", location="Freezer")

    part = rest_of_it["part"]
    assert (rest_of_it["id"], rest_of_it["quantity"], rest_of_it["location"]) == (
        lot["id"],
        "2",
        "",
    )
    assert (part["quantity"], part["location"], part["id"] != lot["id"]) == ("1", "Freezer", True)
    kinds = [(each["kind"], each["lotId"]) for each in rest_of_it["movements"]]
    assert kinds == [("split", lot["id"]), ("moved", part["id"])]
    assert len(await lots_of(ada, product["id"])) == 2


async def test_a_discard_has_a_reason_and_a_notification(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="3", unit="l")
    (lot,) = await lots_of(ada, product["id"])

    after = await acted(ada, lot["id"], "discard", quantity="1", reason="too_much")

    (movement,) = after["movements"]
    assert (movement["kind"], movement["reason"]) == ("discarded", "too_much")
    assert (after["quantity"], after["closedAs"]) == ("2", None)
    assert any("discarded" in each for each in await messages(ada))


@pytest.mark.parametrize(
    ("action", "body", "at", "words"),
    [
        ("consume", {"reason": "expired"}, "body.reason", "not a field"),
        ("discard", {"reason": "eaten"}, "body.reason", "'expired', 'spoiled'"),
        ("move", {}, "body.location", "is missing"),
        ("open", {"location": "Fridge"}, "body.location", "not a field"),
        ("open", {"quantity": "0"}, "body.quantity", "greater than 0"),
        ("open", {"at": "2026-03"}, "body.at", "a day, e.g. "),
        ("open", {"at": "yesterday"}, "body.at", "a day, e.g. "),
        ("freeze", {"at": "2026-03-02T10:00"}, "body.at", "offset"),
        ("open", {"at": "2026-03-03"}, "body.at", "future"),
        ("open", {"at": "2026-03-01"}, "body.at", "before the lot was received"),
    ],
)
async def test_a_wrong_body_of_an_action_is_refused_with_its_field(
    ada: httpx.AsyncClient, action: str, body: dict[str, Any], at: str, words: str
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])

    answer = await ada.post(f"/api/lots/{lot['id']}/{action}", json=body)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    (error,) = answer.json()["errors"]
    assert error["at"] == at
    assert words in error["message"]
    assert await lots_of(ada, product["id"]) == [lot]


@pytest.mark.parametrize(
    ("before", "action", "body", "words"),
    [
        ("open", "open", {}, "opened"),
        (None, "thaw", {}, "sealed"),
        (None, "consume", {"quantity": "2"}, "less than this quantity is left"),
        (None, "move", {"quantity": "2", "location": "Cellar"}, "less than this quantity"),
        ("consume", "open", {}, "already consumed"),
        ("discard", "consume", {}, "nothing is left"),
    ],
)
async def test_an_action_that_the_state_does_not_allow_is_409_and_changes_nothing(
    ada: httpx.AsyncClient, before: str | None, action: str, body: dict[str, Any], words: str
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    if before:
        await acted(ada, lot["id"], before)
    kept = await lots_of(ada, product["id"])

    answer = await ada.post(f"/api/lots/{lot['id']}/{action}", json=body)

    assert answer.status_code == HTTPStatus.CONFLICT, answer.text
    assert words in answer.json()["detail"]
    assert await lots_of(ada, product["id"]) == kept


async def test_food_past_its_use_by_date_cannot_be_frozen(ada: httpx.AsyncClient) -> None:
    product = await added(ada, expiryDate="2026-03-01", dateKind="use_by")
    (lot,) = await lots_of(ada, product["id"])

    answer = await ada.post(f"/api/lots/{lot['id']}/freeze")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "use-by date 2026-03-01 is over" in answer.json()["detail"]


async def test_a_deleted_lot_is_gone_with_its_movements_and_the_product_stays(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20")
    lot = await received(ada, product["id"], printedDate="2026-03-05")

    deleted = await ada.delete(f"/api/lots/{lot['id']}")

    assert deleted.status_code == HTTPStatus.NO_CONTENT
    assert (await ada.get(f"/api/lots/{lot['id']}")).status_code == HTTPStatus.NOT_FOUND
    assert (await ada.delete(f"/api/lots/{lot['id']}")).status_code == HTTPStatus.NOT_FOUND
    found = (await ada.get(f"/api/products/{product['id']}/movements")).json()["items"]
    assert lot["id"] not in {each["lotId"] for each in found}
    now = (await ada.get(f"/api/products/{product['id']}")).json()
    assert (now["lotCount"], now["expiryDate"]) == (1, "2026-03-20")


async def test_a_product_without_lots_has_quantity_zero_and_takes_a_new_lot(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    await ada.delete(f"/api/lots/{lot['id']}")

    empty = (await ada.get(f"/api/products/{product['id']}")).json()
    await received(ada, product["id"], printedDate="2026-04-01", quantity="2")
    full = (await ada.get(f"/api/products/{product['id']}")).json()

    assert (empty["quantity"], empty["lotCount"], empty["expiryDate"]) == ("0", 0, None)
    assert (full["quantity"], full["lotCount"], full["expiryDate"]) == ("2", 1, "2026-04-01")


async def test_a_used_up_product_with_a_new_lot_is_open_again(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    await ada.post(f"/api/products/{product['id']}/consume")

    await received(ada, product["id"], printedDate="2026-04-01")

    now = (await ada.get(f"/api/products/{product['id']}")).json()
    assert (now["closedAs"], now["status"], now["lotCount"]) == (None, "fresh", 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/lots/{}"),
        ("PATCH", "/api/lots/{}"),
        ("DELETE", "/api/lots/{}"),
        ("POST", "/api/lots/{}/consume"),
        ("POST", "/api/products/{}/lots"),
        ("GET", "/api/products/{}/lots"),
        ("GET", "/api/products/{}/movements"),
        ("GET", "/api/products/{}?include=lots"),
        ("POST", "/api/movements/{}/undo"),
    ],
)
async def test_an_unknown_id_is_404(ada: httpx.AsyncClient, method: str, path: str) -> None:
    body: dict[str, Any] | None = {} if method in ("POST", "PATCH") else None
    for id_ in ("01a20b6e-0000-7000-8000-000000000000", "x" * 100):
        answer = await ada.request(method, path.format(id_), json=body)
        assert answer.status_code == HTTPStatus.NOT_FOUND, answer.text
