"""Delays between retries: each twice the one before, up to a limit, with jitter.

Any package above the domain may import this module.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_MAX_DOUBLINGS: Final = 32  # the limit is reached much earlier; more would overflow a float


@dataclass(slots=True)
class Backoff:
    """The delays of one retry loop.

    Each delay is drawn between half of its full length and all of it. Thus nodes that lost the same
    server do not all reconnect at once, and none reconnects immediately.

    Attributes:
        first: Full length of the first delay, in seconds.
        limit: Maximum full length of a delay, in seconds.
        chance: Returns a number from 0 to 1; tests pass their own.
    """

    first: float
    limit: float
    chance: Callable[[], float] = random.random
    _failures: int = field(default=0, init=False)

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        full = min(self.limit, self.first * 2.0 ** min(self._failures, _MAX_DOUBLINGS))
        self._failures += 1
        return full * (1 + self.chance()) / 2

    def reset(self) -> None:
        """Start over with the first delay, after an attempt has succeeded."""
        self._failures = 0
