"""Durations of the WebSocket client, and the calculations with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER: Final = 3600.0
"""Maximum wait in seconds for a ``Retry-After``; longer ones are cut to this."""
_DOUBLINGS: Final = 32  # More would only overflow; the maximum is reached long before.

Random = Callable[[], float]
"""Function that returns a random number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds; ``docs/reference/clients.md`` has the rules."""

    backoff_base: float = 0.5
    """Seconds that the first backoff lasts at most; it doubles with each failed attempt."""
    backoff_max: float = 30.0
    """Maximum of any backoff in seconds."""
    stable_after: float = 60.0
    """Seconds after which a connection resets the backoff."""
    connect_timeout: float = 10.0
    """Seconds for the token function, and again for the first frame of a connection."""
    close_timeout: float = 5.0
    """Seconds that ``close()`` waits for marks, and again for the server's answer."""
    ping_interval: float = 25.0
    """Seconds between ``PING``s, plus a random part of up to a fifth."""
    pong_timeout: float = 10.0
    """Seconds within which a pong must arrive."""
    refresh_before: float = 60.0
    """Seconds before the end of a token at which a fresh one is fetched, at the earliest."""

    def backoff(self, failures: int, chance: float) -> float:
        """Return the seconds until the next attempt, with full jitter.

        From "Exponential Backoff and Jitter" of the AWS Architecture Blog: of the methods compared
        there, a random wait between 0 and the doubled one puts the least load on a server.

        Args:
            failures: Failed attempts before this one.
            chance: Random number from 0 to 1.
        """
        return chance * min(self.backoff_max, self.backoff_base * 2.0 ** min(failures, _DOUBLINGS))

    def until_ping(self, chance: float) -> float:
        """Return the seconds until the next ``PING``, with jitter so that clients drift apart."""
        return self.ping_interval * (1 + chance / 5)

    def until_refresh(self, life: float, chance: float) -> float:
        """Return the seconds until a fresh token is fetched; the current one has ``life`` left."""
        return max(life / 2, life - self.refresh_before * (1 + chance) / 2)


class Throttle:
    """Throttle that allows once per interval. Pure."""

    def __init__(self, seconds: float) -> None:
        """Set the interval in seconds."""
        self._seconds = seconds
        self._allowed_at = float("-inf")

    def allow(self, now: float) -> bool:
        """Return whether the interval has passed; if so, start the next one at ``now``."""
        if now - self._allowed_at < self._seconds:
            return False
        self._allowed_at = now
        return True


def retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After`` header (RFC 9110 section 10.2.3), at most an hour.

    Args:
        text: Value of the header, seconds or a date; ``None`` if the header is missing.
        now: Aware time from which a date is measured, preferably the response's own ``Date``.

    Returns:
        Seconds, or ``None`` if the header is missing or unreadable.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    moment = http_date(text)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def retry_after_of(error: Exception) -> float:
    """Return the seconds in ``retry_after`` of an error of the token function; 0 if it has none."""
    wait = getattr(error, "retry_after", None)
    return min(float(wait), LONGEST_RETRY_AFTER) if isinstance(wait, int | float) else 0.0


def http_date(text: str) -> datetime | None:
    """Return the time of an HTTP date, or ``None`` if it is unreadable."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
