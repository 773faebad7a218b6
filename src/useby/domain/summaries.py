"""Combine alerts of one user that are due together into one notification for each household."""

from collections.abc import Iterable, Sequence
from typing import Final

from useby.domain import messages
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity

NAMED: Final = 3
"""Products that a summary names."""
_SEVERITY: Final = list(Severity)


def urgency(alert: Draft) -> tuple[int, int, str]:
    """Return the key of the order of urgency: severity, then days left, then name."""
    return -_SEVERITY.index(alert.kind), alert.days_left or 0, alert.product_name


def by_household(alerts: Iterable[Draft]) -> list[list[Draft]]:
    """Return the alerts of each household."""
    found: dict[str | None, list[Draft]] = {}
    for alert in alerts:
        found.setdefault(alert.household_id, []).append(alert)
    return list(found.values())


def summary(alerts: Iterable[Draft], user: User) -> Draft:
    """Return one notification for alerts of one household, of which there is at least one."""
    ordered = sorted(alerts, key=urgency)
    return summary_of(ordered, len({each.product_id for each in ordered}), user)


def digest(alerts: Iterable[Draft], user: User) -> Draft:
    """Return the digest of alerts of one household, of which there is at least one."""
    return summary(alerts, user)._replace(event=Cause.DIGEST)


def summary_of(
    most_urgent: Sequence[Draft],
    products: int,
    user: User,
    reserved_id: str | None = None,
    event: Cause = Cause.SUMMARY,
) -> Draft:
    """Return one notification for alerts of which only the most urgent are at hand.

    Args:
        most_urgent: At least one alert, most urgent first.
        products: Number of products that all of the alerts are about.
        user: The user, in whose language it is written.
        reserved_id: Id under which the items are stored; ``None`` if they are not stored yet.
        event: Cause of the notification: a flood, or a digest.
    """
    named: dict[str | None, str] = {}
    for alert in most_urgent:
        named.setdefault(alert.product_id, alert.message)
        if len(named) == NAMED:
            break
    return Draft(
        user_id=user.id,
        message=messages.attention(list(named.values()), products, user.language),
        kind=most_urgent[0].kind,
        event=event,
        alerts=tuple(most_urgent),
        id=reserved_id,
        household_id=most_urgent[0].household_id,
    )
