"""A batch that is larger than the send buffer of a connection."""

from collections.abc import Iterator

import pytest
from tests.support.simulation.node import Scene


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


def test_a_batch_larger_than_the_send_buffer_reaches_a_peer_that_reads(scene: Scene) -> None:
    ada, eve = scene.owners
    device, extended, other = (
        scene.connect(ada),
        scene.connect(ada, extended=True),
        scene.connect(eve),
    )
    scene.post(ada, 60)
    scene.post(ada, 1)
    assert device.got == extended.got == list(range(1, 62))
    assert [device.closed, extended.closed] == [None, None]
    assert other.got == []


def test_a_peer_that_reads_late_gets_a_large_batch_at_its_own_pace(scene: Scene) -> None:
    ada = scene.owners[0]
    slow = scene.connect(ada, reads=False)
    scene.post(ada, 60)
    assert slow.closed is None
    scene.post(ada, 1)
    slow.reads_on()
    scene.loop.settle()
    assert slow.got == list(range(1, 62))


def test_several_large_batches_in_one_moment_close_no_connection(scene: Scene) -> None:
    """A reader had no time to read yet, and one that just began to lag may have a slow line."""
    ada = scene.owners[0]
    device, slow = scene.connect(ada), scene.connect(ada, reads=False)
    for _ in range(4):
        scene.post(ada, 12)
    scene.post(ada, 1)
    assert [device.closed, slow.closed] == [None, None]
    assert device.got == list(range(1, 50))
    slow.reads_on()
    scene.loop.settle()
    assert slow.got == list(range(1, 50))


def test_a_peer_whose_buffer_is_full_for_a_second_is_closed_at_the_next_push(
    scene: Scene,
) -> None:
    ada = scene.owners[0]
    slow = scene.connect(ada, reads=False)
    for _ in range(30):
        scene.post(ada, 1)
    scene.loop.pass_time(0.9)
    scene.post(ada, 1)
    assert ada.id in scene.hub.registry.users
    scene.loop.pass_time(0.2)
    scene.post(ada, 1)
    slow.reads_on()
    scene.loop.settle()
    assert slow.closed == (1013, "Too slow")
