"""F23: a failover to a standby that was behind, or a backup restored beneath running nodes.

Committed notifications are gone then, and their numbers are given again. Devices that stayed get
what the database has, each notification once.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.databases import database_url
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.losses import lose
from tests.support.nats_servers import nats_servers
from tests.support.node_fixtures import start, wall
from tests.support.process_node import until
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.two_nodes import BASE, followed, two_houses
from websockets.asyncio.client import ClientConnection

from useby.node import running
from useby.realtime.trail import KEPT

__all__ = ["database_url", "start", "wall"]

EXTENDED = {"subprotocols": ["useby.v1"]}


async def messages(client: ClientConnection, count: int) -> list[str]:
    """Return the messages of the next notifications."""
    async with asyncio.timeout(HANG_TIMEOUT):
        found: list[str] = []
        while len(found) < count:
            frame = json.loads(await client.recv())
            found += [frame["message"]] if "message" in frame else []
        return found


async def before_pong(client: ClientConnection) -> list[str]:
    """The notifications that come before the answer to a ``PING``."""
    await client.send("PING")
    found: list[str] = []
    async with asyncio.timeout(HANG_TIMEOUT):
        while (frame := json.loads(await client.recv())) != {"type": "pong"}:
            found += [frame["message"]] if "message" in frame else []
    return found


async def compared(house: InProcessNode) -> None:
    """Until every connection has been compared with the database, and has what it lacked."""
    hub = house.node.hub
    hub.reconciler.all_soon()
    await until(lambda: hub.reconciler.idle)


@pytest.fixture
async def either(database_url: str, wall: SettableClock) -> AsyncIterator[InProcessNode]:
    """A node on each database in turn, whose sweep comes too late to be of help."""
    settings = SettingsWithoutFile(**BASE | {"database_url": database_url})
    async with running(settings, wall) as node:
        yield InProcessNode(node, wall)
        node.stop()


@pytest.mark.parametrize("posted", [1, 3, 7], ids=["fewer", "as many", "more"])
async def test_connected_devices_get_each_notification_after_a_loss_once(
    either: InProcessNode, posted: int
) -> None:
    ada, eve = await either.add_user(), await either.add_user("eve")
    token = await either.token(ada)
    async with (
        either.connected(token) as plain,
        either.connected(token, **EXTENDED) as extended,
        either.connected(await either.token(eve)) as bystander,
    ):
        await either.post(ada, "1", "2", "3", "4", "5")
        await either.post(eve, "a", "b")
        for device in (plain, extended):
            assert await messages(device, 5) == ["1", "2", "3", "4", "5"]
        await either.node.database.write(lambda t: lose(t, ada.id, 3))
        new = [f"new {number}" for number in range(posted)]
        await either.post(ada, *new)
        await either.post(eve, "c")
        for device in (plain, extended):
            assert await messages(device, posted) == new
        await compared(either)
        await either.post(ada, "last")
        for device in (plain, extended):
            assert await messages(device, 1) == ["last"]
            assert await before_pong(device) == []
        assert await messages(bystander, 3) == ["a", "b", "c"]
        assert await before_pong(bystander) == []


async def test_a_loss_is_detected_without_a_new_notification(either: InProcessNode) -> None:
    ada = await either.add_user()
    async with either.connected(await either.token(ada)) as client:
        await either.post(ada, "1", "2", "3")
        assert await messages(client, 3) == ["1", "2", "3"]
        before = either.node.hub.reconciler.epoch
        await either.node.database.write(lambda t: lose(t, ada.id, 2))
        await compared(either)
        await until(lambda: either.node.hub.reconciler.epoch != before)
        await compared(either)
        await either.post(ada, "4")
        assert await messages(client, 1) == ["4"]
        assert await before_pong(client) == []


async def test_a_loss_is_detected_on_a_connection_that_opened_before_the_epoch_was_read(
    either: InProcessNode,
) -> None:
    ada = await either.add_user()
    reconciler = either.node.hub.reconciler
    await until(lambda: reconciler.epoch)
    before, reconciler.epoch = reconciler.epoch, None
    async with either.connected(await either.token(ada)) as client:
        await either.post(ada, "1", "2", "3")
        assert await messages(client, 3) == ["1", "2", "3"]
        await either.node.database.write(lambda t: lose(t, ada.id, 2))
        await compared(either)
        await until(lambda: reconciler.epoch not in {None, before})
        await compared(either)
        await either.post(ada, "4")
        assert await messages(client, 1) == ["4"]
        assert await before_pong(client) == []


async def test_a_backup_restored_beneath_a_running_node_reaches_connected_devices(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers that were given again have passed the old ones before the node finds out."""
    house = await start()
    ada, eve = await house.add_user(), await house.add_user("eve")
    async with (
        house.connected(await house.token(ada)) as client,
        house.connected(await house.token(eve)) as bystander,
    ):
        await house.post(ada, "1", "2", "3")
        await house.post(eve, "a")
        with (
            closing(sqlite3.connect(tmp_path / "useby.db")) as live,
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
        ):
            live.backup(copy)
            await house.post(ada, "4", "5")
            await house.post(eve, "b")
            assert await messages(client, 5) == ["1", "2", "3", "4", "5"]
            monkeypatch.setattr(house.node.hub, "on_event", lambda _: None)
            reconciler, found_out = house.node.hub.reconciler, asyncio.Event()
            monkeypatch.setattr(reconciler, "all_soon", found_out.set)
            copy.backup(live)
        await house.post(ada, "6", "7", "8", "9")
        await asyncio.wait_for(found_out.wait(), HANG_TIMEOUT)
        monkeypatch.undo()
        reconciler.all_soon()
        assert await messages(client, 4) == ["6", "7", "8", "9"]
        await house.post(eve, "c")
        assert await messages(bystander, 3) == ["a", "b", "c"]
        assert await before_pong(client) == await before_pong(bystander) == []


async def test_a_loss_that_only_a_page_shows_reaches_connected_devices(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than a connection remembers come before any comparison with the database."""
    house = await start()
    ada = await house.add_user()
    async with house.connected(await house.token(ada)) as client:
        await house.post(ada, "1", "2", "3")
        with (
            closing(sqlite3.connect(tmp_path / "useby.db")) as live,
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
        ):
            live.backup(copy)
            await house.post(ada, "4", "5")
            assert await messages(client, 5) == ["1", "2", "3", "4", "5"]
            monkeypatch.setattr(house.node.hub.reconciler, "soon", lambda _: None)
            copy.backup(live)
        new = [f"new {number}" for number in range(2 * KEPT + 10)]
        with pytest.MonkeyPatch.context() as lost:
            lost.setattr(house.node.hub, "on_event", lambda _: None)
            await house.post(ada, *new)
        await house.post(ada, "last")
        assert await messages(client, len(new) + 1) == [*new, "last"]
        monkeypatch.undo()
        await compared(house)
        assert await before_pong(client) == []


async def test_a_client_that_reconnects_after_a_loss_gets_all_unread_notifications(
    either: InProcessNode,
) -> None:
    ada = await either.add_user()
    token = await either.token(ada)
    first, _, lost = await either.post(ada, "1", "2", "3")
    await either.node.database.write(lambda t: lose(t, ada.id, 1))
    await either.post(ada, "4", "5")
    async with either.connected(f"{token}&since={lost.id}") as client:
        assert await messages(client, 4) == ["1", "2", "4", "5"]
    async with either.connected(f"{token}&since={first.id}") as client:
        assert await messages(client, 3) == ["2", "4", "5"]


async def test_a_loss_beneath_two_nodes_changes_the_epoch_once_and_reaches_the_devices_of_both(
    postgres_url: str,
) -> None:
    with nats_servers() as (server,):
        async with two_houses(postgres_url, server) as (here, there):
            ada, eve = await here.add_user(), await here.add_user("eve")
            token = await here.token(ada)
            async with (
                here.connected(token) as near,
                there.connected(token, **EXTENDED) as far,
                there.connected(await here.token(eve)) as bystander,
            ):
                await followed(there)
                await here.post(ada, "1", "2", "3")
                for device in (near, far):
                    assert await messages(device, 3) == ["1", "2", "3"]
                before = here.node.hub.reconciler.epoch
                assert there.node.hub.reconciler.epoch == before
                await here.node.database.write(lambda t: lose(t, ada.id, 2))
                await here.post(ada, "4", "5", "6", "7")
                assert await messages(near, 4) == ["4", "5", "6", "7"]
                await until(lambda: here.node.hub.reconciler.epoch != before)
                await compared(there)
                assert sorted(await messages(far, 4)) == ["4", "5", "6", "7"]
                await compared(here)
                after = here.node.hub.reconciler.epoch
                assert there.node.hub.reconciler.epoch == after
                await there.post(ada, "8")
                await there.post(eve, "a")
                assert await messages(near, 1) == ["8"]
                assert await messages(far, 1) == ["8"]
                assert await messages(bystander, 1) == ["a"]
                for device in (near, far, bystander):
                    assert await before_pong(device) == []
                await compared(there)
                assert there.node.hub.reconciler.epoch == after
