"""Spread the requests that arrive together over several turns of the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

EACH_TURN: Final = 4
"""Functions that are called in one turn of the event loop."""


class Pacer:
    """Calls functions in order, at most ``EACH_TURN`` of them in one turn of the event loop.

    The event loop calls everything that is ready before it looks at a socket again. 200 requests
    that arrived together took 130 ms, in which no frame of any connection was read or sent.
    """

    def __init__(self) -> None:
        """Create a pacer without work."""
        self._waiting: deque[Callable[[], object]] = deque()

    def call_soon(self, loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
        """Call a function, which must not raise, in one of the next turns of the event loop."""
        if not self._waiting:
            loop.call_soon(self._call_some, loop)
        self._waiting.append(function)

    def _call_some(self, loop: asyncio.AbstractEventLoop) -> None:
        some = [self._waiting.popleft() for _ in range(min(EACH_TURN, len(self._waiting)))]
        if self._waiting:
            loop.call_soon(self._call_some, loop)
        for function in some:
            function()
