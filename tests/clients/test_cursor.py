"""The client's state between runs: its position, and marks that may not be durable yet.

covers: useby.client.cursor
"""

import asyncio
import json
from typing import Any

import pytest
from tests.support.scripted_server import HELLO, QUICK, frame, named, playing, replays, sends, take
from websockets.asyncio.server import ServerConnection

from useby.client import MemoryCursor, Notifications


async def test_an_iteration_that_ends_by_an_error_has_not_handled_its_last_notification() -> None:
    cursor = MemoryCursor()
    async with playing(sends(frame(1), frame(2)), sends(frame(2))) as scripted:
        with pytest.raises(ZeroDivisionError):
            async with Notifications(scripted.url, token="t", cursor=cursor) as notifications:
                async for notification in notifications:
                    if notification.id == named(2):
                        raise ZeroDivisionError
        assert await take(Notifications(scripted.url, token="t", cursor=cursor), 1) == [named(2)]
    assert scripted.requests[1].path.endswith(f"?since={named(1)}")


async def test_only_ids_can_be_marked_read() -> None:
    cursor = MemoryCursor()
    notifications = Notifications("http://127.0.0.1:1", token="t", cursor=cursor)
    for strange in ("milk", "", "x" * 5000, f"{named(1)}0"):
        with pytest.raises(ValueError, match="UUID"):
            await notifications.mark_read(named(1), strange)
    with pytest.raises(TypeError):
        await notifications.mark_read(7)  # type: ignore[arg-type]
    assert cursor.load() == ""


@pytest.mark.parametrize("extended", [False, True])
async def test_an_invalid_id_in_a_cursor_does_not_lose_the_other_marks(
    extended: bool,
) -> None:
    marked: list[str] = []
    cursor = MemoryCursor()
    good = [named(each) for each in range(20)]
    cursor.save(json.dumps({"after": "x" * 9000, "marks": ["x" * 5000, *good, "milk", 7]}))
    async with (
        playing(replays(0, marked), extended=extended) as scripted,
        Notifications(scripted.url, token="t", cursor=cursor, timing=QUICK) as notifications,
    ):
        await notifications.flush()
    assert marked == good
    assert json.loads(cursor.load()) == {"after": "", "begun": 0, "marks": []}
    assert "since" not in scripted.requests[0].path


async def test_a_mark_before_the_first_step_keeps_the_stored_position() -> None:
    cursor = MemoryCursor()
    cursor.save(json.dumps({"after": named(7), "marks": [named(5)]}))
    notifications = Notifications("http://127.0.0.1:1", token="t", cursor=cursor)
    await notifications.mark_read(named(6))
    kept = json.loads(cursor.load())
    assert kept == {"after": named(7), "begun": 0, "marks": [named(5), named(6)]}


class _Full(MemoryCursor):
    """Raises while ``full``."""

    full = True

    def save(self, text: str) -> None:
        if self.full:
            raise OSError("no space left on device")
        super().save(text)


async def test_an_exception_of_the_cursor_ends_the_iteration_and_is_raised_there() -> None:
    async with playing(replays(2)) as scripted:
        notifications = Notifications(scripted.url, token="t", cursor=_Full())
        with pytest.raises(OSError, match="no space"):
            await take(notifications, 2)
        assert notifications.state.name == "closed"


async def test_a_mark_is_sent_although_the_cursor_raises() -> None:
    raised: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    marked: list[str] = []
    cursor = _Full()
    async with (
        playing(replays(2, marked)) as scripted,
        Notifications(scripted.url, token="t", cursor=cursor) as notifications,
    ):
        found = aiter(notifications)
        first = await anext(found)
        with pytest.raises(OSError, match="no space"):
            await first.mark_read()
        await notifications.flush()
        cursor.full = False
        await (await anext(found)).mark_read()
        await notifications.flush()
        await found.aclose()
    assert notifications.state.name == "closed"
    assert marked == [named(1), named(2)]
    assert {type(each["exception"]) for each in raised} == {OSError}
    assert json.loads(cursor.load()) == {"after": named(2), "begun": 0, "marks": []}


async def test_notifications_read_before_the_first_connection_are_not_handed_over_later() -> None:
    moment = "2026-03-04T11:00:00Z"

    async def lose(connection: ServerConnection) -> None:
        await connection.send(json.dumps(json.loads(HELLO) | {"seq": 4}))
        await connection.send(frame(1, seq=1, readAt=None))
        await connection.close(1012)

    back = sends(
        frame(2, seq=2, readAt=moment), frame(3, seq=3, readAt=None), frame(5, seq=5, readAt=moment)
    )
    restarted = sends(
        frame(4, seq=4, readAt=moment), frame(6, seq=6, readAt=moment), frame(7, readAt=moment)
    )
    cursor = MemoryCursor()
    async with playing(lose, back, restarted, extended=True) as scripted:
        notifications = Notifications(scripted.url, token="t", cursor=cursor, timing=QUICK)
        assert await take(notifications, 3) == [named(1), named(3), named(5)]
        again = Notifications(scripted.url, token="t", cursor=cursor, timing=QUICK)
        assert await take(again, 2) == [named(6), named(7)]
    assert [each.path.rpartition("since=")[2] for each in scripted.requests[1:]] == [
        named(1), named(3)
    ]  # fmt: skip
