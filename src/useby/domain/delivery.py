"""What a worker of channels is given, and what it reports: claims, pending rows and outcomes."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from useby.domain.channel import Channel, DeliveryState
from useby.domain.notification import Notification


@dataclass(frozen=True, slots=True)
class ChannelClaim:
    """A channel that one worker may send to until some time after its last record."""

    id: str
    channel: Channel
    failures: int
    """Number of attempts that failed since the last success."""
    may_rest: bool = False
    """True if the user has quiet hours."""
    sends_until: datetime | None = None
    """Time until which a notification must have been added to be sent. Later ones may only be
    skipped: with ``onlyWhenAway``, the node that has the device comes first. ``None`` for any."""

    def may_send(self, notification: Notification) -> bool:
        """Return whether each node has had the time to skip a notification."""
        return self.sends_until is None or notification.created_at <= self.sends_until


@dataclass(frozen=True, slots=True)
class WorkerPlaces:
    """Places of a worker that its turns take, by user, of which one user may have only some."""

    taken: Mapping[str, int] = field(default_factory=dict)
    of_user: int = sys.maxsize
    """Maximum places of one user."""

    @property
    def full(self) -> list[str]:
        """Return the users who can have no other place."""
        return [user_id for user_id, count in self.taken.items() if count >= self.of_user]

    def fitting(self, user_ids: Iterable[str]) -> list[bool]:
        """Return for each of some channels, by their users, whether it can have a place."""
        counts = Counter(self.taken)
        fits = []
        for user_id in user_ids:
            fits.append(counts[user_id] < self.of_user)
            counts[user_id] += fits[-1]
        return fits


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
class DeliveryOutcome:
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
