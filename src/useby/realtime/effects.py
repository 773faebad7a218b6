"""What follows from an input to a session: bytes to write, something to do, or the end. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from useby.realtime.closes import Close
from useby.realtime.frames import Authenticate, Ignored


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read a page of at most ``PAGE`` rows after ``after`` and answer with ``Session.page``."""

    after: int
    unread_to: int | None
    """Only unread ones up to this ``seq``; ``None`` means read or not, to the newest."""
    only_one: bool = False
    """Whether one row is enough."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Mark these read, durably, and answer with ``Session.marked``."""

    ids: tuple[str, ...] | None
    """``None`` means all there are."""


@dataclass(frozen=True, slots=True)
class WentBack:
    """The database gave a number again: committed notifications were lost."""


Effect = bytes | Fetch | Mark | Authenticate | Ignored | WentBack | Close
"""Bytes to write, something to do and answer, something to count, or the end."""
Effects = Sequence[Effect]
