"""Limits on how often a sign-in may be tried: they slow guesses down and lock nobody out.

All counters are in the memory of one process, within bounds. There are three kinds:

- attempts of one network (``network_of``), at the rate of the settings;
- attempts at one e-mail, from all networks. After many recent attempts, a network has to wait
  between two attempts at that e-mail, up to ``LONGEST_WAIT`` seconds. A network that has not tried
  that e-mail before does not wait, so guesses from other networks never keep an owner out;
- attempts of a device or network that has signed in before; they have their own allowance.

An e-mail without an account is counted like one that has an account.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from useby.settings import Settings

T = TypeVar("T")

BUCKETS: Final = 1 << 14
"""Counters for each kind of key. Keys share them, so invented keys take no more memory."""
PAIRS: Final = 1 << 14
"""Maximum number of stored pairs of an e-mail and a network; a new pair replaces the oldest."""
NETWORK_BITS: Final = 64
"""Prefix by which IPv6 clients are counted; one household usually holds all addresses below it."""
LONGEST_WAIT: Final = 60.0
"""Maximum seconds between two attempts of one network at an e-mail that is guessed at."""
FORGET_SECONDS: Final = 60.0
"""Seconds after which one attempt at an e-mail is dropped from the count."""
_DOUBLINGS: Final = 7
"""Doublings until a wait is the longest; more attempts are not counted, so the wait soon falls."""


class RateLimiter:
    """Counts attempts, in memory."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the rates from the settings.

        Args:
            settings: The settings with the rates.
            clock: A monotonic clock, in seconds.

        Raises:
            ValueError: A rate is not in the notation of the library ``limits``.
        """
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        login = _rate("login_rate", settings.login_rate)
        mail = _rate("mail_rate", settings.mail_rate)
        self._rates = {
            "login": login,
            "password": login,
            "device": login,
            "address": login,
            "calendar": login,
            "channel": login,
            "link": login,
            "forgot": mail,
            "reset-to": mail,
            "confirm-to": mail,
            "confirm": mail,
            "signup": _rate("signup_rate", settings.signup_rate),
        }
        self._free = login.amount
        self._clock = clock
        self._guessed_at: dict[int, tuple[float, float]] = {}
        """Count of attempts, and the time of that count, by the e-mail's bucket."""
        self._tried_at: OrderedDict[int, float] = OrderedDict()
        self._signed_in: OrderedDict[int, None] = OrderedDict()

    def hit(self, kind: str, key: str) -> int | None:
        """Count an attempt.

        Args:
            kind: ``login`` or ``signup`` of a network, ``password`` of a sign-in, ``device`` of a
                device that signs in again, ``address`` of a network from which somebody has
                signed in with the e-mail before, ``calendar`` of a network that asks for a
                calendar which does not exist, ``channel`` of a user who tests channels, ``link`` of
                a network that opens links of mails which are not valid, ``forgot`` of a network
                that asks for links to set a password, ``confirm`` of a user who asks for links to
                confirm an address, or of an address to which such a mail is sent: ``reset-to``
                and ``confirm-to``. Nobody who confirms it keeps its owner from a new password.
            key: Names the counter within its kind.

        Returns:
            ``None`` if the attempt is allowed, else the whole seconds until the next one is.
        """
        rate = self._rates[kind]
        bucket = str(hash(key) % BUCKETS)  # clients cannot compute which keys share one
        if self._limiter.hit(rate, kind, bucket):
            return None
        ends = self._limiter.get_window_stats(rate, kind, bucket).reset_time
        return max(1, math.ceil(ends - time.time()))

    def attempt(self, network: str, email: str) -> int | None:
        """Count an attempt to sign in. A refused attempt makes no wait longer.

        Returns:
            ``None`` if the attempt is allowed, else the whole seconds until the next one is.
        """
        wait = self.hit("login", network)
        if wait is not None:
            return wait
        now, pair = self._clock(), hash((network, email))
        count = self._count(email, now)
        ends = self._tried_at.get(pair, -math.inf) + self._pause(count)
        if now < ends:
            return max(1, math.ceil(ends - now))
        _remember(self._tried_at, pair, now)
        self._keep(email, min(count + 1, self._free + _DOUBLINGS), now)
        return None

    def signed_in(self, network: str, email: str) -> None:
        """Undo the count of a successful attempt, and store its pair of e-mail and network."""
        now = self._clock()
        self._keep(email, max(0.0, self._count(email, now) - 1), now)
        _remember(self._signed_in, hash((network, email)), None)

    def has_signed_in(self, network: str, email: str) -> bool:
        """Return whether somebody has signed in with this e-mail from this network before."""
        return hash((network, email)) in self._signed_in

    def _pause(self, count: float) -> float:
        """Return the seconds between two attempts of a network at an e-mail with this count."""
        over = count - self._free
        return 0.0 if over < 0 else min(LONGEST_WAIT, 2.0 ** min(over, _DOUBLINGS))

    def _count(self, email: str, now: float) -> float:
        count, then = self._guessed_at.get(hash(email) % BUCKETS, (0.0, now))
        return max(0.0, count - (now - then) / FORGET_SECONDS)

    def _keep(self, email: str, count: float, now: float) -> None:
        self._guessed_at[hash(email) % BUCKETS] = (count, now)


def _rate(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError:
        raise ValueError(f"USEBY_{name.upper()} must be a rate, e.g. 10/minute") from None


def _remember(kept: OrderedDict[int, T], pair: int, value: T) -> None:
    kept[pair] = value
    kept.move_to_end(pair)
    if len(kept) > PAIRS:
        kept.popitem(last=False)


def network_of(address: str) -> str:
    """Return the part of an address that is counted as one client: for IPv6 its network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, NETWORK_BITS), strict=False))
    return address
