"""Alerts of lots that a closing, a deletion or an undo marks read or unread, on both databases.

covers: useby.store.split_alerts
"""

import pytest
from tests.support.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_closing_the_last_lot_that_a_notification_is_about_marks_it_read(
    eve: Watched,
) -> None:
    milk = await eve.milk(7)
    first = await eve.only_lot(milk)
    other = await eve.lot(milk, 7)
    later = await eve.lot(milk, 9)
    await eve.goes_to(0)
    assert await eve.receives() == ["2 lots of Milk expire in 7 days"]

    await eve.does("consume", first)
    assert "2 lots of Milk expire in 7 days" in await eve.unread(), "one of its lots is open"
    await eve.does("consume", other)
    assert "2 lots of Milk expire in 7 days" not in await eve.unread()
    await eve.goes_to(2)
    assert "Milk expires in 7 days" in await eve.unread()
    await eve.does("discard", later)
    assert "Milk expires in 7 days" not in await eve.unread()


@pytest.mark.parametrize("ending", ["consume", "delete"])
async def test_an_alert_about_a_lot_stays_unread_while_a_part_of_it_with_its_date_is_open(
    eve: Watched, ending: str
) -> None:
    milk = await eve.milk(2, quantity="3")
    lot = await eve.only_lot(milk)
    await eve.settles()
    part = (await eve.does("move", lot, quantity="1", location="Cellar"))["part"]["id"]
    second = (await eve.does("open", part, quantity="0.5"))["part"]["id"]

    for each in (lot, part):
        if ending == "delete":
            await eve.rest.delete(f"/api/lots/{each}")
        else:
            await eve.does(ending, each)
        assert "Milk expires in 2 days" in await eve.unread()
    await eve.does("consume", second)

    assert "Milk expires in 2 days" not in await eve.unread()


async def test_an_alert_about_a_lot_is_read_when_only_a_part_with_another_date_is_open(
    eve: Watched,
) -> None:
    milk = await eve.milk(2, quantity="3")
    lot = await eve.only_lot(milk)
    await eve.settles()
    await eve.does("freeze", lot, quantity="1")

    await eve.does("consume", lot)

    assert "Milk expires in 2 days" not in await eve.unread()


async def test_a_lot_that_is_opened_again_by_an_undo_is_announced_and_unread_again(
    eve: Watched,
) -> None:
    milk = await eve.milk(7)
    await eve.goes_to(0)
    taking = (await eve.does("consume", await eve.only_lot(milk)))["movements"][0]
    assert "Milk expires in 7 days" not in await eve.unread()

    await eve.post(f"/api/movements/{taking['id']}/undo")

    assert "Milk expires in 7 days" in await eve.unread()
    await eve.receives()
    await eve.goes_to(5)
    assert await eve.receives() == ["Milk expires in 2 days"]


async def test_an_undo_of_a_closing_long_ago_sends_the_alert_that_is_due_by_then(
    eve: Watched,
) -> None:
    milk = await eve.milk(10)
    taking = (await eve.does("consume", await eve.only_lot(milk)))["movements"][0]
    await eve.goes_to(9)
    await eve.receives()

    await eve.post(f"/api/movements/{taking['id']}/undo")

    assert await eve.receives() == ["Milk expires tomorrow"]


async def test_the_undo_of_a_receipt_marks_read_what_was_sent_about_the_lot(eve: Watched) -> None:
    milk = await eve.milk(30)
    lot = await eve.lot(milk, 5)
    await eve.goes_to(0)
    assert await eve.unread() == ["Milk expires in 5 days"]
    path = f"/api/products/{milk}/movements"
    (receipt,) = [
        each for each in (await eve.rest.get(path)).json()["items"] if each["lotId"] == lot
    ]

    await eve.post(f"/api/movements/{receipt['id']}/undo")

    assert await eve.unread() == []


async def test_a_use_by_lot_that_is_over_is_announced_as_an_error_and_others_as_a_warning(
    eve: Watched,
) -> None:
    await eve.milk(3, dateKind="use_by", name="Ham")
    await eve.milk(3, name="Tea")
    await eve.goes_to(0)
    await eve.goes_to(4)

    items = (await eve.rest.get("/api/notifications")).json()["items"]

    kinds = {each["message"]: each["type"] for each in items}
    assert kinds == {
        "Ham expires in 3 days": "warning",
        "Tea expires in 3 days": "warning",
        "Ham expired yesterday": "error",
        "Tea expired yesterday": "warning",
    }


async def test_the_undo_of_one_of_two_closings_makes_unread_what_both_lots_are_about(
    eve: Watched,
) -> None:
    milk = await eve.milk(7)
    await eve.lot(milk, 7)
    await eve.goes_to(0)
    done = await eve.post(f"/api/products/{milk}/consume")
    assert "2 lots of Milk expire in 7 days" not in await eve.unread()

    await eve.post(f"/api/movements/{done['movements'][0]['id']}/undo")

    assert "2 lots of Milk expire in 7 days" in await eve.unread()


async def test_a_deleted_lot_marks_read_what_was_sent_about_it(eve: Watched) -> None:
    milk = await eve.milk(7)
    other = await eve.lot(milk, 9)
    await eve.goes_to(2)
    await eve.rest.delete(f"/api/lots/{other}")

    assert await eve.unread() == ["Milk expires in 5 days"]


async def test_the_undo_of_a_taking_marks_its_report_read_and_no_other(eve: Watched) -> None:
    milk = await eve.milk(60, quantity="3")
    await eve.post(f"/api/products/{milk}/consume", {"quantity": "1"})
    second = await eve.post(f"/api/products/{milk}/discard", {"quantity": "1"})
    assert await eve.unread() == ["1 of Milk discarded, 1 left", "1 of Milk consumed, 2 left"]

    await eve.post(f"/api/movements/{second['movements'][0]['id']}/undo")

    assert await eve.unread() == ["1 of Milk consumed, 2 left"]


async def test_the_undo_of_a_closing_marks_its_report_read_and_makes_the_alert_unread(
    eve: Watched,
) -> None:
    milk = await eve.milk(7)
    await eve.goes_to(0)
    lot = await eve.only_lot(milk)
    for _ in range(2):
        taking = (await eve.does("consume", lot))["movements"][0]
        assert await eve.unread() == ["Milk was consumed"]

        await eve.post(f"/api/movements/{taking['id']}/undo")

        assert await eve.unread() == ["Milk expires in 7 days"], "the report stays read"


async def test_the_report_of_a_taking_from_two_lots_is_read_once_both_movements_are_undone(
    eve: Watched,
) -> None:
    milk = await eve.milk(60)
    await eve.lot(milk, 61)
    done = await eve.post(f"/api/products/{milk}/consume", {"quantity": "2"})
    first, second = (each["id"] for each in done["movements"])

    await eve.post(f"/api/movements/{first}/undo")
    assert await eve.unread() == ["Milk was consumed"]
    await eve.post(f"/api/movements/{second}/undo")

    assert await eve.unread() == []


async def test_a_product_that_is_reopened_has_the_report_of_its_closing_read(eve: Watched) -> None:
    milk = await eve.milk(60)
    await eve.post(f"/api/products/{milk}/discard")

    await eve.post(f"/api/products/{milk}/reopen")

    assert await eve.unread() == []


async def test_a_deleted_lot_marks_read_the_report_of_what_was_taken_from_it_alone(
    eve: Watched,
) -> None:
    milk = await eve.milk(60, quantity="2")
    lot = await eve.only_lot(milk)
    other = await eve.lot(milk, 61, quantity="2")
    await eve.post(f"/api/products/{milk}/consume", {"quantity": "1"})
    await eve.does("discard", other, quantity="1")

    await eve.rest.delete(f"/api/lots/{lot}")

    assert await eve.unread() == ["1 of Milk discarded, 2 left"]
