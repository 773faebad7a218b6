"""The time of an action on lots, and the circumstances in which it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from useby.domain.expiry import Expiry
from useby.domain.lot_dates import Rules


class TimeRefused(ValueError):  # noqa: N818 - the name describes the caller's view
    """Raised when something cannot have happened at the given time."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """The time of an action, and the circumstances in which it is done."""

    now: datetime
    """The current time, aware."""
    zone: ZoneInfo
    """Zone of the household."""
    rules: Rules
    """Rules of the product."""
    new_id: Callable[[], str]
    """Maker of ids for lots and movements, each greater than the one before."""
    at: Expiry | None = None
    """Day or time at which it happened; ``None`` means now."""
    by_user: str | None = None
    """The member of a shared household who acts."""

    def moment(self, since: datetime | None = None) -> datetime:
        """Return the time at which it happened.

        A day means its noon. Where that cannot be, because it is still morning or because the
        lot was changed on the same afternoon, it means the nearest time of the day that can be.

        Args:
            since: Earliest possible time.

        Raises:
            TimeRefused: The time is in the future, or before ``since``.
        """
        if self.at is None:
            return self.now
        moment = self.at.instant
        if moment is None:
            day = self.at.day_in(self.zone)
            moment = datetime.combine(day, time(12), self.zone).astimezone(UTC)
            if since is not None and self.day_of(since) == day:
                moment = max(moment, since)
            if self.day_of(self.now) == day:
                moment = min(moment, self.now)
        if moment > self.now:
            raise TimeRefused(f"must not be in the future, e.g. {self.day_of(self.now)}")
        if since is None:
            return moment
        # Times are shown in whole seconds, and may be sent back as they are shown.
        if moment < since.replace(microsecond=0):
            raise TimeRefused(
                "must not be before the last opening, freezing or thawing of the lot,"
                f" {since.astimezone(self.zone).isoformat(timespec='seconds')}"
            )
        return max(moment, since)

    def day_of(self, moment: datetime) -> date:
        """Return the day of a time in the household's zone."""
        return moment.astimezone(self.zone).date()

    def not_before(self, day: date) -> bool:
        """Return ``True`` if something that was received on a day was there by then."""
        return self.at is None or self.at.day_in(self.zone) >= day

    def moment_since(self, received_on: date, since: datetime | None = None) -> datetime:
        """Return the time at which it happened to something received on a day; see ``moment``.

        Raises:
            TimeRefused: See ``moment``; or the time is before that day.
        """
        if not self.not_before(received_on):
            raise TimeRefused(f"must not be before the lot was received, e.g. {received_on}")
        return self.moment(since)
