"""The sweep, driven tick by tick without a clock."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from useby.domain.account import TokenStatus
from useby.realtime import closes
from useby.realtime.closes import Close
from useby.realtime.session import Session
from useby.realtime.socket import Socket
from useby.realtime.sweep import SECTIONS, Sweep

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeTransport:
    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class FakeSocket:
    """The part of a socket that the sweep uses."""

    def __init__(self, sweep: Sweep, *, expires_in: float = 900.0, fails: bool = False) -> None:
        self.sweep = sweep
        self.expires_at = START.timestamp() + expires_in
        self.pinged_at = 0.0
        self.slot = -1
        self.session = Session("ada")
        self.session.opened(TokenStatus.GOOD, 0, unread=0, since=None)
        self.pings: list[float] = []
        self.closed: list[Close] = []
        self.fails = fails
        self.transport = FakeTransport()
        sweep.add(cast("Socket", self))

    def ping(self, now: float) -> None:
        if self.fails:
            raise RuntimeError("as if by a bug")
        self.pings.append(now)
        self.pinged_at = now

    def close(self, why: Close) -> None:
        if self.fails:
            raise RuntimeError("as if by a bug")
        self.closed.append(why)
        self.sweep.remove(cast("Socket", self))


def turns(sweep: Sweep, seconds: float, *, start: float = 0.0, shift: float = 0.0) -> float:
    """Let ``seconds`` pass by both clocks; ``shift`` is how far the wall clock has been set."""
    now, end = start, start + seconds
    while now < end:
        now += sweep.tick_seconds
        sweep.tick(now, START + timedelta(seconds=now + shift))
    return now


def test_each_connection_is_pinged_once_an_interval() -> None:
    sweep = Sweep(25, 20)
    sockets = [FakeSocket(sweep, expires_in=1e6) for _ in range(100)]
    for second in range(1, 101):
        sweep.tick(float(second), START)
        for each in sockets:
            each.pinged_at = 0.0
    assert {len(each.pings) for each in sockets} == {4}


def test_pings_are_spread_evenly_over_the_interval() -> None:
    sweep = Sweep(25, 20)
    sockets = [FakeSocket(sweep) for _ in range(1000)]
    for second in range(1, 26):
        sweep.tick(float(second), START)
    assert Counter(each.pings[0] for each in sockets) == {float(at): 40 for at in range(1, 26)}


@pytest.mark.parametrize("interval", [0.5, 3.0, 5.0, 7.0, 25.0, 27.0, 100.0])
def test_each_connection_is_reconciled_once_an_interval_at_the_same_tick_of_it(
    interval: float,
) -> None:
    sweep = Sweep(interval, 1000)
    sockets = [FakeSocket(sweep, expires_in=1e6) for _ in range(300)]
    ticks = round(interval / sweep.tick_seconds)
    due: dict[Any, list[int]] = {each: [] for each in sockets}
    for tick in range(4 * ticks):
        for each in sweep.tick(tick * sweep.tick_seconds, START):
            due[each].append(tick)
    for turns in due.values():
        assert turns == [turns[0] + turn * ticks for turn in range(4)]
    batches = {tick for turns in due.values() for tick in turns if tick < ticks}
    assert len(batches) <= 2 * SECTIONS


@pytest.mark.parametrize(("interval", "limit"), [(25.0, 20.0), (5.0, 20.0), (0.5, 0.25)])
def test_a_peer_that_answers_no_ping_within_the_limit_is_closed(
    interval: float, limit: float
) -> None:
    sweep = Sweep(interval, limit)
    silent = FakeSocket(sweep)
    now = 0.0
    while not silent.closed:
        now += sweep.tick_seconds
        sweep.tick(now, START)
        assert now < 3 * (interval + limit)
    assert silent.closed == [closes.KEEPALIVE_TIMEOUT]
    waited = now - silent.pings[0]
    assert limit <= waited <= limit + 2 * sweep.tick_seconds


def test_a_peer_whose_reading_is_paused_is_pinged_again_later() -> None:
    """While the store is away, what a busy connection sends stays with the kernel."""
    sweep = Sweep(5, 4)
    busy = FakeSocket(sweep, expires_in=1e6)
    busy.session.text('{"action":"mark_read","id":"00000000-0000-7000-8000-000000000000"}')
    now = turns(sweep, 100)
    assert busy.closed == []
    assert len(busy.pings) > 10
    busy.session.marked()
    turns(sweep, 15, start=now)
    assert busy.closed == [closes.KEEPALIVE_TIMEOUT]


def test_a_peer_that_answers_pings_stays_connected() -> None:
    sweep = Sweep(25, 20)
    lively = FakeSocket(sweep, expires_in=1e6)
    for second in range(1, 500):
        sweep.tick(float(second), START)
        if lively.pinged_at and second - lively.pinged_at >= 19:
            lively.pinged_at = 0.0
    assert lively.closed == []


def test_a_token_ends_at_exp_within_one_second() -> None:
    sweep = Sweep(100, 100)
    socket = FakeSocket(sweep, expires_in=30)
    now = turns(sweep, 29)
    assert socket.closed == []
    turns(sweep, 1, start=now)
    assert socket.closed == [closes.TOKEN_EXPIRED]


def test_a_wall_clock_that_jumps_ahead_ends_tokens_at_the_next_turn() -> None:
    sweep = Sweep(25, 20)
    socket = FakeSocket(sweep, expires_in=600)
    now = turns(sweep, 3)
    turns(sweep, 1, start=now, shift=3600)
    assert socket.closed == [closes.TOKEN_EXPIRED]


def test_a_wall_clock_set_back_neither_ends_a_token_nor_stops_pings() -> None:
    sweep = Sweep(5, 4)
    socket = FakeSocket(sweep, expires_in=600)
    now = turns(sweep, 3)
    socket.pinged_at = 0.0
    pings = len(socket.pings)
    for _ in range(10):
        now = turns(sweep, 1, start=now, shift=-3600)
        socket.pinged_at = 0.0
    assert socket.closed == []
    assert len(socket.pings) > pings


def test_a_connection_that_raises_is_aborted_and_the_sweep_goes_on() -> None:
    sweep = Sweep(1, 1)
    bad = FakeSocket(sweep, fails=True)
    good = FakeSocket(sweep)
    turns(sweep, 3)
    assert bad.transport.aborted
    assert good.pings


def test_a_removed_connection_is_not_swept_again() -> None:
    sweep = Sweep(5, 4)
    socket = FakeSocket(sweep, expires_in=10)
    sweep.remove(cast("Any", socket))
    sweep.remove(cast("Any", socket))
    turns(sweep, 20)
    assert socket.pings == []
    assert socket.closed == []
    assert sweep._expirations == {}
