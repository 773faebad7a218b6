"""A queue whose worker takes many items at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from useby.batcher import Batcher


@asynccontextmanager
async def running(batcher: Batcher[Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(batcher.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Worker:
    """Remembers its batches; fails for those that hold a bad item."""

    def __init__(self, until: int, bad: Callable[[int], bool] = lambda _: False) -> None:
        self.batches: list[list[int]] = []
        self.done: list[int] = []
        self.failed: list[int] = []
        self.finished = asyncio.Event()
        self._until = until
        self._bad = bad

    async def work(self, batch: Sequence[int]) -> None:
        self.batches.append(list(batch))
        if any(map(self._bad, batch)):
            raise ValueError(batch)
        self.done += batch
        self._look()

    def fail(self, item: int) -> None:
        self.failed.append(item)
        self._look()

    def _look(self) -> None:
        if len(self.done) + len(self.failed) == self._until:
            self.finished.set()


async def test_items_that_wait_together_are_one_batch() -> None:
    worker = Worker(3)
    batcher = Batcher(worker.work, worker.fail)
    for item in range(3):
        batcher.put(item)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.batches == [[0, 1, 2]]


async def test_a_batch_holds_no_more_than_its_size() -> None:
    worker = Worker(5)
    batcher = Batcher(worker.work, worker.fail, size=2)
    for item in range(5):
        batcher.put(item)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.batches == [[0, 1], [2, 3], [4]]


async def test_items_put_in_while_a_batch_is_under_way_are_the_next_batch() -> None:
    worker = Worker(3)

    async def work(batch: Sequence[int]) -> None:
        if batch[0] == 0:
            batcher.put(1)
            batcher.put(2)
            await asyncio.sleep(0)
        await worker.work(batch)

    batcher = Batcher(work, worker.fail)
    batcher.put(0)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.batches == [[0], [1, 2]]


async def test_a_bad_item_affects_no_other() -> None:
    worker = Worker(3, bad=lambda item: item == 1)
    batcher = Batcher(worker.work, worker.fail)
    for item in range(3):
        batcher.put(item)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.done == [0, 2]
    assert worker.failed == [1]


async def test_an_unwanted_item_is_dropped_unprocessed() -> None:
    worker = Worker(1)
    batcher = Batcher(worker.work, worker.fail, is_wanted=lambda item: item != 0)
    batcher.put(0)
    batcher.put(1)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.batches == [[1]]


async def test_unwanted_items_can_be_freed_before_their_turn() -> None:
    gone = {0}
    batcher = Batcher(Worker(0).work, print, is_wanted=lambda item: item not in gone)
    batcher.put(0)
    batcher.put(1)

    batcher.drop_unwanted()

    assert list(batcher) == [1]


async def test_an_item_that_is_queued_is_not_queued_again() -> None:
    worker = Worker(2)
    batcher = Batcher(worker.work, worker.fail)
    for item in (0, 1, 0):
        batcher.put(item)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.batches == [[0, 1]]


async def test_a_discarded_item_is_not_processed() -> None:
    worker = Worker(1)
    batcher = Batcher(worker.work, worker.fail)
    for item in (0, 1):
        batcher.put(item)
    batcher.discard(0)
    batcher.discard(2)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.batches == [[1]]


async def test_an_empty_queue_is_reported_even_if_its_last_items_were_unwanted() -> None:
    idle: list[int] = []
    worker, ended = Worker(2), asyncio.Event()

    def on_idle() -> None:
        idle.append(len(worker.done))
        ended.set()

    batcher = Batcher(
        worker.work, worker.fail, size=2, is_wanted=lambda item: item != 2, on_idle=on_idle
    )
    for item in range(3):
        batcher.put(item)

    async with running(batcher):
        await ended.wait()

    assert idle == [2]


async def test_a_queue_of_unwanted_items_leaves_the_loop_its_turns() -> None:
    wanted: list[int] = []
    batcher = Batcher(Worker(0).work, print, size=1, is_wanted=wanted.__contains__)
    for item in range(100):
        batcher.put(item)

    async with running(batcher):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(batcher) > 90


@given(
    items=st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True),
    size=st.none() | st.integers(1, 8),
    bad=st.sets(st.integers(0, 60)),
)
async def test_every_item_is_done_or_failed_once_and_in_order(
    items: list[int], size: int | None, bad: set[int]
) -> None:
    worker = Worker(len(items), bad=bad.__contains__)
    batcher = Batcher(worker.work, worker.fail, size=size)
    for item in items:
        batcher.put(item)

    async with running(batcher):
        await worker.finished.wait()

    assert worker.done == [item for item in items if item not in bad]
    assert worker.failed == [item for item in items if item in bad]
