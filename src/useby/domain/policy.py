"""Alert policies: how many days ahead of a date, and at which time of day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

MAX_LEADS = 16
MAX_LEAD_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Policy:
    """Leads and the local time of day; an alert on expiry is always sent in addition."""

    lead_days: tuple[int, ...] = (7, 2, 0)
    """Whole days before the date, each 0 to 3650, distinct, largest first."""
    alert_time: time = time(9, 0)
    """Time of day in the owner's zone."""


def lead_days(days: Iterable[int]) -> tuple[int, ...]:
    """Return leads in the form in which they are stored: distinct, largest first.

    Raises:
        ValueError: A lead is not a whole number of days from 0 to 3650, or there are more than 16.
    """
    leads = tuple(sorted(set(days), reverse=True))
    if len(leads) > MAX_LEADS:
        raise ValueError(f"must be at most {MAX_LEADS} lead times, e.g. 7, 2 and 0")
    if any(not 0 <= lead <= MAX_LEAD_DAYS for lead in leads):
        raise ValueError(f"must be lead times of 0 to {MAX_LEAD_DAYS} days, e.g. 7, 2 and 0")
    return leads
