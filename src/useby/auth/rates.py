"""How often a sign-in may be tried, from an address and for an e-mail."""

import math
import time
from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from useby.settings import Settings

LONGEST_KEY: Final = 64


class Rates:
    """Counts attempts, in memory; what has expired is forgotten by the library's own timer."""

    def __init__(self, settings: Settings) -> None:
        """Take the rates from the settings."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rates = {"login": parse(settings.login_rate), "signup": parse(settings.signup_rate)}

    def hit(self, kind: str, *keys: str) -> int | None:
        """Count an attempt against every key.

        Args:
            kind: ``login`` or ``signup``.
            keys: An address, a hashed e-mail; each has its own count.

        Returns:
            ``None`` if it is allowed, else the seconds after which to try again.
        """
        rate = self._rates[kind]
        names = [f"{kind}:{place}:{key[:LONGEST_KEY]}" for place, key in enumerate(keys)]
        if all([self._limiter.hit(rate, name) for name in names]):  # noqa: C419 - each must count
            return None
        resets = [
            window.reset_time
            for window in (self._limiter.get_window_stats(rate, name) for name in names)
            if window.remaining == 0
        ]
        return max(1, math.ceil(max(resets, default=time.time() + 1) - time.time()))
