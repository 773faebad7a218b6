"""A lot that was entered by mistake and is deleted, on both databases.

covers: useby.store.lot_deletions
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, movements_of, undone
from tests.support.rest_app import Rest, added

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def lot(client: httpx.AsyncClient, lot_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/lots/{lot_id}")
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def deleted(client: httpx.AsyncClient, lot_id: str) -> None:
    assert (await client.delete(f"/api/lots/{lot_id}")).status_code == HTTPStatus.NO_CONTENT


async def a_part(
    rest: Rest, client: httpx.AsyncClient
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A product whose lot was opened, and a part of it that was then moved; the rest and part."""
    product = await added(
        client, quantity="3", expiryDate="2026-03-20", location="Fridge", afterOpening="P3D"
    )
    (whole,) = await lots_of(client, product["id"])
    await acted(client, whole["id"], "open")
    await acted(client, whole["id"], "consume", quantity="0.5")
    rest.now += timedelta(minutes=1)
    done = await acted(client, whole["id"], "move", quantity="1", location="Cellar")
    return product, whole, done["part"]


async def test_deleting_the_rest_of_a_split_does_not_change_the_part(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    _, rest_of_it, part = await a_part(rest, ada)

    await deleted(ada, rest_of_it["id"])

    assert await lot(ada, part["id"]) == part
    assert (part["expiryDate"], part["dateSource"], part["state"]) == (
        "2026-03-05",
        "opened",
        "opened",
    )


async def test_the_date_of_a_part_comes_right_by_computing_it_again_after_its_rest_was_deleted(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product, rest_of_it, part = await a_part(rest, ada)
    await deleted(ada, rest_of_it["id"])

    await ada.patch(f"/api/products/{product['id']}", json={"afterOpening": "P5D"})
    ruled = await lot(ada, part["id"])
    await ada.patch(f"/api/lots/{part['id']}", json={"printedDate": "2026-03-04"})
    printed = await lot(ada, part["id"])

    assert (ruled["expiryDate"], ruled["state"]) == ("2026-03-07", "opened")
    assert (printed["expiryDate"], printed["dateSource"]) == ("2026-03-04", "printed")


async def test_a_part_has_its_past_as_movements_of_its_own_after_its_rest_was_deleted(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product, rest_of_it, part = await a_part(rest, ada)
    before = await movements_of(ada, product["id"])

    await deleted(ada, rest_of_it["id"])

    after = await movements_of(ada, product["id"])
    assert [(each["kind"], each["lotId"], each["quantity"]) for each in after] == [
        ("moved", part["id"], "1"),
        ("opened", part["id"], "1"),
        ("received", part["id"], "1"),
    ]
    assert after[0] == before[0]
    assert [each["recordedAt"] for each in after[1:]] == [
        each["recordedAt"] for each in before if each["kind"] in ("opened", "received")
    ]
    of_all = (await ada.get("/api/movements")).json()["items"]
    assert of_all == after


async def test_the_past_of_a_part_can_be_undone_after_its_rest_was_deleted(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product, rest_of_it, part = await a_part(rest, ada)
    await deleted(ada, rest_of_it["id"])
    moved, opened, receipt = await movements_of(ada, product["id"])

    await undone(ada, moved["id"])
    back = await lot(ada, part["id"])
    await undone(ada, opened["id"])
    sealed = await lot(ada, part["id"])
    empty = await undone(ada, receipt["id"])

    assert (back["location"], back["quantity"], back["state"]) == ("Fridge", "1", "opened")
    assert (sealed["state"], sealed["expiryDate"]) == ("sealed", "2026-03-20")
    assert (empty["quantity"], empty["lotCount"]) == ("0", 0)


async def test_deleting_the_middle_of_two_splits_changes_neither_the_first_nor_the_last(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product, first, middle = await a_part(rest, ada)
    last = (await acted(ada, middle["id"], "freeze", quantity="0.25"))["part"]
    before = await lot(ada, first["id"])

    await deleted(ada, middle["id"])

    assert await lot(ada, first["id"]) == before
    assert await lot(ada, last["id"]) == last
    thawed = await acted(ada, last["id"], "thaw")
    assert (thawed["expiryDate"], thawed["quantity"]) == ("2026-03-05", "0.25")
    await deleted(ada, first["id"])
    await ada.patch(f"/api/products/{product['id']}", json={"afterOpening": "P1D"})
    assert (await lot(ada, last["id"]))["expiryDate"] == "2026-03-03"


async def test_a_part_that_is_used_up_stays_used_up_when_its_rest_is_deleted(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product, rest_of_it, part = await a_part(rest, ada)
    taking = (await acted(ada, part["id"], "consume"))["movements"][0]

    await deleted(ada, rest_of_it["id"])
    closed = (await ada.get(f"/api/products/{product['id']}")).json()
    again = await undone(ada, taking["id"])

    assert (closed["closedAs"], closed["quantity"]) == ("consumed", "1")
    assert (again["closedAs"], again["quantity"], again["expiryDate"]) == (None, "1", "2026-03-05")


async def test_a_product_without_any_lot_has_quantity_zero_and_no_date(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-03")
    (only,) = await lots_of(ada, product["id"])

    await deleted(ada, only["id"])

    empty = (await ada.get(f"/api/products/{product['id']}")).json()
    assert (empty["quantity"], empty["lotCount"], empty["closedAs"]) == ("0", 0, None)
    assert (empty["expiryDate"], empty["daysLeft"], empty["status"]) == (None, None, "fresh")
    alerts = (await ada.get(f"/api/products/{product['id']}/alerts")).json()["items"]
    assert alerts == await lots_of(ada, product["id"]) == []


async def test_a_product_without_any_lot_is_listed_after_all_that_have_a_date_and_never_as_due(
    ada: httpx.AsyncClient,
) -> None:
    empty = await added(ada, name="Empty", expiryDate="2026-03-01")
    (only,) = await lots_of(ada, empty["id"])
    await deleted(ada, only["id"])
    await added(ada, name="Milk", expiryDate="2026-03-03")
    await added(ada, name="Flour", expiryDate="2027-03-03")

    async def names(**query: Any) -> list[str]:
        found = (await ada.get("/api/products", params=query)).json()["items"]
        return [each["name"] for each in found]

    assert await names() == ["Milk", "Flour", "Empty"]
    assert await names(expiringWithin=7) == ["Milk"]
    assert await names(status="expiring") == ["Milk"]
    assert await names(status="expired") == []
    assert await names(status="consumed") == []


@pytest.mark.parametrize("action", ["consume", "discard"])
async def test_a_product_without_any_lot_has_nothing_to_take(
    ada: httpx.AsyncClient, action: str
) -> None:
    product = await added(ada)
    (only,) = await lots_of(ada, product["id"])
    await deleted(ada, only["id"])

    answer = await ada.post(f"/api/products/{product['id']}/{action}")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "nothing is left" in answer.json()["detail"]
