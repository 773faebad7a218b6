"""Alert policies: how long ahead of a date, at which time of day, how often, or never.

A policy has some fields; the others are those of the next wider scope. ``domain.policy_scopes``
finds the policies that apply to a lot.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple, Self

from useby.domain.iso_duration import Duration, DurationUnit

MAX_LEADS: Final = 16
MAX_LEAD_DAYS: Final = 3650
MAX_EVERY_DAYS: Final = 365
"""Longest time between two repeats."""
MAX_REPEATS: Final = 100
MAX_NAMES: Final = 100
"""Maximum number of categories of an account that have a policy, and of locations."""
FOREVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)
LEAD_FORM: Final = (
    f"must be 0 to {MAX_LEAD_DAYS} days, 1 to {MAX_LEAD_DAYS * 24} hours, or 1 to 99 per cent of"
    " the time from receipt, e.g. 7d, 24h or 15%"
)
REPEAT_FORM: Final = f"must be P1D to P{MAX_EVERY_DAYS}D, in whole days or weeks, e.g. P3D"
_LEAD: Final = re.compile(r"([0-9]{1,6})([dh%])", re.ASCII)


class LeadUnit(StrEnum):
    """Unit of a lead, by its sign."""

    DAYS = "d"
    HOURS = "h"
    PERCENT = "%"


_LIMITS: Final = {
    LeadUnit.DAYS: (0, MAX_LEAD_DAYS),
    LeadUnit.HOURS: (1, MAX_LEAD_DAYS * 24),
    LeadUnit.PERCENT: (1, 99),
}


class Lead(NamedTuple):
    """Time between an alert and the date."""

    amount: int
    unit: LeadUnit = LeadUnit.DAYS

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a lead such as 7d, 24h or 15%.

        Raises:
            ValueError: The text has another form, or the lead is too long.
        """
        found = _LEAD.fullmatch(text)
        if found is None:
            raise ValueError(LEAD_FORM)
        lead = cls(int(found[1]), LeadUnit(found[2]))
        least, most = _LIMITS[lead.unit]
        if not least <= lead.amount <= most:
            raise ValueError(LEAD_FORM)
        return lead

    def __str__(self) -> str:
        """Return the form that ``parse`` reads."""
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Repeats of the alert on expiry."""

    every: Duration
    """Time from one to the next, in whole days."""
    most: int
    """Number of repeats after the first alert; 0 for none, whatever a wider scope has."""

    def __post_init__(self) -> None:
        if self.every.unit is DurationUnit.HOURS or not 1 <= self.days <= MAX_EVERY_DAYS:
            raise ValueError(REPEAT_FORM)

    @property
    def days(self) -> int:
        """Time from one repeat to the next, in days."""
        return self.every.hours // 24


class Scope(StrEnum):
    """Scope of a policy, nearest first."""

    LOT = "lot"
    PRODUCT = "product"
    CATEGORY = "category"
    LOCATION = "location"
    DATE_KIND = "dateKind"
    ACCOUNT = "account"
    HOUSEHOLD = "household"
    """Default of all members of a household."""
    BUILTIN = "builtin"
    """Stands for the fields that no other scope sets."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Short form of a policy: leads in whole days, and the time of day.

    Accounts and categories are stored with it, and nodes of older versions read nothing else.
    """

    lead_days: tuple[int, ...] = (7, 2, 0)
    """Whole days before the date, each 0 to 3650, distinct, largest first."""
    alert_time: time = time(9, 0)
    """Time of day in the owner's zone."""


@dataclass(frozen=True, slots=True)
class PolicyFields:
    """The fields that a policy sets; ``None`` leaves a field to the next wider scope."""

    leads: tuple[Lead, ...] | None = None
    alert_time: time | None = None
    on_expiry: bool | None = None
    repeat: Repeat | None = None
    muted: bool | datetime | None = None
    """True, or the time until which nothing is sent; false ends what a wider scope mutes."""
    unmuted_at: datetime | None = None
    """Time until which the policy was muted; what fell due until then is never sent."""

    @property
    def are_set(self) -> bool:
        """True if a person has set one of them."""
        return any(
            getattr(self, each.name) is not None
            for each in fields(self)
            if each.name != "unmuted_at"
        )

    def after(self, before: "PolicyFields", now: datetime) -> "PolicyFields":
        """Return these fields as they replace others at ``now``: a mute that ends is kept."""
        ended = [each for each in (before.unmuted_at, _muted_until(before.muted, now)) if each]
        return replace(self, unmuted_at=max(ended, default=None))


NOTHING_SET: Final = PolicyFields()


def _muted_until(muted: bool | datetime | None, now: datetime) -> datetime | None:
    """Return until when a mute has lasted at ``now``."""
    if muted is None or muted is False:
        return None
    return now if muted is True else min(muted, now)


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy with the short form that was written with it.

    If the short form is another one now, it was written later: by a change of ``leadDays``, or by a
    node of an older version. Then it counts, and the other fields stay.
    """

    fields: PolicyFields = NOTHING_SET
    short: PolicyFields = NOTHING_SET


@lru_cache(maxsize=1024)
def counting(stored: StoredPolicy | None, short: PolicyFields) -> PolicyFields:
    """Return the fields that count: the stored ones, and what was written later in short form."""
    if stored is None:
        return short
    fields = stored.fields
    if short.leads != stored.short.leads:
        fields = replace(fields, leads=short.leads)
    if short.alert_time != stored.short.alert_time:
        fields = replace(fields, alert_time=short.alert_time)
    return fields


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """The policy of a lot, with a value for every field."""

    leads: tuple[Lead, ...] = (Lead(7), Lead(2), Lead(0))
    alert_time: time = time(9, 0)
    """Time of day in the owner's zone."""
    on_expiry: bool = True
    """Whether an alert is sent on expiry, too."""
    repeat: Repeat | None = None
    muted_until: datetime | None = None
    """Time until which nothing is sent, also not later; ``None`` if it never was muted."""
    expiring_days: int = field(init=False, repr=False, compare=False)
    """Largest lead in whole days; a share of the time from receipt does not count."""
    needs_receipt: bool = field(init=False, repr=False, compare=False)
    """True if a lead is a share of the time from receipt."""

    def __post_init__(self) -> None:
        """Compute once what the status or the alerts of each lot in a list need."""
        object.__setattr__(self, "expiring_days", max(map(_days, self.leads), default=0))
        by_share = any(lead.unit is LeadUnit.PERCENT for lead in self.leads)
        object.__setattr__(self, "needs_receipt", by_share)


def _days(lead: Lead) -> int:
    if lead.unit is LeadUnit.DAYS:
        return lead.amount
    return -(-lead.amount // 24) if lead.unit is LeadUnit.HOURS else 0


BUILTIN: Final = AlertPolicy()


@lru_cache(maxsize=1024)
def resolve(layers: tuple[PolicyFields, ...]) -> AlertPolicy:
    """Return the policy that follows from those of some scopes, nearest first.

    Each field is that of the nearest scope that sets it, or else the built-in one.
    """
    muted = _muted_until(_nearest(layers, "muted", None), FOREVER)
    ends = (muted, *(each.unmuted_at for each in layers))
    return AlertPolicy(
        leads=_nearest(layers, "leads", BUILTIN.leads),
        alert_time=_nearest(layers, "alert_time", BUILTIN.alert_time),
        on_expiry=_nearest(layers, "on_expiry", BUILTIN.on_expiry),
        repeat=_nearest(layers, "repeat", BUILTIN.repeat),
        muted_until=max((each for each in ends if each is not None), default=None),
    )


def _nearest(layers: tuple[PolicyFields, ...], field: str, builtin: Any) -> Any:
    values = (getattr(each, field) for each in layers)
    return next((value for value in values if value is not None), builtin)


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


def in_days(days: Iterable[int]) -> tuple[Lead, ...]:
    """Return leads of whole days."""
    return tuple(Lead(each) for each in days)


def whole_days_of(leads: Iterable[Lead]) -> tuple[int, ...]:
    """Return the short form of leads: those in days."""
    return lead_days(lead.amount for lead in leads if lead.unit is LeadUnit.DAYS)
