"""Rate limit of one connection: a bucket of tokens that refills at a steady rate. Pure."""


class TokenBucket:
    """A bucket that starts full; each ``take`` removes a token."""

    __slots__ = ("_at", "_burst", "_rate", "tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Create a full bucket.

        Args:
            rate: Tokens added each second.
            burst: Size of the bucket.
            now: The present time in seconds, by the clock that ``take`` gets its time from.
        """
        self._rate = rate
        self._burst = burst
        self._at = now
        self.tokens = burst
        """Tokens left; negative once more were taken than there were."""

    def take(self, now: float) -> bool:
        """Remove a token, and return whether there was one."""
        self.tokens = min(self.tokens + (now - self._at) * self._rate, self._burst) - 1
        self._at = now
        return self.tokens >= 0
