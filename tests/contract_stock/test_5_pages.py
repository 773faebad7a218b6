"""Lists of lots and movements by page, on both databases.

covers: useby.store.lot_lists, useby.api.paging
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, received
from tests.support.rest_app import Rest, added

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def pages(client: httpx.AsyncClient, path: str, limit: int) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    found: list[list[dict[str, Any]]] = []
    cursor = None
    while not found or cursor is not None:
        query = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
        answer = await client.get(path, params=query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["nextCursor"]
    return found


async def a_shelf(rest: Rest, client: httpx.AsyncClient) -> tuple[str, list[str]]:
    """A product with lots of every kind; their ids in the order of the list."""
    product = await added(client, expiryDate="2026-03-10")
    (sealed,) = await lots_of(client, product["id"])
    never = await received(client, product["id"])
    later = await received(client, product["id"], printedDate="2026-03-20T10:00:00Z")
    opened = await received(client, product["id"], printedDate="2026-03-30")
    await acted(client, opened["id"], "open")
    closed = []
    for _ in range(3):
        rest.now += timedelta(minutes=1)
        lot = await received(client, product["id"])
        await acted(client, lot["id"], "consume")
        closed.append(lot["id"])
    order = [opened["id"], sealed["id"], later["id"], never["id"], *reversed(closed)]
    return product["id"], order


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 500])
async def test_lots_of_a_product_are_listed_by_page_each_once(
    rest: Rest, ada: httpx.AsyncClient, limit: int
) -> None:
    product_id, order = await a_shelf(rest, ada)

    found = await pages(ada, f"/api/products/{product_id}/lots", limit)

    assert [lot["id"] for page in found for lot in page] == order
    assert {len(page) for page in found[:-1]} <= {limit}
    assert found[-1] != []


async def test_a_page_of_lots_goes_on_after_its_last_lot_whatever_has_happened_in_between(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product_id, order = await a_shelf(rest, ada)
    path = f"/api/products/{product_id}/lots"
    first = (await ada.get(path, params={"limit": 2})).json()
    await acted(ada, order[1], "consume")
    new = await received(ada, product_id, printedDate="2026-03-15")

    query = {"limit": 2, "cursor": first["nextCursor"]}
    second = (await ada.get(path, params=query)).json()

    assert [lot["id"] for lot in second["items"]] == [new["id"], order[2]]


async def test_a_wrong_cursor_or_limit_of_lots_is_refused(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product_id, _ = await a_shelf(rest, ada)
    path = f"/api/products/{product_id}/lots"
    other = (await ada.get(f"/api/products/{product_id}/movements?limit=1")).json()["nextCursor"]

    for query in ({"cursor": "x"}, {"cursor": other}, {"limit": 0}, {"limit": 501}):
        answer = await ada.get(path, params=query)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, query
    assert "cursor" in (await ada.get(path, params={"cursor": "x"})).json()["detail"]


async def test_movements_of_parts_that_share_their_past_are_listed_by_page_each_once(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="9", expiryDate="2026-03-20")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")
    for place in ("Cellar", "Freezer", "Attic"):
        await acted(ada, lot["id"], "move", quantity="1", location=place)
    await ada.delete(f"/api/lots/{lot['id']}")

    for limit in (1, 2, 3, 500):
        found = await pages(ada, f"/api/products/{product['id']}/movements", limit)
        kinds = [each["kind"] for page in found for each in page]
        assert sorted(kinds) == sorted(["received", "opened", "moved"] * 3)
        assert kinds[-3:] == ["received"] * 3
        assert len({each["id"] for page in found for each in page}) == 9
