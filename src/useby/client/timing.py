"""Every duration of the socket's client, and what is reckoned from them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER: Final = 3600.0
"""Seconds of a ``Retry-After`` that are waited for, however many it names."""
_DOUBLINGS: Final = 32  # more would only overflow; the cap is reached long before

Random = Callable[[], float]
"""Gives a number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds; the page on clients says what each is for."""

    base: float = 0.5
    cap: float = 30.0
    stable: float = 60.0
    ping: float = 25.0
    pong: float = 10.0
    refresh: float = 60.0
    open: float = 10.0
    close: float = 5.0

    def backoff(self, failures: int, chance: float) -> float:
        """Seconds until the next attempt, after so many failed ones before this: full jitter.

        After "Exponential Backoff and Jitter" of the AWS Architecture Blog: of all that it
        compares, clients that wait any time up to the doubled one burden a server least.
        """
        return chance * min(self.cap, self.base * 2.0 ** min(failures, _DOUBLINGS))

    def until_ping(self, chance: float) -> float:
        """Seconds from one ``PING`` to the next; clients that began together drift apart."""
        return self.ping * (1 + chance / 5)

    def until_refresh(self, life: float, chance: float) -> float:
        """Seconds from now after which a fresh token is fetched, if this one lives ``life``."""
        return max(life / 2, life - self.refresh * (1 + chance) / 2)


class Throttle:
    """Heeds what is said once in so many seconds, and no more often. Pure."""

    def __init__(self, seconds: float) -> None:
        """Nothing was heeded yet."""
        self._seconds = seconds
        self._heeded = float("-inf")

    def allow(self, now: float) -> bool:
        """Whether what is said ``now`` is heeded."""
        if now - self._heeded < self._seconds:
            return False
        self._heeded = now
        return True


def retry_after(text: str | None, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` names (RFC 9110 section 10.2.3), at most an hour.

    Args:
        text: The header's value, in seconds or as a date; ``None`` if there is none.
        now: What a date is measured from, aware: the answer's own ``Date``, best.

    Returns:
        ``None`` if it is missing or can't be read.
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
    """The seconds that an error of the token function asks to be waited for."""
    wait = getattr(error, "retry_after", None)
    return min(float(wait), LONGEST_RETRY_AFTER) if isinstance(wait, int | float) else 0.0


def http_date(text: str) -> datetime | None:
    """The moment that an HTTP date names."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
