"""The WebSocket client against a scripted server.

covers: useby.client.connection
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import pytest
from tests.support.scripted_server import HELLO, QUICK, frame, named, playing, sends, take
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from useby.client import Notifications, State, Timing


async def test_the_token_goes_in_a_header_and_not_in_the_url() -> None:
    async with playing(sends(frame(1))) as scripted:
        assert await take(Notifications(scripted.url, token="t0k"), 1) == [named(1)]
    assert scripted.requests[0].headers["Authorization"] == "Bearer t0k"
    assert "t0k" not in scripted.requests[0].path


async def test_a_repeated_frame_is_handed_over_once() -> None:
    async with playing(sends(*[frame(1)] * 3, frame(2))) as scripted:
        assert await take(Notifications(scripted.url, token="t"), 2) == [named(1), named(2)]


async def test_a_frame_that_is_no_notification_is_ignored() -> None:
    strange = ['{"type":"pong"}', "[]", "{", '{"id":1,"type":"info"}', '{"type":"NEW"}', "[" * 4000]
    async with playing(sends(*strange, frame(1))) as scripted:
        assert await take(Notifications(scripted.url, token="t"), 1) == [named(1)]


async def test_a_reconnect_requests_what_is_newer_than_the_newest_received() -> None:
    lost, back = sends(frame(1), frame(2), close=(1012, "")), sends(frame(3))
    async with playing(lost, back) as scripted:
        found = await take(Notifications(scripted.url, token="t", timing=QUICK), 3)
    assert found == [named(1), named(2), named(3)]
    assert scripted.requests[1].path.endswith(f"?since={named(2)}")


async def test_a_flush_waits_for_the_pong_behind_the_marks() -> None:
    received: asyncio.Queue[str] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        async for text in connection:
            received.put_nowait(str(text))

    async with (
        playing(listen) as scripted,
        Notifications(scripted.url, token="t", timing=Timing(close_timeout=0.01)) as notifications,
    ):
        await notifications.mark_read(named(1))
        settling = asyncio.create_task(notifications.flush())
        assert json.loads(await received.get()) == {"action": "mark_read", "id": named(1)}
        assert await received.get() == "PING"
        assert not settling.done()
        settling.cancel()


async def test_marks_without_a_pong_are_sent_again_on_the_next_connection() -> None:
    received: list[str] = []

    async def lose(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.recv()
        connection.transport.abort()

    async def receive(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        async for text in connection:
            if text == "PING":
                await connection.send('{"type":"pong"}')
            else:
                received.append(json.loads(text)["id"])

    async with (
        playing(lose, receive) as scripted,
        Notifications(scripted.url, token="t", timing=QUICK) as notifications,
    ):
        await notifications.mark_read(named(1), named(2))
        async with asyncio.timeout(HANG_TIMEOUT):
            await notifications.flush()
    assert received == [named(1), named(2)]


async def test_a_short_connection_does_not_reset_the_backoff() -> None:
    waits: list[float | None] = []

    def record(event: object) -> None:
        if isinstance(event, State) and event.name == "waiting":
            waits.append(event.wait)

    lost = sends(close=(1012, ""))
    async with playing(lost, lost, lost, sends(frame(1))) as scripted:
        times = Timing(backoff_base=0.001)
        await take(
            Notifications(
                scripted.url, token="t", timing=times, on_event=record, random=lambda: 1.0
            ),
            1,
        )
    assert waits == [0.001, 0.002, 0.004]


async def test_a_peer_that_answers_no_ping_is_dropped() -> None:
    times = Timing(backoff_base=0.001, ping_interval=0.02, pong_timeout=0.05, close_timeout=0.05)

    async def deaf(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.wait_closed()

    async with playing(deaf, sends(frame(1))) as scripted:
        assert await take(Notifications(scripted.url, token="t", timing=times), 1) == [named(1)]


async def test_a_redirect_is_not_followed() -> None:
    async with playing(sends(frame(1))) as elsewhere:
        states: asyncio.Queue[State] = asyncio.Queue()

        def send_away(connection: ServerConnection, _: Request) -> Response:
            answer = connection.respond(HTTPStatus.TEMPORARY_REDIRECT, "")
            answer.headers["Location"] = elsewhere.url.replace("http", "ws") + "/"
            return answer

        async def nobody(_: ServerConnection) -> None: ...

        async with serve(nobody, "127.0.0.1", 0, process_request=send_away) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

            def record(event: Any) -> None:
                states.put_nowait(event)

            async with Notifications(url, token="t", on_event=record):
                while (state := await states.get()).name != "waiting":
                    pass
                assert state.code == 307
        assert elsewhere.requests == []


async def test_a_cancelled_wait_loses_no_notification() -> None:
    go_on = asyncio.Event()

    async def server(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await go_on.wait()
        await connection.send(frame(1))
        await connection.wait_closed()

    async with playing(server) as scripted, Notifications(scripted.url, token="t") as notifications:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(aiter(notifications))
        go_on.set()
        assert (await anext(aiter(notifications))).id == named(1)


async def test_an_exception_of_a_listener_is_reported_and_changes_nothing() -> None:
    raised: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))

    def fail(_: object) -> None:
        raise ZeroDivisionError

    async with playing(sends(frame(1))) as scripted:
        assert await take(Notifications(scripted.url, token="t", on_event=fail), 1) == [named(1)]
    assert {type(each["exception"]) for each in raised} == {ZeroDivisionError}
