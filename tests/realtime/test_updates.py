"""Updates of extended sessions: their rows, and those that are larger than the send buffer."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.factories import a_product
from tests.support.in_process_node import InProcessNode
from tests.support.process_node import until
from tests.support.raw_websocket import wires
from websockets.asyncio.client import ClientConnection

from useby import metrics
from useby.actions import inventory, lots
from useby.bus.hints import Hint
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.events import ChangeKind, ProductChanged
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.realtime import socket as socket_module
from useby.realtime import updates
from useby.store import lot_lists, marks
from useby.store.lots import Key, StoredProduct
from useby.store.schema import products

SECONDS = 30
EXTENDED = {"subprotocols": ["useby.v1"]}
LONG = "\N{SHALLOW PAN OF FOOD}" * 2000
"""The longest notes: 8,000 bytes, so that fifty products are more than the send buffer."""


async def add(house: InProcessNode, user: User, *names: str) -> list[str]:
    """Add products with long notes in one commit; their ids."""
    new = [a_product(user, "2099-01-01", name=name, notes=LONG) for name in names]

    def work(transaction: Any) -> None:
        for each in new:
            inventory.add(transaction, each, user, house.wall())

    await house.node.database.write(work)
    return [each.id for each in new]


async def frames(client: ClientConnection, kind: str, count: int) -> list[dict[str, Any]]:
    """The next frames of a kind; others are passed over."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            frame = json.loads(await client.recv())
            found += [frame] if frame["type"] == kind else []
    return found


def closed_as_slow() -> float:
    count: float = metrics.connections_closed.labels("1013", "Too slow")._value.get()
    return count


async def test_a_page_that_reads_gets_all_products_of_a_commit_and_stays_connected(
    house: InProcessNode,
) -> None:
    ada, eve = await house.add_user(), await house.add_user("eve")
    token = await house.token(ada)
    async with (
        house.connected(token, **EXTENDED) as page,
        house.connected(token, **EXTENDED) as other,
        house.connected(await house.token(eve)) as bystander,
    ):
        before = closed_as_slow()
        reading = asyncio.gather(*(frames(each, "PRODUCT", 100) for each in (page, other)))
        ids = await add(house, ada, *(str(number) for number in range(50)))
        ids += await add(house, ada, *(str(number) for number in range(50, 100)))
        await house.post(eve, "a note")
        for got in await reading:
            assert {each["change"] for each in got} == {"added"}
            assert sorted(each["product"]["id"] for each in got) == sorted(ids)
        for each in (page, other):
            await each.send("PING")
            assert await frames(each, "pong", 1)
        assert json.loads(await bystander.recv())["message"] == "a note"
        assert closed_as_slow() == before
        assert not house.node.hub.updates._waiting


async def test_a_product_that_is_deleted_while_it_waits_is_sent_as_closed(
    house: InProcessNode,
) -> None:
    ada = await house.add_user()
    async with house.connected(await house.token(ada), **EXTENDED) as page:
        gone: list[str] = []

        def work(transaction: Any) -> None:
            for number in range(50):
                new = a_product(ada, "2099-01-01", name=str(number), notes=LONG)
                inventory.add(transaction, new, ada, house.wall())
                gone[:] = [new.id]
            inventory.delete(transaction, ada, gone[0], house.wall())

        await house.node.database.write(work)
        last = (await frames(page, "PRODUCT", 50))[-1]
        assert last["product"] == {"id": gone[0]}
        assert (last["change"], last["householdId"]) == ("closed", ada.id)


@pytest.mark.parametrize("kib", [128, 256])
async def test_a_product_with_long_texts_is_sent_with_its_lots_if_the_send_buffer_has_room(
    start: Any, kib: int
) -> None:
    """The default of 256 KiB has room for the longest texts."""
    house = await start(send_buffer_bytes=kib * 1024)
    ada = await house.add_user()
    wide = "\N{SHALLOW PAN OF FOOD}" * 100
    product = a_product(
        ada,
        name=wide * 2,
        notes=LONG,
        category=wide,
        location=wide,
        barcode=wide,
        more_barcodes=(wide + "1",) * 19,
    )

    def receipt(its: Product, occasion: Occasion) -> lot_actions.Change:
        return lot_actions.receive(
            occasion,
            product_id=its.id,
            quantity=Decimal("1234567890.123456"),
            printed=product.expiry,
            date_kind=its.date_kind,
            lot_number=wide,
            serial=wide,
            location=wide,
            price=Decimal("1234567890.123456"),
        )

    def work(transaction: Any) -> None:
        inventory.add(transaction, product, ada, house.wall())
        for _ in range(updates.MAX_LOTS):
            lots.receive(transaction, ada, product.id, receipt, house.wall())

    async with house.connected(await house.token(ada), **EXTENDED) as page:
        await house.node.database.write(work)
        (frame,) = await frames(page, "PRODUCT", 1)
    assert frame["product"]["lotCount"] == updates.MAX_LOTS + 1
    if kib == 128:
        assert "lots" not in frame["product"]
    else:
        assert len(frame["product"]["lots"]) == updates.MAX_LOTS


async def test_a_product_that_a_node_without_lots_has_written_last_is_sent_without_lots(
    house: InProcessNode,
) -> None:
    ada = await house.add_user()
    (id_,) = await add(house, ada, "Milk")
    async with house.connected(await house.token(ada), **EXTENDED) as page:

        def work(transaction: Any) -> None:
            transaction.connection.execute(sa.update(products).values(version=None, name="Oats"))
            transaction.publish(ProductChanged(ada.id, id_, ChangeKind.UPDATED, ada.id))

        await house.node.database.write(work)
        (frame,) = await frames(page, "PRODUCT", 1)
        assert frame["product"]["name"] == "Oats"
        assert "lots" not in frame["product"]


async def test_an_unreadable_product_keeps_no_other_from_being_sent(house: InProcessNode) -> None:
    ada = await house.add_user()
    async with house.connected(await house.token(ada), **EXTENDED) as page:
        new = [a_product(ada, name=name) for name in ("Milk", "Tea")]

        def work(transaction: Any) -> None:
            for each in new:
                inventory.add(transaction, each, ada, house.wall())
            spoiled = sa.update(products).where(products.c.id == new[0].id)
            transaction.connection.execute(spoiled.values(shelf_life="as a newer version"))

        await house.node.database.write(work)
        (frame,) = await frames(page, "PRODUCT", 1)
        assert frame["product"]["name"] == "Tea"


async def test_a_flood_of_hints_leaves_room_for_a_product_of_this_node(
    house: InProcessNode,
) -> None:
    ada = await house.add_user()
    async with house.connected(await house.token(ada), **EXTENDED) as page:
        hub = house.node.hub
        for number in range(2 * updates.MAX_UNVERIFIED_IDS):
            hub.updates.on_hint(Hint(ada.id, product_id=f"none-{number}"))
        await add(house, ada, "Milk")
        (frame,) = await frames(page, "PRODUCT", 1)
        assert (frame["change"], frame["product"]["name"]) == ("added", "Milk")


async def test_changes_of_a_product_that_wait_for_one_look_up_are_one_frame(
    house: InProcessNode,
) -> None:
    ada = await house.add_user()
    async with house.connected(await house.token(ada), **EXTENDED) as page:
        milk = a_product(ada, name="Milk")

        def work(transaction: Any) -> None:
            inventory.add(transaction, milk, ada, house.wall())
            oats = replace(milk, name="Oats")
            inventory.replace(transaction, oats, ada, house.wall())

        await house.node.database.write(work)
        (frame,) = await frames(page, "PRODUCT", 1)
        assert (frame["change"], frame["product"]["name"]) == ("added", "Oats")
        await page.send("PING")
        assert json.loads(await page.recv())["type"] == "pong"


async def test_reads_that_do_not_fit_are_sent_as_a_count(house: InProcessNode) -> None:
    ada = await house.add_user()
    async with house.connected(await house.token(ada), **EXTENDED) as page:
        ids: list[str] = []
        for _ in range(8):
            ids += [each.id for each in await house.post(ada, *(["x"] * 500))]
            await frames(page, "info", 500)
        now = house.wall()
        await house.node.database.write(lambda t: marks.mark_read(t, ada.id, ids, now))
        assert json.loads(await page.recv()) == {"type": "UNREAD", "unread": 0}


async def test_a_page_that_does_not_read_is_closed_with_1013(
    house: InProcessNode, monkeypatch: Any
) -> None:
    monkeypatch.setattr(socket_module, "SLOW_SECONDS", 0.05)
    ada, eve = await house.add_user(), await house.add_user("eve")
    url = f"{house.socket_url}?access_token={await house.token(ada)}"
    async with wires() as opened, house.connected(await house.token(eve)) as bystander:
        offered = {"Sec-WebSocket-Protocol": "useby.v1"}
        wire = await opened.upgraded(url, offered, receive_buffer=4096)
        assert b"CONNECTION_ESTABLISHED" in (await wire.read_frame()).data
        before = closed_as_slow()
        (socket,) = house.node.hub.registry.extended(ada.id)
        await add(house, ada, *(str(number) for number in range(50)))
        await until(lambda: socket.is_slow)
        while closed_as_slow() == before:
            await add(house, ada, "one more")
        await until(lambda: len(house.node.hub.registry) == 1)
        assert not house.node.hub.updates._waiting
        await house.post(eve, "a note")
        assert json.loads(await bystander.recv())["message"] == "a note"


async def test_a_snapshot_has_few_products_and_of_each_the_lots_that_a_frame_shows(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "IN_SNAPSHOT", 4)
    monkeypatch.setattr(updates, "MAX_LOTS", 3)
    looked_up: list[list[int]] = []
    with_first = lot_lists.with_first

    def counted(*given: Any, **named: Any) -> dict[Key, StoredProduct]:
        found = with_first(*given, **named)
        looked_up.append([len(each.lots) for each in found.values()])
        return found

    monkeypatch.setattr(lot_lists, "with_first", counted)
    ada = await house.add_user()
    new = [a_product(ada, "2099-01-01", name=str(number)) for number in range(10)]

    def receipt(its: Product, occasion: Occasion) -> lot_actions.Change:
        return lot_actions.receive(occasion, product_id=its.id, quantity=Decimal(1))

    def work(transaction: Any) -> None:
        for each in new:
            inventory.add(transaction, each, ada, house.wall())
            for _ in range(9):
                lots.receive(transaction, ada, each.id, receipt, house.wall())

    async with house.connected(await house.token(ada), **EXTENDED) as page:
        await house.node.database.write(work)
        got = await frames(page, "PRODUCT", 10)

    assert {each["product"]["lotCount"] for each in got} == {10}
    assert {len(each["product"]["lots"]) for each in got} == {3}
    assert sum(map(len, looked_up)) >= 10
    assert max(map(len, looked_up)) <= 4
    assert max(map(max, looked_up)) <= 6, "the first with a day, and those with an exact time"
