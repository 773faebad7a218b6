"""The socket's client against a server that does what the test says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from useby.client import MemoryCursor, Notifications, Refused, State, Timing, Unsettled

Handler = Callable[[ServerConnection], Awaitable[None]]
HELLO = json.dumps({"type": "CONNECTION_ESTABLISHED", "message": "…", "userId": "u"})
QUICK = Timing(base=0.001, cap=0.002)
PATIENCE = 10


def _frame(number: int) -> str:
    five = {"id": f"n{number}", "message": "m", "type": "info", "productName": ""}
    return json.dumps(five | {"created_at": "2026-03-04T10:30:00Z"})


class Stage:
    """A server that meets its first connection with the first handler, and so on."""

    def __init__(self, *handlers: Handler) -> None:
        self.left = list(handlers)
        self.requests: list[Request] = []
        self.url = ""

    async def meet(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        await self.left.pop(0)(connection)


@contextlib.asynccontextmanager
async def _server(*handlers: Handler) -> AsyncIterator[Stage]:
    stage = Stage(*handlers)
    async with serve(stage.meet, "127.0.0.1", 0, ping_interval=None) as server:
        stage.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(PATIENCE):
            yield stage
        server.close(close_connections=True)


def _says(*frames: str, close: tuple[int, str] | None = None) -> Handler:
    async def handler(connection: ServerConnection) -> None:
        for frame in (HELLO, *frames):
            await connection.send(frame)
        if close is not None:
            await connection.close(*close)
        await connection.wait_closed()

    return handler


def _ends(code: int, reason: str) -> Handler:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    return handler


async def _take(notifications: Notifications, count: int) -> list[str]:
    found: list[str] = []
    async for notification in notifications:
        found.append(notification.id)
        if len(found) == count:
            break
    return found


async def test_the_token_goes_in_a_header_and_not_in_the_url() -> None:
    async with _server(_says(_frame(1))) as stage:
        assert await _take(Notifications(stage.url, token="t0k"), 1) == ["n1"]
    assert stage.requests[0].headers["Authorization"] == "Bearer t0k"
    assert "t0k" not in stage.requests[0].path


async def test_a_frame_that_is_repeated_is_handed_over_once() -> None:
    async with _server(_says(*[_frame(1)] * 3, _frame(2))) as stage:
        assert await _take(Notifications(stage.url, token="t"), 2) == ["n1", "n2"]


async def test_what_is_no_notification_is_passed_over() -> None:
    strange = ['{"type":"pong"}', "[]", "{", '{"id":1,"type":"info"}', '{"type":"NEW"}', "[" * 4000]
    async with _server(_says(*strange, _frame(1))) as stage:
        assert await _take(Notifications(stage.url, token="t"), 1) == ["n1"]


async def test_it_comes_back_for_what_is_newer_than_the_newest_received() -> None:
    lost, back = _says(_frame(1), _frame(2), close=(1012, "")), _says(_frame(3))
    async with _server(lost, back) as stage:
        found = await _take(Notifications(stage.url, token="t", timing=QUICK), 3)
    assert found == ["n1", "n2", "n3"]
    assert stage.requests[1].path.endswith("?since=n2")


async def test_marks_are_not_settled_before_the_pong_behind_them() -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        async for text in connection:
            heard.put_nowait(str(text))

    async with (
        _server(listen) as stage,
        Notifications(stage.url, token="t", timing=Timing(close=0.01)) as notifications,
    ):
        await notifications.mark_read("n1")
        settling = asyncio.create_task(notifications.settled())
        assert json.loads(await heard.get()) == {"action": "mark_read", "id": "n1"}
        assert await heard.get() == "PING"
        assert not settling.done()
        settling.cancel()


async def test_marks_whose_pong_never_came_are_sent_again_on_the_next_line() -> None:
    heard: list[str] = []

    async def lose(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.recv()
        connection.transport.abort()

    async def take(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        async for text in connection:
            if text == "PING":
                await connection.send('{"type":"pong"}')
            else:
                heard.append(json.loads(text)["id"])

    async with (
        _server(lose, take) as stage,
        Notifications(stage.url, token="t", timing=QUICK) as notifications,
    ):
        await notifications.mark_read("n1", "n2")
        async with asyncio.timeout(1):
            await notifications.settled()
    assert heard == ["n1", "n2"]


async def test_a_fresh_token_that_is_refused_as_well_is_the_end() -> None:
    expired = _ends(1008, "Access token expired")
    tokens = iter(["a", "b", "c", "d"])
    async with _server(expired, expired, _says(_frame(1))) as stage:
        with pytest.raises(Refused, match="Access token expired"):
            await _take(Notifications(stage.url, token=lambda: next(tokens), timing=QUICK), 1)
    assert len(stage.requests) == 2


async def test_a_connection_that_did_not_stand_long_does_not_reset_the_backoff() -> None:
    waits: list[float | None] = []

    def heard(event: object) -> None:
        if isinstance(event, State) and event.name == "waiting":
            waits.append(event.wait)

    lost = _says(close=(1012, ""))
    async with _server(lost, lost, lost, _says(_frame(1))) as stage:
        times = Timing(base=0.001)
        await _take(
            Notifications(stage.url, token="t", timing=times, on_event=heard, random=lambda: 1.0), 1
        )
    assert waits == [0.001, 0.002, 0.004]


async def test_connections_that_are_greeted_and_then_called_expired_are_not_made_without_end() -> (
    None
):
    waits: list[float | None] = []

    def heard(event: object) -> None:
        if isinstance(event, State) and event.name == "waiting":
            waits.append(event.wait)

    expired = _says(close=(1008, "Access token expired"))
    async with _server(expired, expired, expired, _says(_frame(1))) as stage:
        await _take(
            Notifications(
                stage.url, token=lambda: "t", timing=QUICK, on_event=heard, random=lambda: 1.0
            ),
            1,
        )
    assert waits == [0.002, 0.002]


async def test_a_peer_that_answers_no_ping_is_dropped() -> None:
    times = Timing(base=0.001, ping=0.02, pong=0.05)

    async def deaf(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.wait_closed()

    async with _server(deaf, _says(_frame(1))) as stage, asyncio.timeout(2):
        assert await _take(Notifications(stage.url, token="t", timing=times), 1) == ["n1"]


async def test_what_the_application_does_not_take_is_not_read() -> None:
    async def flood(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        for number in range(1000):
            await connection.send(_frame(number))
        await connection.wait_closed()

    async with (
        _server(flood) as stage,
        Notifications(stage.url, token="t", buffer=3, timing=Timing(close=0.05)) as notifications,
    ):
        found = aiter(notifications)
        assert (await anext(found)).id == "n0"
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(notifications._arrived) == 3
        assert [(await anext(found)).id for _ in range(20)] == [f"n{n + 1}" for n in range(20)]
        await found.aclose()


async def test_a_busy_application_can_wait_for_its_marks_although_its_buffer_is_full() -> None:
    async def server(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        for number in range(200):
            await connection.send(_frame(number))
        async for text in connection:
            if text == "PING":
                await connection.send('{"type":"pong"}')

    async with (
        _server(server) as stage,
        Notifications(stage.url, token="t", buffer=2) as notifications,
    ):
        found = aiter(notifications)
        await (await anext(found)).mark_read()
        await notifications.settled()
        assert [(await anext(found)).id for _ in range(199)] == [
            f"n{each + 1}" for each in range(199)
        ]
        await found.aclose()


async def test_a_redirect_is_not_followed() -> None:
    async with _server(_says(_frame(1))) as elsewhere:
        states: asyncio.Queue[State] = asyncio.Queue()

        def send_away(connection: ServerConnection, _: Request) -> Response:
            answer = connection.respond(HTTPStatus.TEMPORARY_REDIRECT, "")
            answer.headers["Location"] = elsewhere.url.replace("http", "ws") + "/"
            return answer

        async def nobody(_: ServerConnection) -> None: ...

        async with serve(nobody, "127.0.0.1", 0, process_request=send_away) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

            def heard(event: Any) -> None:
                states.put_nowait(event)

            async with Notifications(url, token="t", on_event=heard):
                while (state := await states.get()).name != "waiting":
                    pass
                assert state.code == 307
        assert elsewhere.requests == []


async def test_a_wait_for_the_next_that_is_cancelled_loses_none() -> None:
    go_on = asyncio.Event()

    async def server(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await go_on.wait()
        await connection.send(_frame(1))
        await connection.wait_closed()

    async with _server(server) as stage, Notifications(stage.url, token="t") as notifications:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(aiter(notifications))
        go_on.set()
        assert (await anext(aiter(notifications))).id == "n1"


async def test_an_iteration_that_is_broken_off_by_an_error_has_not_handled_the_last_one() -> None:
    cursor = MemoryCursor()
    async with _server(_says(_frame(1), _frame(2)), _says(_frame(2))) as stage:
        with pytest.raises(ZeroDivisionError):
            async with Notifications(stage.url, token="t", cursor=cursor) as notifications:
                async for notification in notifications:
                    if notification.id == "n2":
                        raise ZeroDivisionError
        assert await _take(Notifications(stage.url, token="t", cursor=cursor), 1) == ["n2"]
    assert stage.requests[1].path.endswith("?since=n1")


async def test_who_waits_for_marks_hears_that_they_will_not_be_settled() -> None:
    async with _server(_says()) as stage:
        notifications = Notifications(stage.url, token="t", timing=Timing(close=0.01))
        async with notifications:
            await notifications.mark_read("n1")
            settling = asyncio.create_task(notifications.settled())
            await asyncio.sleep(0)
        with pytest.raises(Unsettled):
            await settling


async def test_what_a_listener_raises_changes_nothing() -> None:
    raised: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))

    def fail(_: object) -> None:
        raise ZeroDivisionError

    async with _server(_says(_frame(1))) as stage:
        assert await _take(Notifications(stage.url, token="t", on_event=fail), 1) == ["n1"]
    assert {type(each["exception"]) for each in raised} == {ZeroDivisionError}


async def test_when_it_is_closed_no_task_is_left() -> None:
    before = asyncio.all_tasks()
    async with _server(_says(_frame(1))) as stage:
        within = asyncio.all_tasks()
        notifications = Notifications(stage.url, token="t")
        async with notifications:
            assert (await anext(aiter(notifications))).id == "n1"
        assert notifications.state.name == "closed"
        await notifications.close()
        assert {each.get_name() for each in asyncio.all_tasks() - within} & {
            "useby notifications"
        } == set()
    assert asyncio.all_tasks() == before
