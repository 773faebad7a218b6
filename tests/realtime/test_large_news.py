"""News that is larger than what may wait for a peer: a batch of a thousand, say."""

from collections.abc import Iterator

import pytest

from scene import Scene


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


def test_one_that_does_not_read_yet_gets_it_at_its_own_pace(scene: Scene) -> None:
    ada = scene.owners[0]
    slow = scene.connect(ada, reads=False)
    scene.post(ada, 60)
    assert slow.closed is None
    scene.post(ada, 1)
    slow.reads_on()
    scene.loop.settle()
    assert slow.got == list(range(1, 62))
