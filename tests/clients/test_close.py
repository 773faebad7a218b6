"""``close()`` ends the client completely, from every caller and in every state.

covers: useby.client.notifications
"""

import asyncio

import pytest
from tests.support.scripted_server import HELLO, QUICK, frame, named, playing, replays, sends
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.server import ServerConnection

from useby.client import Event, FlushInterrupted, Notifications, State, Timing


class States:
    """The states that the client reported."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._changed = asyncio.Event()

    def __call__(self, event: Event) -> None:
        if isinstance(event, State):
            self.names.append(event.name)
            self._changed.set()

    async def until(self, name: str) -> None:
        while name not in self.names:
            self._changed.clear()
            await self._changed.wait()


async def test_a_waiting_flush_is_interrupted_by_a_close() -> None:
    async with playing(sends()) as scripted:
        notifications = Notifications(scripted.url, token="t", timing=Timing(close_timeout=0.01))
        async with notifications:
            await notifications.mark_read(named(1))
            settling = asyncio.create_task(notifications.flush())
            await asyncio.sleep(0)
        with pytest.raises(FlushInterrupted):
            await settling


async def test_a_closed_client_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with playing(sends(frame(1))) as scripted:
        within = asyncio.all_tasks()
        notifications = Notifications(scripted.url, token="t")
        async with notifications:
            assert (await anext(aiter(notifications))).id == named(1)
        assert notifications.state.name == "closed"
        await notifications.close()
        assert {each.get_name() for each in asyncio.all_tasks() - within} & {
            "useby notifications"
        } == set()
    assert asyncio.all_tasks() == before


async def test_a_cancelled_close_ends_the_client_too() -> None:
    async with playing(sends(), replays(1)) as scripted:
        states = States()
        notifications = Notifications(scripted.url, token="t", timing=QUICK, on_event=states)
        iterating = asyncio.create_task(anext(aiter(notifications), None))
        await states.until("connected")
        await notifications.mark_read(named(1))  # no pong will come
        closing = asyncio.create_task(notifications.close())
        await asyncio.sleep(0)
        before = notifications.state
        assert before.name == "connected"
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert notifications.state.name == "closed"
        assert await iterating is None
        assert "useby notifications" not in {each.get_name() for each in asyncio.all_tasks()}
        assert len(scripted.requests) == 1


async def test_a_connection_lost_during_a_close_is_not_opened_again() -> None:
    async def lose(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        async for text in connection:
            if text == "PING":
                connection.transport.abort()

    async with playing(lose, replays(0)) as scripted:
        states = States()
        client = Notifications(scripted.url, token="t", timing=QUICK, on_event=states)
        async with client as notifications:
            await states.until("connected")
            await notifications.mark_read(named(1))
        assert states.names == ["connecting", "connected", "closed"]
        assert len(scripted.requests) == 1


@pytest.mark.parametrize("lost", [False, True])
async def test_the_token_function_may_close_it(lost: bool) -> None:
    calls, went_on = 0, False

    async def token() -> str:
        nonlocal calls, went_on
        calls += 1
        if calls > lost:
            await notifications.close()
            went_on = True
        return "t"

    async with playing(sends(close=(1012, ""))) as scripted:
        notifications = Notifications(scripted.url, token=token, timing=QUICK)
        assert [each async for each in notifications] == []
        assert notifications.state.name == "closed"
        assert len(scripted.requests) == lost
        assert went_on
        assert "useby notifications" not in {each.get_name() for each in asyncio.all_tasks()}


async def test_a_full_buffer_does_not_hold_a_close_up() -> None:
    async with playing(replays(3000)) as scripted:
        notifications = Notifications(
            scripted.url, token="t", buffer=1, timing=Timing(close_timeout=10 * HANG_TIMEOUT)
        )
        async with asyncio.timeout(HANG_TIMEOUT), notifications:
            await anext(aiter(notifications))
        assert notifications.state.name == "closed"


async def test_a_closed_client_hands_over_nothing_from_its_buffer() -> None:
    async with (
        playing(replays(3)) as scripted,
        Notifications(scripted.url, token="t") as notifications,
    ):
        found = aiter(notifications)
        await anext(found)
        await notifications.close()
        assert [each.id async for each in found] == []
