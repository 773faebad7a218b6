"""Effects that a session returns for an input: bytes to write, a request, or a close. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from useby.realtime.closes import Close
from useby.realtime.frames import Authenticate, Ignored


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read a page of at most ``PAGE`` rows, then call ``Session.page``."""

    after: int
    """The page begins after this ``seq``."""
    unread_to: int | None
    """Only unread rows up to this ``seq``; ``None``: all rows up to the newest."""
    only_one: bool = False
    """True if one row is enough."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Mark notifications read, and call ``Session.marked`` once that is durable."""

    ids: tuple[str, ...] | None
    """``None``: all notifications of the user."""


@dataclass(frozen=True, slots=True)
class WentBack:
    """Report that the database issued a number twice: committed notifications were lost."""


Effect = bytes | Fetch | Mark | Authenticate | Ignored | WentBack | Close
"""Bytes to write, a request to execute and answer, an event to count, or a close."""
Effects = Sequence[Effect]
