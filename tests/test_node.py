"""The composition of a node (the node as a whole runs in ``journeys``, ``faults``, …)."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.mail_server import ACCEPTED, receiving_mail
from tests.support.node_fixtures import house, start, wall
from tests.support.time_limits import HANG_TIMEOUT

from useby import node
from useby.domain.events import AlertScheduled, ExternalCommit, NotificationsAdded
from useby.scheduler.retention import Retention

__all__ = ["house", "start", "wall"]


class Calls:
    """Calls of a node's hub, bus and scheduler, in their order."""

    def __init__(self, node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[Any, ...]] = []
        for part, name in (
            (node.hub, "on_event"),
            (node.hub.reconciler, "all_soon"),
            (node.bus, "publish"),
            (node.scheduler, "wake"),
        ):
            monkeypatch.setattr(part, name, self._recorder(name))

    def _recorder(self, name: str) -> Any:
        return lambda *values: self.made.append((name, *values))


@pytest.fixture
async def calls(house: InProcessNode, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(house.node, monkeypatch)


async def test_a_commit_goes_to_the_hub_and_then_to_other_nodes(
    house: InProcessNode, calls: Calls
) -> None:
    user = await house.add_user()
    (row,) = await house.post(user, "The milk is out")
    event = NotificationsAdded(user.id, (row,))
    assert calls.made == [("on_event", event), ("publish", event)]


async def test_a_due_time_wakes_the_scheduler_and_goes_nowhere_else(
    house: InProcessNode, calls: Calls
) -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    await house.node.database.write(lambda t: t.publish(AlertScheduled(noon)))
    assert calls.made == [("wake", noon)]


async def test_a_commit_of_another_process_reconciles_all_and_wakes_the_scheduler(
    house: InProcessNode, calls: Calls
) -> None:
    await house.node.database.write(lambda t: t.publish(ExternalCommit()))
    assert calls.made == [("all_soon",), ("wake",)]


async def test_a_node_that_stops_sends_the_mails_that_wait_without_their_pauses(start: Any) -> None:
    async with receiving_mail() as mails:
        mails.answer = lambda _: "451 later" if len(mails.mails) == 1 else ACCEPTED
        house: InProcessNode = await start(**mails.settings())
        user = await house.add_user()
        assert house.node.context.mail is not None
        house.node.context.mail.forgot(user.email or "")
        await mails.until_count(1)
        house.node.stop()
        await mails.until_count(2)
    first, second = (each.parsed["Message-ID"] for each in mails.mails)
    assert first == second


async def test_a_second_stop_waits_for_no_mail(start: Any) -> None:
    async with receiving_mail() as mails:
        mails.answer = lambda _: None
        house: InProcessNode = await start(**mails.settings())
        house.node._leaves_within = 36_000.0
        user = await house.add_user()
        assert house.node.context.mail is not None
        house.node.context.mail.forgot(user.email or "")
        await mails.until_count(1)
        (running,) = [each for each in asyncio.all_tasks() if each.get_name() == "node"]
        for _ in range(2):
            house.node.stop()
        async with asyncio.timeout(HANG_TIMEOUT):
            await asyncio.wait([running])


async def test_a_node_deletes_old_read_notifications_after_the_days_of_its_setting(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: asyncio.Queue[int] = asyncio.Queue()

    class Noted(Retention):
        async def run(self) -> None:
            begun.put_nowait(self._days)

    monkeypatch.setattr(node, "Retention", Noted)
    await start(keep_read_days=7)
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await begun.get() == 7
