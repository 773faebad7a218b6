"""ReadTurns of long reads: one for each user, users in rotation, and a bound on what waits."""

import asyncio

import pytest

from useby.store import long_reads
from useby.store.database import ReadRefused, StoreUnavailable
from useby.store.long_reads import WAITING, ReadTurns


class Reads:
    """Reads that end when a test has them end; ``running`` are those that have a turn."""

    def __init__(self, at_once: int) -> None:
        self.turns = ReadTurns(at_once)
        self.running: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def begin(self, name: str) -> asyncio.Task[None]:
        """Ask for a read; the part of its name before the dot is its user."""
        self._ends[name] = asyncio.Event()
        task = asyncio.create_task(self._read(name))
        await _settled()
        return task

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await _settled()

    async def _read(self, name: str) -> None:
        async with self.turns.turn(name.partition(".")[0]):
            self.running.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.running.remove(name)


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_user_has_one_turn_however_many_are_free() -> None:
    reads = Reads(3)
    for name in ("ada.1", "ada.2", "bob.1"):
        await reads.begin(name)
    assert reads.running == ["ada.1", "bob.1"]
    await reads.end("ada.1")
    assert reads.running == ["bob.1", "ada.2"]


async def test_users_get_turns_in_rotation_however_many_reads_one_of_them_has() -> None:
    reads = Reads(1)
    for name in ("ada.1", "ada.2", "ada.3", "bob.1", "eve.1", "bob.2"):
        await reads.begin(name)
    served = []
    while reads.running:
        served += reads.running
        await reads.end(reads.running[0])
    assert served == ["ada.1", "ada.2", "bob.1", "eve.1", "ada.3", "bob.2"]


async def test_a_user_with_too_many_reads_that_wait_is_refused_and_others_are_not() -> None:
    reads = Reads(1)
    tasks = [await reads.begin(f"ada.{number}") for number in range(WAITING + 1)]
    with pytest.raises(ReadRefused):
        await reads.turns.take("ada")
    bob = await reads.begin("bob.1")
    await reads.end("ada.0")
    await reads.end("ada.1")
    assert reads.running == ["bob.1"]
    for task in (*tasks, bob):
        task.cancel()
    await asyncio.gather(*tasks, bob, return_exceptions=True)


async def test_a_read_that_waits_too_long_is_refused_and_leaves_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_reads, "WAIT_SECONDS", 0.01)
    reads = Reads(1)
    await reads.begin("ada.1")
    with pytest.raises(ReadRefused):
        await reads.turns.take("bob")
    await reads.end("ada.1")
    await reads.begin("eve.1")
    assert reads.running == ["eve.1"]
    await reads.end("eve.1")


async def test_a_read_that_is_cancelled_while_it_waits_or_as_it_gets_its_turn_takes_none() -> None:
    reads = Reads(1)
    await reads.turns.take("ada")
    waits, gets, next_ = [await reads.begin(f"{user}.1") for user in ("bob", "eve", "joe")]
    waits.cancel()
    await _settled()
    reads.turns.give_back("ada")  # eve has the turn, and has not run since
    gets.cancel()
    await _settled()
    assert waits.cancelled()
    assert gets.cancelled()
    assert "joe.1" in reads.running
    await reads.end("joe.1")
    assert next_.done()


async def test_no_read_begins_while_turns_are_held_back_and_all_go_on_afterwards() -> None:
    reads = Reads(2)
    await reads.begin("ada.1")
    inside, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with reads.turns.held_back():
            inside.set()
            await leave.wait()

    holding = asyncio.create_task(hold())
    await _settled()
    await reads.begin("bob.1")
    assert reads.running == ["ada.1"]
    assert not inside.is_set()
    await reads.end("ada.1")
    assert inside.is_set()
    assert reads.running == []
    leave.set()
    await holding
    await _settled()
    assert reads.running == ["bob.1"]
    await reads.end("bob.1")


async def test_reads_that_wait_when_the_database_closes_are_refused() -> None:
    reads = Reads(1)
    await reads.begin("ada.1")
    waits = await reads.begin("bob.1")
    reads.turns.close()
    with pytest.raises(StoreUnavailable):
        await waits
    with pytest.raises(StoreUnavailable):
        await reads.turns.take("bob")
    await reads.end("ada.1")
