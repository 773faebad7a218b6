"""Updates of extended sessions that are larger than the send buffer."""

import asyncio
import json
from typing import Any

from tests.support.factories import a_product
from tests.support.in_process_node import InProcessNode
from tests.support.process_node import until
from tests.support.raw_websocket import wires
from websockets.asyncio.client import ClientConnection

from useby import metrics
from useby.actions import inventory
from useby.domain.account import User
from useby.realtime import socket as socket_module
from useby.store import marks

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
            inventory.delete(transaction, ada.id, gone[0], house.wall())

        await house.node.database.write(work)
        last = (await frames(page, "PRODUCT", 50))[-1]
        assert last == {"type": "PRODUCT", "change": "closed", "product": {"id": gone[0]}}


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
