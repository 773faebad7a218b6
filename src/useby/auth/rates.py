"""How often a sign-in may be tried, from an address and for an e-mail."""

import ipaddress
import math
import time
from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from useby.settings import Settings

BUCKETS: Final = 1 << 14
"""Counters a kind of key. Keys share them, so that no number of made-up keys takes more memory."""
NETWORK_BITS: Final = 64
"""Of an IPv6 address: a household has them all from there on."""


class Rates:
    """Counts attempts, in memory, in fixed windows."""

    def __init__(self, settings: Settings) -> None:
        """Take the rates from the settings.

        Raises:
            ValueError: One is not in the library's notation.
        """
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rates = {"login": parse(settings.login_rate), "signup": parse(settings.signup_rate)}

    def hit(self, kind: str, *keys: str) -> int | None:
        """Count an attempt against each key, until one of them has had enough.

        Args:
            kind: ``login`` or ``signup``.
            keys: An address, an e-mail; each has its own count. One that is used up keeps the
                keys after it from being counted, so that an address that has had its attempts
                shuts nobody else's e-mail out.

        Returns:
            ``None`` if it is allowed, else the whole seconds after which to try again.
        """
        rate = self._rates[kind]
        for place, key in enumerate(keys):
            bucket = str(hash(key) % BUCKETS)  # nobody outside can work out who shares one
            if not self._limiter.hit(rate, kind, str(place), bucket):
                ends = self._limiter.get_window_stats(rate, kind, str(place), bucket).reset_time
                return max(1, math.ceil(ends - time.time()))
        return None


def network_of(address: str) -> str:
    """What of an address counts as one visitor: an IPv4 address, or an IPv6 network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, NETWORK_BITS), strict=False))
    return address
