"""The pacer: order, and the number of calls in one turn of the event loop."""

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from useby.realtime.pacer import EACH_TURN, Pacer


class Turns:
    """A loop whose turns the test makes."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.number = 0

    def make(self, pacer: Pacer, arrivals: list[int]) -> list[tuple[int, int]]:
        """Let so many functions arrive before each turn; return the turn of each, in order."""
        called: list[tuple[int, int]] = []
        count = 0
        while self.number < len(arrivals) or len(called) < count:
            if self.number < len(arrivals):
                for each in range(count, count + arrivals[self.number]):
                    pacer.call_soon(self._loop, partial(self._note, called, each))
                count += arrivals[self.number]
            self.number += 1
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()
        self._loop.close()
        return called

    def _note(self, called: list[tuple[int, int]], each: int) -> None:
        called.append((self.number, each))


@given(st.lists(st.integers(0, 3 * EACH_TURN), max_size=8))
def test_functions_are_called_in_order_and_few_in_each_turn(arrivals: list[int]) -> None:
    called = Turns().make(Pacer(), arrivals)
    expected, waiting, turn = [], 0, 0
    while turn < len(arrivals) or waiting:
        waiting += arrivals[turn] if turn < len(arrivals) else 0
        turn += 1
        now = min(EACH_TURN, waiting)
        waiting -= now
        expected += [turn] * now
    assert called == list(zip(expected, range(sum(arrivals)), strict=True))


def test_a_function_that_arrives_alone_is_called_in_the_next_turn() -> None:
    assert Turns().make(Pacer(), [1]) == [(1, 0)]
