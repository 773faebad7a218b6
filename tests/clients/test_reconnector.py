"""States and attempts of the client, without a server: the token function decides.

covers: useby.client.reconnector
"""

import asyncio
from collections.abc import Callable

from useby.client import ConnectionRejected, State, Timing
from useby.client.connection import Handlers
from useby.client.inbox import Inbox
from useby.client.marks import Marks
from useby.client.reconnector import Reconnector
from useby.client.token import Token

TIMING = Timing(backoff_base=0.001, backoff_max=0.004, connect_timeout=0.05)


async def _ignore(_: object) -> None: ...


def reconnector(token: Token, on_state: Callable[[State], None]) -> Reconnector:
    handlers = Handlers(lambda *_: None, lambda _: None, lambda: None, _ignore)
    return Reconnector(
        "http://127.0.0.1:9", token, Inbox(1), Marks(), handlers, on_state, TIMING, lambda: 1.0
    )


async def states_of(token: Token) -> tuple[list[State], Reconnector]:
    """Return the states until the client is closed."""
    states: list[State] = []
    closed = asyncio.Event()

    def on_state(state: State) -> None:
        states.append(state)
        if state.name == "closed":
            closed.set()

    client = reconnector(token, on_state)
    client.start()
    client.start()
    async with asyncio.timeout(5):
        await closed.wait()
    return states, client


async def test_a_token_function_that_fails_is_called_again_after_a_growing_wait() -> None:
    results = [OSError(), OSError(), OSError(), OSError(), ConnectionRejected(401, "Gone")]

    def token() -> str:
        raise results.pop(0)

    states, client = await states_of(token)
    waits = [state.wait for state in states if state.name == "waiting"]
    assert waits == [0.001, 0.002, 0.004, 0.004]
    assert states[-1] == State("closed", 401, "Gone")
    assert isinstance(client.failure, ConnectionRejected)


async def test_a_token_function_without_a_result_in_time_is_a_failed_attempt() -> None:
    calls = 0

    async def token() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()  # without end
        raise ConnectionRejected(403, "No")

    states, _ = await states_of(token)
    assert [state.name for state in states] == ["connecting", "waiting", "connecting", "closed"]
    assert states[1].reason == "no token: TimeoutError"


async def test_a_client_that_never_started_is_closed_by_an_abort() -> None:
    states: list[State] = []
    client = reconnector("t", states.append)
    await client.abort()
    client.start()
    assert client.closed
    assert states == [State("closed")]


async def test_a_state_after_closed_is_ignored() -> None:
    states: list[State] = []
    client = reconnector("t", states.append)
    await client.abort()
    client.enter(State("connecting"))
    assert client.state.name == "closed"
    assert len(states) == 1


async def test_an_abort_ends_a_wait() -> None:
    waiting = asyncio.Event()

    def token() -> str:
        raise OSError

    client = reconnector(token, lambda state: waiting.set() if state.wait else None)
    client._timing = Timing(backoff_base=3600, backoff_max=3600)
    client.start()
    async with asyncio.timeout(5):
        await waiting.wait()
        await client.abort()
    assert client.closed
