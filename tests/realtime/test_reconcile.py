"""Comparisons of connections with the database, by a reconciler whose snapshots are given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from useby.domain.account import TokenStatus
from useby.realtime import closes
from useby.realtime.closes import Close
from useby.realtime.reconcile import EPOCH_SECONDS, Reconciler
from useby.realtime.registry import Registry
from useby.realtime.session import Session
from useby.store import comparison, epoch
from useby.store.comparison import Changed


class FakeSocket:
    """Records the session's methods that the reconciler calls, by their names."""

    def __init__(self, user_id: str = "ada", *, newest: int = 0, opening: bool = False) -> None:
        self.session = Session(user_id)
        if not opening:
            self.session.opened(TokenStatus.GOOD, newest, unread=0, since=None)
        self.sign_in_id = None
        self.issued_at = datetime(2026, 3, 4, tzinfo=UTC)
        self.epoch: str | None = "first"
        self.is_behind = False
        self.replies: list[tuple[Any, ...]] = []
        self.closed: list[Close] = []

    def reply(self, answer: Callable[..., Any], *arguments: Any) -> None:
        self.replies.append((answer.__name__, *arguments))

    def close(self, why: Close) -> None:
        self.closed.append(why)


class Snapshot:
    """A database whose tokens, numbers and epoch are as a test sets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.epoch = "first"
        self.newest = 0
        self.standing = TokenStatus.GOOD
        self.batches: list[int] = []
        self.changes: list[str] = []
        monkeypatch.setattr(comparison, "find_changed", self._find_changed)
        monkeypatch.setattr(epoch, "current", lambda _: self.epoch)
        monkeypatch.setattr(epoch, "change", lambda _, seen: self.changes.append(seen))

    def _find_changed(self, _: object, seen: Collection[Any]) -> tuple[dict[int, Changed], str]:
        self.batches.append(len(seen))
        changed = {
            number: Changed(self.standing, self.newest)
            for number, (*_, newest) in enumerate(seen)
            if newest != self.newest or self.standing is not TokenStatus.GOOD
        }
        return changed, self.epoch

    async def read(self, work: Callable[[Any], Any], **_: bool) -> Any:
        return work(None)

    write = read


class Bench:
    """A reconciler with its registry and its database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = Snapshot(monkeypatch)
        self.registry = Registry()
        self.refreshed: list[set[str]] = []
        self.reconciler = Reconciler(
            cast("Any", self.database),
            self.registry,
            lambda users: self.refreshed.append(set(users)),
        )

    def add(self, socket: FakeSocket) -> Any:
        self.registry.register(cast("Any", socket), socket.session.user_id)
        return socket

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reconciler.run())
        await self.settled()
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def settled(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def test_a_newer_number_in_the_database_is_announced(bench: Bench) -> None:
    socket = bench.add(FakeSocket(newest=3))
    bench.database.newest = 5
    async with bench.running():
        bench.reconciler.users_soon(["ada"])
        await bench.settled()

    assert socket.replies == [("announce", 5)]


async def test_a_connection_of_which_nothing_changed_is_left_alone(bench: Bench) -> None:
    silent = [bench.add(FakeSocket(str(number), newest=5)) for number in range(3)]
    bench.database.newest = 5
    async with bench.running():
        bench.reconciler.all_soon()
        await bench.settled()

    assert bench.database.batches == [3]
    assert [each.replies for each in silent] == [[], [], []]


async def test_a_slow_reader_gets_no_announcement(bench: Bench) -> None:
    socket = bench.add(FakeSocket())
    socket.is_behind = True
    bench.database.newest = 5
    async with bench.running():
        bench.reconciler.all_soon()
        await bench.settled()

    assert socket.replies == []


async def test_a_connection_whose_token_is_revoked_is_closed(bench: Bench) -> None:
    socket = bench.add(FakeSocket())
    bench.database.standing = TokenStatus.REVOKED
    async with bench.running():
        bench.reconciler.soon([socket])
        await bench.settled()

    assert socket.closed == [closes.ACCESS_REVOKED]


async def test_connections_queued_together_share_a_snapshot_and_each_is_compared_once(
    bench: Bench,
) -> None:
    sockets = [bench.add(FakeSocket(str(number))) for number in range(7)]
    async with bench.running():
        bench.reconciler.soon(sockets)
        bench.reconciler.all_soon()
        await bench.settled()

    assert bench.database.batches == [7]


async def test_an_opening_connection_is_compared_once_it_is_open(bench: Bench) -> None:
    socket = bench.add(FakeSocket(opening=True))
    async with bench.running():
        bench.reconciler.soon([socket])
        await bench.settled()
        assert bench.database.batches == []
        assert not bench.reconciler.idle

        socket.session.opened(TokenStatus.GOOD, 0, unread=0, since=None)
        bench.reconciler.opened([socket, bench.add(FakeSocket("eve"))])
        await bench.settled()

    assert bench.database.batches == [1]
    assert bench.reconciler.idle


async def test_a_dropped_connection_is_not_compared(bench: Bench) -> None:
    opening, open_ = FakeSocket(opening=True), FakeSocket()
    bench.reconciler.soon(cast("Any", [opening, open_]))
    bench.reconciler.drop(cast("Any", opening))
    bench.reconciler.drop(cast("Any", open_))

    assert bench.reconciler.idle


async def test_another_epoch_compares_everybody_and_refreshes_their_counts(bench: Bench) -> None:
    socket, other = bench.add(FakeSocket()), bench.add(FakeSocket("eve"))
    async with bench.running():
        bench.database.epoch = "second"
        bench.reconciler.soon([socket])
        await bench.settled()

    assert [each.replies[0] for each in (socket, other)] == [("rewind",), ("rewind",)]
    assert bench.refreshed == [{"ada", "eve"}]
    assert bench.reconciler.epoch == socket.epoch == other.epoch == "second"


async def test_a_number_that_went_back_rewinds_and_changes_the_epoch_once_a_minute(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    socket = bench.add(FakeSocket(newest=5))
    bench.database.newest = 3
    async with bench.running():
        bench.reconciler.soon([socket])
        await bench.settled()
        assert ("rewind",) in socket.replies
        assert bench.database.changes == ["first"]

        bench.reconciler.went_back()
        await bench.settled()
        assert bench.database.changes == ["first"]

        later = loop.time() + EPOCH_SECONDS
        monkeypatch.setattr(loop, "time", lambda: later)
        bench.reconciler.went_back()
        await bench.settled()
    assert bench.database.changes == ["first", "first"]
