"""Connections stay open while the database is slow or unavailable, and resume when it is back.

covers: useby.realtime.requests
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.simulation.node import SETTINGS, Scene

LONG = 4 * (SETTINGS.ping_interval + SETTINGS.ping_timeout + SETTINGS.message_timeout)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


@pytest.mark.parametrize("how", ["away", "slow"])
def test_tokens_end_on_time_while_the_database_is_unavailable(scene: Scene, how: str) -> None:
    brief = scene.connect(scene.owners[0], seconds=5)
    scene.store_is(how)
    scene.loop.pass_time(4)
    assert brief.closed is None
    scene.loop.pass_time(2)
    assert brief.closed == (1008, "Access token expired")


@pytest.mark.parametrize("how", ["away", "slow"])
def test_a_connection_with_a_waiting_mark_stays_and_is_answered_when_the_database_is_back(
    scene: Scene, how: str
) -> None:
    """Its frames, pongs among them, stay with the kernel; that is no fault of the client."""
    owner = scene.owners[0]
    scene.post(owner, 1)
    device = scene.connect(owner)
    scene.store_is(how)
    device.mark(owner.posted[0], and_ping=True)
    scene.loop.pass_time(LONG)
    assert device.closed is None
    assert device.pinged
    scene.store_is("well")
    scene.loop.pass_time(SETTINGS.ping_interval + SETTINGS.ping_timeout)
    assert device.closed is None
    assert not device.pinged
    assert scene.read_of(owner) == {1}


@pytest.mark.parametrize("how", ["away", "slow"])
def test_a_peer_that_died_during_an_outage_is_closed_after_it(scene: Scene, how: str) -> None:
    owner = scene.owners[0]
    scene.post(owner, 1)
    device = scene.connect(owner)
    scene.store_is(how)
    device.mark(owner.posted[0])
    scene.loop.settle()
    device.leaving = True  # it answers no ping any more
    scene.loop.pass_time(LONG)
    assert device.closed is None
    scene.store_is("well")
    scene.loop.pass_time(2 * SETTINGS.ping_interval + SETTINGS.ping_timeout + 2)
    assert device.closed == (1011, "Keepalive timeout")


@pytest.mark.parametrize("cut", range(76, 85))
def test_the_timeout_of_a_message_pauses_while_reading_is_paused(scene: Scene, cut: int) -> None:
    owner = scene.owners[0]
    scene.post(owner, 1)
    device = scene.connect(owner)
    scene.store_is("away")
    device.mark(owner.posted[0], and_ping=True, cut=cut)
    scene.loop.pass_time(LONG)
    scene.store_is("well")
    scene.loop.pass_time(SETTINGS.ping_interval)
    assert device.closed is None
    assert not device.pinged


def test_waiting_marks_of_several_users_are_all_stored(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is under way, and the others share the next commit."""
    ada, eve = scene.owners
    scene.post(ada, 2)
    scene.post(eve, 1)
    devices = [scene.connect(ada), scene.connect(ada), scene.connect(eve)]
    write, writes = scene.store.write, []

    def counted(work: Any, **how: Any) -> Any:
        writes.append(work)
        return write(work, **how)

    monkeypatch.setattr(scene.store, "write", counted)
    scene.store_is("slow")
    for device, answer in zip(devices, (ada.posted[0], ada.posted[1], eve.posted[0]), strict=True):
        device.mark(answer, and_ping=True)
        scene.loop.settle()
    assert len(scene.store.asked) == 1
    scene.store_is("well")
    scene.loop.raise_faults()
    assert scene.read_of(ada) == {1, 2}
    assert scene.read_of(eve) == {1}
    assert not any(device.pinged for device in devices)
    assert len(writes) == 2


def test_connections_made_during_an_outage_open_when_the_database_is_back(scene: Scene) -> None:
    owner = scene.owners[0]
    scene.post(owner, 4)
    scene.store_is("away")
    devices = [scene.connect(owner) for _ in range(3)]
    scene.loop.pass_time(LONG)
    assert not any(device.established or device.ended for device in devices)
    scene.store_is("well")
    scene.loop.pass_time(1)
    assert [device.got for device in devices] == [[1, 2, 3, 4]] * 3
