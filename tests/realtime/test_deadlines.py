"""The time in which a peer has to read an answer; all other times are in ``test_http``."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.fuzz.visitor import SETTINGS, Visitor

from useby.realtime.deadlines import LEAST_READ

SIZE = 5 * LEAST_READ
HEAD = 2**10
"""More bytes than the head of the answer has; the body is sent once the head is read."""
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class LargeAnswer(Visitor):
    """A connection whose request has an answer of ``SIZE`` bytes, which the peer reads in parts."""

    async def _echo(self, scope: Any, receive: Any, send: Any) -> None:
        length = (b"content-length", str(SIZE).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": b"x" * SIZE})

    def read_each_time(self, count: int, times: int) -> bool:
        """Read ``count`` bytes within each time limit; return whether the connection is open."""
        for _ in range(times):
            self.loop.pass_time(SETTINGS.answer_timeout / 2)
            self.transport.read(count)
            self.loop.pass_time(SETTINGS.answer_timeout / 2)
        return not self.transport.lost


@pytest.fixture
def peer() -> Iterator[LargeAnswer]:
    peer = LargeAnswer(reads=False)
    peer.transport.peer_sends(REQUEST)
    peer.loop.settle()
    peer.transport.read(HEAD)
    peer.loop.settle()
    yield peer
    peer.loop.raise_faults()
    peer.loop.end()


def test_a_peer_that_reads_slowly_gets_all_of_its_answer(peer: LargeAnswer) -> None:
    assert peer.read_each_time(LEAST_READ, 4)
    peer.transport.read(LEAST_READ)
    peer.loop.settle()
    assert peer.latest_seq.endswith(b"x" * SIZE)


def test_a_peer_that_reads_a_byte_less_is_cut(peer: LargeAnswer) -> None:
    assert not peer.read_each_time(LEAST_READ - 1, 1)


def test_a_peer_that_reads_nothing_is_cut(peer: LargeAnswer) -> None:
    assert not peer.read_each_time(0, 1)


def test_a_rest_that_is_not_read_is_cut(peer: LargeAnswer) -> None:
    assert peer.read_each_time(SIZE - 10, 1)
    assert not peer.read_each_time(1, 1)
