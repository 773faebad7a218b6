"""Following a person's notifications through lost connections, against a server that loses them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from useby.cli import follow as following
from useby.cli.follow import LONGEST_WAIT, follow, pause
from useby.cli.options import Refused
from useby.realtime import closes

Handler = Callable[[ServerConnection], Awaitable[None]]
HELLO = json.dumps({"type": "CONNECTION_ESTABLISHED", "message": "…", "userId": "u"})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_WAIT", 0.0)


def _frame(number: int) -> str:
    return json.dumps({"id": f"n{number}", "message": "m", "created_at": "2026-03-04T10:30:00Z"})


@contextlib.asynccontextmanager
async def _server(
    *handlers: Handler, refusal: HTTPStatus | None = None
) -> AsyncIterator[tuple[str, list[Request]]]:
    """A server that meets its first connection with the first handler, and so on."""
    requests: list[Request] = []
    left = list(handlers)

    async def meet(connection: ServerConnection) -> None:
        assert connection.request is not None
        requests.append(connection.request)
        await left.pop(0)(connection)

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        if refusal is None or len(requests) >= 1:
            return None
        requests.append(request)
        return connection.respond(refusal, "")

    async with serve(meet, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/api/ws/notification", requests


async def _take(url: str, count: int, states: list[str] | None = None) -> list[str]:
    found: list[str] = []
    said = states if states is not None else []
    async with asyncio.timeout(10), contextlib.aclosing(follow(url, "t0k", said.append)) as all_:
        async for notification in all_:
            found.append(notification["id"])
            if len(found) == count:
                break
    return found


async def _stay(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def test_the_token_goes_in_a_header_and_not_in_the_url() -> None:
    async def say(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.send(_frame(1))
        await _stay(connection)

    async with _server(say) as (url, requests):
        assert await _take(url, 1) == ["n1"]
    assert requests[0].headers["Authorization"] == "Bearer t0k"
    assert "t0k" not in requests[0].path


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1013])
async def test_a_lost_connection_is_made_again_from_where_it_was_lost(code: int) -> None:
    async def lose(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.send(_frame(1))
        await connection.send(_frame(2))
        await connection.close(code, "why")

    async def go_on(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.send(_frame(3))
        await _stay(connection)

    states: list[str] = []
    async with _server(lose, go_on) as (url, requests):
        assert await _take(url, 3, states) == ["n1", "n2", "n3"]
    assert requests[1].path.endswith("?since=n2")
    assert states == ["connected", f"not connected ({code} why); again in 0.0 s", "connected"]


async def test_a_line_that_is_cut_is_made_anew() -> None:
    async def cut(connection: ServerConnection) -> None:
        connection.transport.abort()

    async def say(connection: ServerConnection) -> None:
        await connection.send(_frame(1))
        await _stay(connection)

    states: list[str] = []
    async with _server(cut, say) as (url, _):
        assert await _take(url, 1, states) == ["n1"]
    assert states == ["not connected (the line was cut); again in 0.0 s"]


async def test_pongs_and_other_frames_are_not_notifications() -> None:
    async def say(connection: ServerConnection) -> None:
        for frame in (HELLO, '{"type":"pong"}', _frame(1)):
            await connection.send(frame)
        await _stay(connection)

    async with _server(say) as (url, _):
        assert await _take(url, 1) == ["n1"]


@pytest.mark.parametrize("close", [each for each in closes.ALL if not each.returns])
async def test_a_close_after_which_nobody_returns_ends_it(close: closes.Close) -> None:
    async def end(connection: ServerConnection) -> None:
        await connection.close(close.code, close.reason)

    async with _server(end) as (url, requests):
        with pytest.raises(Refused, match=close.reason):
            await _take(url, 1)
    assert len(requests) == 1


async def test_an_answer_that_is_no_upgrade_ends_it() -> None:
    async with _server(refusal=HTTPStatus.NOT_FOUND) as (url, _):
        with pytest.raises(Refused, match="HTTP 404"):
            await _take(url, 1)


async def test_a_node_that_is_overloaded_is_tried_again() -> None:
    async def say(connection: ServerConnection) -> None:
        await connection.send(_frame(1))
        await _stay(connection)

    async with _server(say, refusal=HTTPStatus.SERVICE_UNAVAILABLE) as (url, requests):
        assert await _take(url, 1) == ["n1"]
    assert len(requests) == 2


async def test_a_node_that_is_not_there_yet_is_waited_for() -> None:
    tried = asyncio.Event()
    states: list[str] = []

    def state(said: str) -> None:
        states.append(said)
        tried.set()

    async def wait() -> None:
        async with contextlib.aclosing(follow("ws://127.0.0.1:1/", "t", state)) as all_:
            async for _ in all_:
                pass

    async with asyncio.timeout(10):
        task = asyncio.create_task(wait())
        await tried.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert states[0].startswith("not connected (nobody listens there); again in ")


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_pause_is_bounded_and_half_of_it_is_chance(failures: int, chance: float) -> None:
    assert pause(failures, 0) <= pause(failures, chance) <= pause(failures, 1) <= LONGEST_WAIT
    assert pause(failures, 0) * 2 == pause(failures, 1)


def test_each_pause_is_twice_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_WAIT", 0.5)
    assert [pause(failures, 1) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
