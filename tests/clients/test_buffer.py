"""The buffer of the client is bounded, however slow the application is.

covers: useby.client.inbox
"""

import asyncio

from tests.support.scripted_server import HELLO, frame, named, playing, replays
from websockets.asyncio.server import ServerConnection

from useby.client import Notifications, Timing


async def test_a_client_reads_no_more_than_its_buffer_holds() -> None:
    async def flood(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        for number in range(1000):
            await connection.send(frame(number))
        await connection.wait_closed()

    async with (
        playing(flood) as scripted,
        Notifications(
            scripted.url, token="t", buffer=3, timing=Timing(close_timeout=0.05)
        ) as notifications,
    ):
        found = aiter(notifications)
        assert (await anext(found)).id == named(0)
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(notifications._inbox) == 3
        assert [(await anext(found)).id for _ in range(20)] == [named(n + 1) for n in range(20)]
        await found.aclose()


async def test_a_busy_application_can_flush_its_marks_although_its_buffer_is_full() -> None:
    again = replays(200)
    async with (
        playing(again, again) as scripted,
        Notifications(scripted.url, token="t", buffer=100) as notifications,
    ):
        found = aiter(notifications)
        await (await anext(found)).mark_read()
        await notifications.flush()
        assert [(await anext(found)).id for _ in range(199)] == [
            named(each + 2) for each in range(199)
        ]
        await found.aclose()
    assert [each.path.rpartition("?")[2] for each in scripted.requests[1:]] == [
        f"since={named(101)}"
    ]


async def test_an_application_that_flushes_each_mark_gets_all_in_order_from_a_bounded_buffer() -> (
    None
):
    marked: list[str] = []
    async with (
        playing(*[replays(400, marked)] * 20) as scripted,
        Notifications(scripted.url, token="t", buffer=10) as notifications,
    ):
        found, handed, most = aiter(notifications), list[str](), 0
        for _ in range(40):
            notification = await anext(found)
            handed.append(notification.id)
            await notification.mark_read()
            await notifications.flush()
            most = max(most, len(notifications._inbox))
        await found.aclose()
    assert most == 10
    assert handed == [named(each + 1) for each in range(40)]
    assert set(marked) == set(handed)
    assert 5 <= len(scripted.requests) <= 10  # it comes back when half of the buffer is handed over


async def test_dropped_notifications_are_requested_although_nothing_more_is_sent() -> None:
    async with (
        playing(replays(3), replays(3)) as scripted,
        Notifications(scripted.url, token="t", buffer=1) as notifications,
    ):
        found = aiter(notifications)
        first = await anext(found)
        await first.mark_read()
        await notifications.flush()
        assert [(await anext(found)).id, (await anext(found)).id] == [named(2), named(3)]
        await found.aclose()


async def test_notifications_after_a_dropped_one_are_dropped_too() -> None:
    async def server(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        for number in range(1, 7):
            await connection.send(frame(number))
        async for text in connection:
            if text == "PING":
                await connection.send('{"type":"pong"}')
            elif named(2) in text:
                await connection.send(frame(7))

    async with (
        playing(server, replays(7)) as scripted,
        Notifications(scripted.url, token="t", buffer=4) as notifications,
    ):
        found, handed = aiter(notifications), list[str]()
        for number in range(7):
            notification = await anext(found)
            handed.append(notification.id)
            if number < 2:
                await notification.mark_read()
                await notifications.flush()
        await found.aclose()
    assert handed == [named(each + 1) for each in range(7)]
    assert len(scripted.requests) == 2
