"""A batch that is larger than the send buffer of a connection."""

from collections.abc import Iterator

import pytest
from tests.support.simulation.node import SimulatedNode


@pytest.fixture
def simulated() -> Iterator[SimulatedNode]:
    with SimulatedNode() as simulated:
        yield simulated


def test_a_batch_larger_than_the_send_buffer_reaches_a_peer_that_reads(
    simulated: SimulatedNode,
) -> None:
    ada, eve = simulated.owners
    device, extended, other = (
        simulated.connect(ada),
        simulated.connect(ada, extended=True),
        simulated.connect(eve),
    )
    simulated.post(ada, 60)
    simulated.post(ada, 1)
    assert device.got == extended.got == list(range(1, 62))
    assert [device.closed, extended.closed] == [None, None]
    assert other.got == []


def test_a_peer_that_reads_late_gets_a_large_batch_at_its_own_pace(
    simulated: SimulatedNode,
) -> None:
    ada = simulated.owners[0]
    slow = simulated.connect(ada, reads=False)
    simulated.post(ada, 60)
    assert slow.closed is None
    simulated.post(ada, 1)
    slow.reads_on()
    simulated.loop.settle()
    assert slow.got == list(range(1, 62))


def test_several_large_batches_in_one_moment_close_no_connection(simulated: SimulatedNode) -> None:
    """A reader had no time to read yet, and one that just began to lag may have a slow line."""
    ada = simulated.owners[0]
    device, slow = simulated.connect(ada), simulated.connect(ada, reads=False)
    for _ in range(4):
        simulated.post(ada, 12)
    simulated.post(ada, 1)
    assert [device.closed, slow.closed] == [None, None]
    assert device.got == list(range(1, 50))
    slow.reads_on()
    simulated.loop.settle()
    assert slow.got == list(range(1, 50))


def test_a_peer_whose_buffer_is_full_for_a_second_is_closed_at_the_next_push(
    simulated: SimulatedNode,
) -> None:
    ada = simulated.owners[0]
    slow = simulated.connect(ada, reads=False)
    for _ in range(30):
        simulated.post(ada, 1)
    simulated.loop.pass_time(0.9)
    simulated.post(ada, 1)
    assert ada.id in simulated.hub.registry.users
    simulated.loop.pass_time(0.2)
    simulated.post(ada, 1)
    slow.reads_on()
    simulated.loop.settle()
    assert slow.closed == (1013, "Too slow")
