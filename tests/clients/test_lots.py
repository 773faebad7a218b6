"""Lots and movements through the typed client, against a real node.

covers: useby.client.lots
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.support.process_node import NodeProcess

from useby.client import Api, Conflict, NotFound, PreconditionFailed


@contextlib.asynccontextmanager
async def _api(node: NodeProcess) -> AsyncIterator[Api]:
    async with Api(node.url, token=node.person().token) as api:
        yield api


async def test_a_product_comes_with_its_lots_in_the_order_in_which_they_are_taken(
    node: NodeProcess,
) -> None:
    async with _api(node) as api:
        milk = await api.add_product(
            "Milk",
            printed_date=date(2090, 3, 4),
            quantity=2,
            received_on=date(2026, 3, 1),
            lot_number="L-7",
            serial="S-1",
            price=Decimal("1.29"),
            shelf_life="P10D",
            barcodes=["4006381333931"],
        )
        assert milk.lots is None
        second = await api.lots.add(milk.id, printed_date="2090-03-01", location="Cellar")
        product = await api.product(milk.id, with_lots=True)
        assert product.lots is not None
        assert [each.location for each in product.lots] == ["Cellar", ""]
        first = product.lots[1]
        assert (first.quantity, first.price, first.received_on) == (
            Decimal(2),
            Decimal("1.29"),
            date(2026, 3, 1),
        )
        assert (first.lot_number, first.serial, first.date_source) == ("L-7", "S-1", "printed")
        assert await api.lots.get(second.id) == await api.lots.change(second.id)
        assert [each.id for each in await api.lots.of_product(milk.id)] == [second.id, first.id]
        (listed,) = [each async for each in api.products(location="cellar", with_lots=True)]
        assert listed.lots == product.lots
        assert [each async for each in api.products(date_kind="use_by")] == []
        (found,) = [each async for each in api.products(barcode="04006381333931")]
        assert (found.id, found.lots) == (milk.id, None)
        with pytest.raises(Conflict) as several:
            await api.change_product(milk.id, quantity=5)
        assert {each["id"] for each in several.value.problem["lots"]} == {second.id, first.id}


async def test_a_product_has_all_its_lots_however_many_a_page_has(
    node: NodeProcess,
) -> None:
    async with _api(node) as api:
        tea = await api.add_product("Tea", quantity=51)
        (lot,) = await api.lots.of_product(tea.id)
        for _ in range(50):
            await api.lots.move(lot.id, "Cellar", 1)
        assert len(await api.lots.of_product(tea.id)) == 51


async def test_a_lot_is_opened_frozen_thawed_moved_used_and_each_is_undone(
    node: NodeProcess,
) -> None:
    async with _api(node) as api:
        soup = await api.add_product("Soup", "2090-01-31", quantity=10, after_opening="P3D")
        (lot,) = await api.lots.of_product(soup.id)
        now = datetime.now(UTC)
        opened = await api.lots.open(lot.id, 1, at=now)
        assert opened.part is not None
        assert (opened.quantity, opened.part.state) == (Decimal(9), "opened")
        assert opened.part.expiry_date == (now + timedelta(days=3)).date().isoformat()
        assert [each.kind for each in opened.movements] == ["split", "opened"]
        frozen = await api.lots.freeze(lot.id)
        assert (frozen.state, frozen.part) == ("frozen", None)
        assert (await api.lots.thaw(lot.id)).state == "thawed"
        moved = await api.lots.move(lot.id, "Cellar", Decimal("2.5"))
        assert moved.part is not None
        assert (moved.location, moved.part.location) == ("", "Cellar")
        assert (await api.lots.consume(lot.id, 1)).quantity == Decimal("5.5")
        gone = await api.lots.discard(lot.id, reason="spoiled")
        assert (gone.closed_as, gone.movements[0].reason) == ("discarded", "spoiled")
        kinds = [each.kind async for each in api.lots.movements(soup.id, limit=2)]
        assert kinds == [
            "discarded", "consumed", "moved", "split", "thawed", "frozen", "opened", "split",
            "received",
        ]  # fmt: skip
        undone = await api.lots.undo(gone.movements[0].id)
        assert undone.movements[0].undoes == gone.movements[0].id
        assert undone.lots is not None
        assert [each.closed_as for each in undone.lots] == [None]
        newer = [each.kind async for each in api.lots.movements(since=gone.movements[0].id)]
        assert newer == ["undone"]
        await api.lots.delete(lot.id)
        with pytest.raises(NotFound):
            await api.lots.get(lot.id)


async def test_a_change_with_an_old_entity_tag_raises_and_changes_nothing(
    node: NodeProcess,
) -> None:
    async with _api(node) as api:
        tea = await api.add_product("Tea", "2090-01-31", quantity=3)
        (listed,) = await api.lots.of_product(tea.id)
        lot = await api.lots.get(listed.id)
        changed = await api.lots.change(lot.id, serial="S-2", if_match=lot.etag)
        assert changed.etag != lot.etag
        (received,) = [each async for each in api.lots.movements(tea.id) if each.lot_id == lot.id]
        for attempt in (
            api.lots.change(lot.id, serial="S-3", if_match=lot.etag),
            api.lots.consume(lot.id, if_match=lot.etag),
            api.lots.open(lot.id, if_match=lot.etag),
            api.lots.move(lot.id, "Cellar", if_match=lot.etag),
            api.lots.delete(lot.id, if_match=lot.etag),
            api.lots.undo(received.id, if_match=lot.etag),
            api.change_product(tea.id, notes="x", if_match=tea.etag),
            api.consume(tea.id, if_match=tea.etag),
            api.delete_product(tea.id, if_match=tea.etag),
            api.lots.add(tea.id, if_match=tea.etag),
        ):
            with pytest.raises(PreconditionFailed):
                await attempt
        assert (await api.lots.get(lot.id)).etag == changed.etag
        now = await api.product(tea.id)
        assert (await api.change_product(tea.id, notes="x", if_match=now.etag)).notes == "x"
        assert listed.etag == ""
        with pytest.raises(ValueError, match="entity tag is empty"):
            await api.lots.delete(lot.id, if_match=listed.etag)


async def test_a_product_is_put_by_its_external_id(node: NodeProcess) -> None:
    async with _api(node) as api:
        first = await api.put_product("a/b c", name="Rice", expiry_date="2090-01-31", price="2.50")
        again = await api.put_product("a/b c", notes="half", if_match=first.etag)
        assert (first.created, again.created) == (True, False)
        assert (again.id, again.name, again.external_id) == (first.id, "Rice", "a/b c")
        with pytest.raises(PreconditionFailed):
            await api.put_product("a/b c", notes="none", if_match=first.etag)


async def test_a_product_is_consumed_with_a_reason_and_a_time_and_has_its_movements(
    node: NodeProcess,
) -> None:
    async with _api(node) as api:
        ham = await api.add_product("Ham", "2090-01-31", quantity=3, received_on="2026-03-01")
        at = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
        used = await api.consume(ham.id, 1, at=at)
        assert used.movements[0].at == at
        assert [(each.kind, each.quantity) for each in used.movements] == [("consumed", Decimal(1))]
        thrown = await api.discard(ham.id, reason="too_much")
        assert [each.reason for each in thrown.movements] == ["too_much"]
