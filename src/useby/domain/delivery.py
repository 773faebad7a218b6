"""What a worker of channels is given, and what it reports: claims, pending rows and outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from useby.domain.channel import Channel, DeliveryState
from useby.domain.notification import Notification


@dataclass(frozen=True, slots=True)
class Claim:
    """A channel that one worker may send to until some time after its last record."""

    id: str
    channel: Channel
    failures: int
    """Number of attempts that failed since the last success."""
    may_rest: bool = False
    """True if the user has quiet hours."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The first notifications of a channel that are not delivered yet: one, or a batch."""

    notification: Notification
    due_at: datetime
    """Time at which the first of them is due."""
    others: tuple[Notification, ...] = ()
    """Those after it that are sent together with it; they need not be due."""
    end: int = 0
    """``seq`` at which the batch ends: the same for each repetition, which has no others."""

    @property
    def batch(self) -> tuple[Notification, ...]:
        """Return all of them, oldest first."""
        return (self.notification, *self.others)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of some of a channel's first pending rows."""

    seqs: tuple[int, ...]
    state: DeliveryState
    """``PENDING`` for an attempt that is to be repeated."""
    error: str | None = None
    delay: timedelta = timedelta()
    """Time until it is repeated."""
    is_gone: bool = False
    """True if the target exists no more, so that the channel is deleted."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Notifications that were read after the channel has shown them, to be closed there."""

    ids: Mapping[int, str]
    """Ids by ``seq``."""
