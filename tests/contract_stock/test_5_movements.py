"""Movements and undo over REST, on both databases.

covers: useby.api.movements, useby.store.movement_lists
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.alert_times import send_now
from tests.support.lots_over_rest import acted, lots_of, movements_of, received, undone
from tests.support.rest_app import Rest, added, messages

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def unread(client: httpx.AsyncClient) -> list[str]:
    return await messages(client, unread="true")


async def test_movements_of_a_product_are_listed_newest_first_by_page(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, quantity="3")
    await added(ada, name="Butter")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "move", location="Cellar")
    rest.now += timedelta(days=2)
    await acted(ada, lot["id"], "consume", quantity="1", at="2026-03-02T15:00:00Z")
    await acted(ada, lot["id"], "open", quantity="1")
    path = f"/api/products/{product['id']}/movements"

    first = (await ada.get(path, params={"limit": 3})).json()
    second = (await ada.get(path, params={"limit": 3, "cursor": first["nextCursor"]})).json()

    kinds = [each["kind"] for each in first["items"] + second["items"]]
    assert kinds == ["opened", "split", "consumed", "moved", "received"]
    assert second["nextCursor"] is None
    assert (first["items"][2]["at"], first["items"][2]["recordedAt"]) == (
        "2026-03-02T15:00:00Z",
        "2026-03-04T12:00:00Z",
    ), "the order is that of recording"


async def test_movements_of_all_products_are_listed_newest_first_by_page(
    ada: httpx.AsyncClient,
) -> None:
    milk, butter = await added(ada), await added(ada, name="Butter")
    await ada.post(f"/api/products/{milk['id']}/consume")
    await received(ada, butter["id"], quantity="2")

    first = (await ada.get("/api/movements", params={"limit": 3})).json()
    query = {"limit": 3, "cursor": first["nextCursor"]}
    second = (await ada.get("/api/movements", params=query)).json()

    found = [(each["kind"], each["productId"]) for each in first["items"] + second["items"]]
    assert found == [
        ("received", butter["id"]),
        ("consumed", milk["id"]),
        ("received", butter["id"]),
        ("received", milk["id"]),
    ]
    assert second["nextCursor"] is None


async def test_since_is_the_id_of_a_movement_a_time_or_a_day(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, quantity="9")
    path = f"/api/products/{product['id']}/consume"
    first = (await ada.post(path, json={"quantity": "1"})).json()["movements"][0]
    rest.now += timedelta(days=1)
    second = (await ada.post(path, json={"quantity": "2"})).json()["movements"][0]

    for since in (first["id"], "2026-03-03", "2026-03-03T12:00:00Z", "2026-03-02T12:00:01Z"):
        found = (await ada.get("/api/movements", params={"since": since})).json()["items"]
        assert found == [second], since
    everything = (await ada.get("/api/movements", params={"since": "2026-03-02"})).json()["items"]
    assert len(everything) == 3


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"cursor": "x"}, {"limit": 0}])
async def test_a_wrong_query_is_refused(ada: httpx.AsyncClient, query: dict[str, Any]) -> None:
    answer = await ada.get("/api/movements", params=query)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    if "since" in query:
        assert answer.json()["errors"][0]["at"] == "query.since"
        assert "e.g. 2026-03-04" in answer.json()["detail"]


async def test_a_cursor_of_another_list_is_refused(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    await acted(ada, (await lots_of(ada, product["id"]))[0]["id"], "open")
    one = (await ada.get("/api/movements", params={"limit": 1})).json()["nextCursor"]
    path = f"/api/products/{product['id']}/movements"

    answer = await ada.get(path, params={"cursor": one})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_undoing_a_partial_taking_gives_the_quantity_back(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="3")
    answer = await ada.post(f"/api/products/{product['id']}/consume", json={"quantity": "1"})
    (taking,) = answer.json()["movements"]

    after = await undone(ada, taking["id"])

    (movement,) = after["movements"]
    assert (movement["kind"], movement["undoes"]) == ("undone", taking["id"])
    assert (after["quantity"], after["lots"][0]["quantity"]) == ("3", "3")
    assert (await movements_of(ada, product["id"]))[0] == movement


async def test_an_undo_of_a_split_takes_back_both_movements_and_the_part(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3")
    (lot,) = await lots_of(ada, product["id"])
    for index in (0, 1):
        split = await acted(ada, lot["id"], "freeze", quantity="1")

        after = await undone(ada, split["movements"][index]["id"])

        took_back = {each["undoes"] for each in after["movements"]}
        assert took_back == {each["id"] for each in split["movements"]}
        (now,) = await lots_of(ada, product["id"])
        assert (now["id"], now["quantity"], now["state"]) == (lot["id"], "3", "sealed")
        assert (await ada.get(f"/api/lots/{split['part']['id']}")).status_code == 404


async def test_undoing_twice_or_undoing_an_undo_is_409(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    opened = (await acted(ada, lot["id"], "open"))["movements"][0]
    undo = (await undone(ada, opened["id"]))["movements"][0]

    twice = await ada.post(f"/api/movements/{opened['id']}/undo")
    of_undo = await ada.post(f"/api/movements/{undo['id']}/undo")

    assert (twice.status_code, of_undo.status_code) == (HTTPStatus.CONFLICT, HTTPStatus.CONFLICT)
    assert "already undone" in twice.json()["detail"]
    assert "an undo cannot be undone" in of_undo.json()["detail"]
    assert len(await movements_of(ada, product["id"])) == 3


async def test_a_movement_on_which_a_later_one_stands_is_409_and_names_it(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="2")
    (lot,) = await lots_of(ada, product["id"])
    opened = (await acted(ada, lot["id"], "open"))["movements"][0]
    taken = (await acted(ada, lot["id"], "consume", quantity="1"))["movements"][0]

    refused = await ada.post(f"/api/movements/{opened['id']}/undo")
    await undone(ada, taken["id"])
    after = await undone(ada, opened["id"])

    assert refused.status_code == HTTPStatus.CONFLICT
    assert taken["id"] in refused.json()["detail"]
    assert after["lots"][0]["state"] == "sealed"


async def test_an_undo_of_a_closing_makes_unread_what_that_marked_read(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, expiryDate="2026-03-04")
    await send_now(rest)
    assert await unread(ada) == ["Organic Milk expires in 2 days"]
    answer = await ada.post(f"/api/products/{product['id']}/consume")
    (taking,) = answer.json()["movements"]
    assert "Organic Milk expires in 2 days" not in await unread(ada)

    await undone(ada, taking["id"])

    assert "Organic Milk expires in 2 days" in await unread(ada)


async def test_an_undo_of_a_closing_leaves_read_what_a_person_has_read(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, expiryDate="2026-03-04")
    await send_now(rest)
    await ada.post("/api/notifications/read-all")
    answer = await ada.post(f"/api/products/{product['id']}/consume")

    await undone(ada, answer.json()["movements"][0]["id"])

    assert "Organic Milk expires in 2 days" not in await unread(ada)


async def test_the_rest_of_a_split_can_still_be_undone_when_its_part_was_deleted(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3")
    (lot,) = await lots_of(ada, product["id"])
    split = await acted(ada, lot["id"], "open", quantity="1")
    await ada.delete(f"/api/lots/{split['part']['id']}")
    taken = (await acted(ada, lot["id"], "consume", quantity="1"))["movements"][0]

    assert (await undone(ada, taken["id"]))["quantity"] == "2"
    assert (await undone(ada, split["movements"][0]["id"]))["quantity"] == "3"


async def test_since_may_be_the_id_of_a_movement_that_was_removed_with_its_lot(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada)
    lot = await received(ada, product["id"])
    (newest,) = lot["movements"]
    await ada.delete(f"/api/lots/{lot['id']}")
    later = await received(ada, product["id"])

    answer = await ada.get("/api/movements", params={"since": newest["id"]})

    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["items"] == later["movements"]


async def test_a_split_cannot_be_undone_while_a_later_movement_of_rest_or_part_stands(
    ada: httpx.AsyncClient,
) -> None:
    for whose in ("rest", "part"):
        product = await added(ada, quantity="3")
        (lot,) = await lots_of(ada, product["id"])
        split = await acted(ada, lot["id"], "open", quantity="1")
        lot_id = lot["id"] if whose == "rest" else split["part"]["id"]
        later = (await acted(ada, lot_id, "move", location="Cellar"))["movements"][0]

        for movement in split["movements"]:
            refused = await ada.post(f"/api/movements/{movement['id']}/undo")
            assert refused.status_code == HTTPStatus.CONFLICT, whose
            assert later["id"] in refused.json()["detail"]
        await undone(ada, later["id"])
        assert (await undone(ada, split["movements"][1]["id"]))["lotCount"] == 1


async def test_a_later_movement_of_another_lot_does_not_stand_on_a_movement(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3", expiryDate="2026-03-20")
    (lot,) = await lots_of(ada, product["id"])
    opened = (await acted(ada, lot["id"], "open"))["movements"][0]
    other = await received(ada, product["id"])
    await acted(ada, other["id"], "consume")

    assert (await undone(ada, opened["id"]))["lots"][0]["state"] == "sealed"


async def test_an_undo_of_a_receipt_removes_the_lot(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="3", expiryDate="2026-03-20")
    other = await received(ada, product["id"], quantity="2")

    after = await undone(ada, other["movements"][0]["id"])

    assert (after["quantity"], after["lotCount"], after["lots"]) == ("3", 1, [])
    assert (await ada.get(f"/api/lots/{other['id']}")).status_code == HTTPStatus.NOT_FOUND


async def test_an_undo_of_a_closing_comes_right_after_a_rule_was_changed(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20", afterOpening="P3D")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")
    taking = (await acted(ada, lot["id"], "consume"))["movements"][0]
    await ada.patch(f"/api/products/{product['id']}", json={"afterOpening": "P5D"})

    after = await undone(ada, taking["id"])

    assert (after["expiryDate"], after["lots"][0]["expiryDate"]) == ("2026-03-07", "2026-03-07")


async def test_each_taking_of_a_product_is_undone_by_itself(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="1", expiryDate="2026-03-20")
    await received(ada, product["id"], quantity="2", printedDate="2026-03-05")
    answer = await ada.post(f"/api/products/{product['id']}/consume", json={"quantity": "2.5"})
    first, second = answer.json()["movements"]

    assert (await undone(ada, first["id"]))["quantity"] == "2.5"
    assert (await undone(ada, second["id"]))["quantity"] == "3"


async def test_undos_of_partial_takings_of_one_lot_are_in_reverse_order(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3")
    (lot,) = await lots_of(ada, product["id"])
    takings = [
        (await acted(ada, lot["id"], "consume", quantity="1"))["movements"][0] for _ in range(3)
    ]

    refused = await ada.post(f"/api/movements/{takings[0]['id']}/undo")
    for number, taking in enumerate(reversed(takings), 1):
        assert (await undone(ada, taking["id"]))["quantity"] == str(number)

    assert refused.status_code == HTTPStatus.CONFLICT


async def test_reason_is_null_except_of_a_discard(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="9")
    (lot,) = await lots_of(ada, product["id"])
    for action in ("open", "freeze", "thaw", "consume"):
        await acted(ada, lot["id"], action, **{"quantity": "1"} if action == "consume" else {})
    await acted(ada, lot["id"], "discard", quantity="1")
    await acted(ada, lot["id"], "discard", quantity="1", reason="other")

    reasons = [(each["kind"], each["reason"]) for each in await movements_of(ada, product["id"])]

    assert reasons[:2] == [("discarded", "other"), ("discarded", None)]
    assert {reason for _, reason in reasons[1:]} == {None}
