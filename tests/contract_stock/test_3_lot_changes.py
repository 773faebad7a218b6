"""Changes of a lot over REST, on both databases.

covers: useby.domain.lot_changes
"""

from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
from tests.support.lots_over_rest import FULL_LOT, acted, lots_of, received
from tests.support.rest_app import Rest, added

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_field_of_a_lot_can_be_changed(rest: Rest, ada: httpx.AsyncClient) -> None:
    product = await added(ada, expiryDate="2026-03-20")
    (lot,) = await lots_of(ada, product["id"])
    rest.now += timedelta(minutes=1)

    answer = await ada.patch(f"/api/lots/{lot['id']}", json=FULL_LOT)

    assert answer.status_code == HTTPStatus.OK, answer.text
    now = answer.json()
    assert {name: now[name] for name in FULL_LOT} == FULL_LOT
    kinds = [(each["kind"], each["quantity"]) for each in now["movements"]]
    assert kinds == [("corrected", "1.5"), ("moved", "2.5")]
    again = (await ada.get(f"/api/lots/{lot['id']}")).json()
    assert {name: again[name] for name in FULL_LOT} == FULL_LOT
    assert (await ada.get(f"/api/products/{product['id']}")).json()["quantity"] == "2.5"


async def test_a_change_of_no_field_changes_nothing(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    lot = await received(ada, product["id"], **FULL_LOT)

    same = await ada.patch(f"/api/lots/{lot['id']}", json=FULL_LOT)
    none = await ada.patch(f"/api/lots/{lot['id']}", json={})

    assert same.json()["movements"] == none.json()["movements"] == []
    assert none.json()["price"] == "1.29"


@pytest.mark.parametrize("name", ["expiryDate", "printedDate"])
async def test_the_date_of_a_sealed_lot_is_one_field_by_either_name(
    ada: httpx.AsyncClient, name: str
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])

    changed = await ada.patch(f"/api/lots/{lot['id']}", json={name: "2026-04-01"})

    now = changed.json()
    assert (now["printedDate"], now["expiryDate"]) == ("2026-04-01", "2026-04-01")
    assert (now["dateSource"], now["movements"]) == ("printed", [])


async def test_a_date_typed_for_an_opened_lot_counts_and_the_printed_one_is_another_field(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20", afterOpening="P3D")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")
    path = f"/api/lots/{lot['id']}"

    typed = (await ada.patch(path, json={"expiryDate": "2026-03-08"})).json()
    printed = (await ada.patch(path, json={"printedDate": "2026-03-03"})).json()

    assert (typed["expiryDate"], typed["dateSource"]) == ("2026-03-08", "typed")
    assert typed["printedDate"] == "2026-03-20"
    assert [each["kind"] for each in typed["movements"]] == ["corrected"]
    assert (printed["printedDate"], printed["expiryDate"]) == ("2026-03-03", "2026-03-08")


async def test_a_new_printed_date_of_an_opened_lot_is_computed_again(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, expiryDate="2026-03-20", afterOpening="P3D")
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")

    now = (await ada.patch(f"/api/lots/{lot['id']}", json={"printedDate": "2026-03-03"})).json()

    assert (now["expiryDate"], now["dateSource"], now["state"]) == (
        "2026-03-03",
        "printed",
        "opened",
    )


async def test_a_day_of_receipt_moves_the_date_by_shelf_life(ada: httpx.AsyncClient) -> None:
    product = await added(ada, expiryDate=None, shelfLife="P10D")
    (lot,) = await lots_of(ada, product["id"])
    assert (lot["expiryDate"], lot["dateSource"]) == ("2026-03-12", "shelfLife")

    now = (await ada.patch(f"/api/lots/{lot['id']}", json={"receivedOn": "2026-02-25"})).json()

    assert (now["expiryDate"], now["receivedOn"]) == ("2026-03-07", "2026-02-25")


async def test_a_day_of_receipt_is_neither_in_the_future_nor_after_a_movement(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "open")
    rest.now += timedelta(days=2)

    for day, words in (("2026-03-05", "future"), ("2026-03-03", "first movement")):
        answer = await ada.patch(f"/api/lots/{lot['id']}", json={"receivedOn": day})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        (error,) = answer.json()["errors"]
        assert error["at"] == "body.receivedOn"
        assert words in error["message"]
    new = await ada.post(f"/api/products/{product['id']}/lots", json={"receivedOn": "2026-03-05"})
    assert new.json()["errors"][0]["at"] == "body.receivedOn"


async def test_a_closed_lot_keeps_quantity_date_and_place_but_its_price_can_be_corrected(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    await acted(ada, lot["id"], "consume")
    path = f"/api/lots/{lot['id']}"

    for change in ({"quantity": "2"}, {"expiryDate": "2026-09-09"}, {"location": "Cellar"}):
        assert (await ada.patch(path, json=change)).status_code == HTTPStatus.CONFLICT
    priced = await ada.patch(path, json={"price": "0.99"})

    assert priced.json()["price"] == "0.99"
    assert priced.json()["closedAs"] == "consumed"


async def test_midnight_in_the_owners_zone_is_kept_with_a_warning(ada: httpx.AsyncClient) -> None:
    product = await added(ada)

    lot = await received(ada, product["id"], printedDate="2026-03-19T23:00:00Z")

    assert lot["printedDate"] == "2026-03-20T00:00:00+01:00"
    (warning,) = lot["warnings"]
    assert "Send 2026-03-20 if it is good through that day." in warning
