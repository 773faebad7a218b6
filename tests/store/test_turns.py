"""Turns of transactions whose user's row is held, without a database."""

import asyncio

import pytest
from tests.support.time_limits import HANG_TIMEOUT

from useby.store.database import OwnerLocked, StoreUnavailable
from useby.store.turns import QUEUED, WAITED_FOR, Turns


async def test_a_user_without_a_turn_continues_as_soon_as_the_row_is_free() -> None:
    turns, over = Turns(), asyncio.Event()
    attempts: list[bool] = []

    async def waits_long(waits: bool) -> None:
        if not waits:
            raise OwnerLocked("locked")
        await over.wait()

    async def is_locked_twice(waits: bool) -> str:
        attempts.append(waits)
        if len(attempts) < 3:
            raise OwnerLocked("other")
        return "done"

    waiting = [
        asyncio.create_task(turns.run(str(number), waits_long)) for number in range(WAITED_FOR)
    ]
    await asyncio.sleep(0)
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await turns.run("other", is_locked_twice) == "done"
    assert attempts == [False] * 3, "it never waits with a connection"
    assert not any(each.done() for each in waiting)
    over.set()
    await asyncio.gather(*waiting)


async def test_of_one_user_one_transaction_waits_at_a_time() -> None:
    turns = Turns()
    under_way = most = 0

    async def attempt(_: bool) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    await asyncio.gather(*(turns.run("ada", attempt) for _ in range(10)))
    assert most == 1


async def test_more_transactions_of_one_user_than_may_wait_are_refused() -> None:
    turns, over = Turns(), asyncio.Event()

    async def attempt(_: bool) -> None:
        await over.wait()

    waiting = [asyncio.create_task(turns.run("ada", attempt)) for _ in range(QUEUED)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await turns.run("ada", attempt)
    over.set()
    await asyncio.gather(*waiting)
    assert turns._queues == {}
