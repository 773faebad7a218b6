"""Tokens of the client: where they come from, and what happens when they expire."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.scripted_server import (
    EXPIRED,
    HELLO,
    QUICK,
    ScriptedServer,
    ends,
    frame,
    named,
    playing,
    sends,
    take,
)
from websockets.asyncio.server import ServerConnection

from useby.client import ConnectionRejected, Notifications, State

EXPIRING = json.dumps({"type": "TOKEN_EXPIRING"})
AUTHENTICATED = json.dumps({"type": "AUTHENTICATED"})
REJECTED = json.dumps({"type": "REJECTED", "action": "authenticate", "reason": "no"})


def _jwt(seconds: float, name: str = "t") -> str:
    now = time.time()
    payload = json.dumps({"iat": now, "exp": now + seconds, "jti": name}).encode()
    return f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


class Brings:
    """A token function that brings these in turn, the last of them for ever."""

    def __init__(self, *what: str | Exception) -> None:
        self.left = list(what)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        found = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(found, Exception):
            raise found
        return found


class Failure(Exception):
    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(str(status))
        self.status, self.retry_after = status, retry_after


class Extended:
    """An extended session: sends TOKEN_EXPIRING so often, and these to each authenticate."""

    def __init__(self, *answers: str, expiring: int = 1) -> None:
        self.answers, self.expiring = answers, expiring
        self.tokens: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, connection: ServerConnection) -> None:
        await connection.send(HELLO)
        for _ in range(self.expiring):
            await connection.send(EXPIRING)
        async for text in connection:
            if text == "PING":
                await connection.send('{"type":"pong"}')
            elif token := json.loads(text).get("access_token"):
                self.tokens.put_nowait(token)
                for answer in self.answers:
                    await connection.send(answer)


class States:
    """The states that the client reported."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.waits: list[float | None] = []

    def __call__(self, event: Any) -> None:
        if isinstance(event, State):
            self.names.append(event.name)
            if event.name == "waiting":
                self.waits.append(event.wait)


def _bearers(scripted: ScriptedServer) -> list[str]:
    return [each.headers["Authorization"].removeprefix("Bearer ") for each in scripted.requests]


async def _until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def test_an_extended_session_continues_with_a_fresh_token() -> None:
    fresh, session, states = _jwt(900), Extended(AUTHENTICATED), States()
    async with (
        playing(session, extended=True) as scripted,
        Notifications(scripted.url, token=Brings("old", fresh), on_event=states) as notifications,
    ):
        assert await session.tokens.get() == fresh
        await notifications.mark_read(named(1))
        await notifications.flush()
        assert states.names == ["connecting", "connected"]


@pytest.mark.parametrize("answers", [[REJECTED], []])
async def test_a_fresh_token_that_is_refused_or_not_answered_makes_a_new_connection(
    answers: list[str],
) -> None:
    second, third = _jwt(900, "second"), _jwt(900, "third")
    states, fetch = States(), Brings("old", second, third)
    async with playing(Extended(*answers), sends(frame(1)), extended=True) as scripted:
        notifications = Notifications(scripted.url, token=fetch, on_event=states)
        assert await take(notifications, 1) == [named(1)]
    assert states.names == ["connecting", "connected", "connecting", "connected", "closed"]
    assert _bearers(scripted) == ["old", third]
    assert fetch.calls == 3


async def test_the_rejection_of_another_frame_changes_nothing() -> None:
    rejected = json.dumps({"type": "REJECTED", "action": "mark_read", "reason": "no"})
    async with playing(sends(rejected, frame(1)), extended=True) as scripted:
        assert await take(Notifications(scripted.url, token=Brings("t")), 1) == [named(1)]
    assert len(scripted.requests) == 1


async def test_a_fresh_ticket_opens_a_new_connection() -> None:
    session, fetch = Extended(), Brings("one", "two")
    async with playing(session, sends(frame(1)), extended=True) as scripted:
        assert await take(Notifications(scripted.url, token=fetch), 1) == [named(1)]
    assert _bearers(scripted) == ["one", "two"]
    assert session.tokens.empty()


async def test_repeated_warnings_of_an_expiring_token_fetch_one_token_an_interval() -> None:
    session = Extended(AUTHENTICATED, EXPIRING, EXPIRING, frame(1), expiring=5)
    fetch = Brings(*(_jwt(9, str(each)) for each in range(9)))
    async with playing(session, extended=True) as scripted:
        found = aiter(Notifications(scripted.url, token=fetch, timing=QUICK))
        assert (await anext(found)).id == named(1)
        assert fetch.calls == 2
        await found.aclose()


async def test_a_renewal_before_a_reconnect_counts_after_it() -> None:
    async def expire(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.send(EXPIRING)
        await connection.recv()
        await connection.close(*EXPIRED)

    fetch = Brings(_jwt(1, "1"), _jwt(1, "2"), _jwt(1, "3"), _jwt(1, "4"))
    async with playing(expire, sends(EXPIRING, frame(1)), extended=True) as scripted:
        assert await take(Notifications(scripted.url, token=fetch, timing=QUICK), 1) == [named(1)]
    assert fetch.calls == 3


async def test_a_token_function_that_returns_the_same_token_has_no_fresh_one() -> None:
    session, fetch, states = Extended(), Brings(_jwt(50)), States()
    async with (
        playing(session, extended=True) as scripted,
        Notifications(scripted.url, token=fetch, on_event=states) as notifications,
    ):
        await _until(lambda: fetch.calls == 2)
        await notifications.mark_read(named(1))
        await notifications.flush()
        assert session.tokens.empty()
        assert states.names == ["connecting", "connected"]


async def test_a_plain_session_reconnects_with_a_fresh_token_before_its_own_ends() -> None:
    states, fresh = States(), _jwt(900)
    fetch = Brings(_jwt(0.2), fresh)
    async with playing(sends(frame(1)), sends(frame(2))) as scripted:
        notifications = Notifications(scripted.url, token=fetch, on_event=states)
        assert await take(notifications, 2) == [named(1), named(2)]
    assert states.names == ["connecting", "connected", "connecting", "connected", "closed"]
    assert _bearers(scripted)[1] == fresh
    assert scripted.requests[1].path.endswith(f"?since={named(1)}")
    assert fetch.calls == 2


async def test_a_failed_token_fetch_is_repeated_and_ends_no_open_connection() -> None:
    states, session, fresh = States(), Extended(AUTHENTICATED), _jwt(900)
    fetch = Brings("old", Failure(401), Failure(503, 0.01), fresh)
    async with (
        playing(session, extended=True) as scripted,
        Notifications(scripted.url, token=fetch, on_event=states, timing=QUICK),
    ):
        assert await session.tokens.get() == fresh
        assert states.names == ["connecting", "connected"]
    assert fetch.calls == 4


async def test_a_fresh_token_that_is_refused_too_ends_the_client() -> None:
    expired = ends(*EXPIRED)
    tokens = iter(["a", "b", "c", "d"])
    async with playing(expired, expired, sends(frame(1))) as scripted:
        with pytest.raises(ConnectionRejected, match="Access token expired"):
            await take(Notifications(scripted.url, token=lambda: next(tokens), timing=QUICK), 1)
    assert len(scripted.requests) == 2


async def test_connections_that_expire_after_their_greeting_are_not_repeated_without_end() -> None:
    waits: list[float | None] = []

    def record(event: object) -> None:
        if isinstance(event, State) and event.name == "waiting":
            waits.append(event.wait)

    expired = sends(close=EXPIRED)
    async with playing(expired, expired, expired, sends(frame(1))) as scripted:
        await take(
            Notifications(
                scripted.url, token=lambda: "t", timing=QUICK, on_event=record, random=lambda: 1.0
            ),
            1,
        )
    assert waits == [0.002, 0.002]
