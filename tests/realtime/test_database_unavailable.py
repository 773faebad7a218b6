"""Connections stay open while the database is slow or unavailable, and resume when it is back.

covers: useby.realtime.requests
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.simulation.node import SETTINGS, SimulatedNode

LONG = 4 * (SETTINGS.ping_interval + SETTINGS.ping_timeout + SETTINGS.message_timeout)


@pytest.fixture
def simulated() -> Iterator[SimulatedNode]:
    with SimulatedNode() as simulated:
        yield simulated


@pytest.mark.parametrize("how", ["away", "slow"])
def test_tokens_end_on_time_while_the_database_is_unavailable(
    simulated: SimulatedNode, how: str
) -> None:
    brief = simulated.connect(simulated.owners[0], seconds=5)
    simulated.store_is(how)
    simulated.loop.pass_time(4)
    assert brief.closed is None
    simulated.loop.pass_time(2)
    assert brief.closed == (1008, "Access token expired")


@pytest.mark.parametrize("how", ["away", "slow"])
def test_a_connection_with_a_waiting_mark_stays_and_is_answered_when_the_database_is_back(
    simulated: SimulatedNode, how: str
) -> None:
    """Its frames, pongs among them, stay with the kernel; that is no fault of the client."""
    owner = simulated.owners[0]
    simulated.post(owner, 1)
    device = simulated.connect(owner)
    simulated.store_is(how)
    device.mark(owner.posted[0], and_ping=True)
    simulated.loop.pass_time(LONG)
    assert device.closed is None
    assert device.pinged
    simulated.store_is("well")
    simulated.loop.pass_time(SETTINGS.ping_interval + SETTINGS.ping_timeout)
    assert device.closed is None
    assert not device.pinged
    assert simulated.read_of(owner) == {1}


@pytest.mark.parametrize("how", ["away", "slow"])
def test_a_peer_that_died_during_an_outage_is_closed_after_it(
    simulated: SimulatedNode, how: str
) -> None:
    owner = simulated.owners[0]
    simulated.post(owner, 1)
    device = simulated.connect(owner)
    simulated.store_is(how)
    device.mark(owner.posted[0])
    simulated.loop.settle()
    device.leaving = True  # it answers no ping any more
    simulated.loop.pass_time(LONG)
    assert device.closed is None
    simulated.store_is("well")
    simulated.loop.pass_time(2 * SETTINGS.ping_interval + SETTINGS.ping_timeout + 2)
    assert device.closed == (1011, "Keepalive timeout")


@pytest.mark.parametrize("cut", range(76, 85))
def test_the_timeout_of_a_message_pauses_while_reading_is_paused(
    simulated: SimulatedNode, cut: int
) -> None:
    owner = simulated.owners[0]
    simulated.post(owner, 1)
    device = simulated.connect(owner)
    simulated.store_is("away")
    device.mark(owner.posted[0], and_ping=True, cut=cut)
    simulated.loop.pass_time(LONG)
    simulated.store_is("well")
    simulated.loop.pass_time(SETTINGS.ping_interval)
    assert device.closed is None
    assert not device.pinged


def test_waiting_marks_of_several_users_are_all_stored(
    simulated: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is under way, and the others share the next commit."""
    ada, eve = simulated.owners
    simulated.post(ada, 2)
    simulated.post(eve, 1)
    devices = [simulated.connect(ada), simulated.connect(ada), simulated.connect(eve)]
    write, writes = simulated.store.write, []

    def counted(work: Any, **how: Any) -> Any:
        writes.append(work)
        return write(work, **how)

    monkeypatch.setattr(simulated.store, "write", counted)
    simulated.store_is("slow")
    for device, answer in zip(devices, (ada.posted[0], ada.posted[1], eve.posted[0]), strict=True):
        device.mark(answer, and_ping=True)
        simulated.loop.settle()
    assert len(simulated.store.asked) == 1
    simulated.store_is("well")
    simulated.loop.raise_faults()
    assert simulated.read_of(ada) == {1, 2}
    assert simulated.read_of(eve) == {1}
    assert not any(device.pinged for device in devices)
    assert len(writes) == 2


def test_connections_made_during_an_outage_open_when_the_database_is_back(
    simulated: SimulatedNode,
) -> None:
    owner = simulated.owners[0]
    simulated.post(owner, 4)
    simulated.store_is("away")
    devices = [simulated.connect(owner) for _ in range(3)]
    simulated.loop.pass_time(LONG)
    assert not any(device.established or device.ended for device in devices)
    simulated.store_is("well")
    simulated.loop.pass_time(1)
    assert [device.got for device in devices] == [[1, 2, 3, 4]] * 3
