"""When a product is spoken of: how many days ahead, and at what time of day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

MAX_LEADS = 16
MAX_LEAD_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Policy:
    """Lead times and the local time of day; on expiry an alert is always said besides."""

    lead_days: tuple[int, ...] = (7, 2, 0)
    """Whole days before the date, each 0 to 3650, distinct, largest first."""
    alert_time: time = time(9, 0)
    """In the owner's zone."""


def lead_days(days: Iterable[int]) -> tuple[int, ...]:
    """Put lead times into the one form they are kept in: distinct, largest first.

    Raises:
        ValueError: A lead is no whole number of days from 0 to 3650, or there are more than 16.
    """
    leads = tuple(sorted(set(days), reverse=True))
    if len(leads) > MAX_LEADS:
        raise ValueError(f"at most {MAX_LEADS} lead times")
    if any(not 0 <= lead <= MAX_LEAD_DAYS for lead in leads):
        raise ValueError(f"a lead time is 0 to {MAX_LEAD_DAYS} days")
    return leads
