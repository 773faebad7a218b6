"""A user, a product and generated values for tests of the alert rules."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import available_timezones

from hypothesis import strategies as st

from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.policy import AlertPolicy, Policy, in_days
from useby.domain.product import Product

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def user(zone: str = "UTC", policy: Policy | None = None, **categories: Policy) -> User:
    return User("u", "u@useby.example", "", zone, policy or Policy(), NOW, categories)


def short(policy: Policy) -> AlertPolicy:
    """What follows from a short form alone."""
    return AlertPolicy(in_days(policy.lead_days), policy.alert_time)


def product(expires: str | date, **values: Any) -> Product:
    expiry = Expiry(day=expires) if isinstance(expires, date) else Expiry.parse(expires)
    base: dict[str, Any] = {
        "id": "p",
        "user_id": "u",
        "name": "Milk",
        "expiry": expiry,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Product(**base | values)


leads = st.lists(st.integers(0, 40), max_size=5).map(lambda days: tuple(sorted(set(days))[::-1]))
policies = st.builds(Policy, leads, st.times().map(lambda t: t.replace(second=0, microsecond=0)))
days = st.dates(date(1975, 1, 1), date(2200, 1, 1))
moments = st.datetimes(datetime(1980, 1, 1), datetime(2190, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
expiries = st.one_of(
    days.map(lambda day: Expiry(day=day)),
    moments.map(lambda moment: Expiry(instant=moment.replace(microsecond=0))),
)
