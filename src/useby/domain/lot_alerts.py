"""Compute the alerts of a product's lots.

Each date among the open lots has the alerts that ``domain.alerts`` computes for it. Lots with
alerts that are due in the same words are one notification: "2 lots of Milk expire tomorrow".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from useby.domain import alerts, messages
from useby.domain.account import User
from useby.domain.alerts import (
    ON_EXPIRY,
    Alert,
    AlertDates,
    AlertDecision,
    AlertSchedule,
    SentAlerts,
    settled_alerts,
)
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import AlertPolicy
from useby.domain.policy_scopes import policy_for
from useby.domain.product import DateKind, Product


@dataclass(frozen=True, slots=True)
class DueLots:
    """Lots of which an alert is sent."""

    lot_ids: tuple[str, ...]
    alert: Alert


@dataclass(frozen=True, slots=True)
class LotAlerts:
    """Work of the scheduler for one product now."""

    dates: AlertDates
    """Times to store with the product; ``next_alert_at`` is that of the next check."""
    sent: tuple[tuple[Expiry, int], ...] = ()
    """Date and smallest lead of each alert that the drafts settle."""
    unsent: tuple[tuple[Expiry, int], ...] = ()
    """Date and lead of each alert that is settled without being sent: it is muted, or repeats one
    that was read."""
    drafts: tuple[Draft, ...] = ()
    due: tuple[DueLots, ...] = ()
    """Alerts that the drafts send."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Lots of a product that have one date and one policy."""

    product: Product
    """The product as if it had only these lots."""
    expiry: Expiry
    lots: Sequence[Lot]
    policy: AlertPolicy
    settled: Mapping[int, datetime]
    schedule: AlertSchedule
    """The schedule, with the repeats once the alert on expiry was sent."""


def decide(
    product: Product,
    lots: Iterable[Lot],
    user: User,
    sent: SentAlerts,
    now: datetime,
    unread: Collection[str] = (),
) -> LotAlerts:
    """Decide which alerts to send for a product's lots at ``now``.

    Args:
        product: The product.
        lots: Its open lots.
        user: The owner.
        sent: Alerts that were sent for the product.
        now: The current time, aware.
        unread: Lots of which the newest alert on expiry is unread; only those are repeated.
    """
    parts = _parts(product, lots, user, sent)
    found = [(part, _decide(part, user, now, unread)) for part in parts]
    checks = [each.next_alert_at for _, each in found if each.next_alert_at is not None]
    sending = [
        (part.expiry, each.alert, each.draft) for part, each in found if each.alert and each.draft
    ]
    sent_now = tuple(dict.fromkeys((expiry, alert.lead) for expiry, alert, _ in sending))
    return LotAlerts(
        _dates(product, user, parts, checks),
        sent=sent_now,
        unsent=_unsent(found, user, now, sent_now) if len(sending) < len(found) else (),
        drafts=_together(product.name, [draft for _, _, draft in sending]),
        due=tuple(DueLots(draft.lot_ids, alert) for _, alert, draft in sending),
    )


def _unsent(
    found: Iterable[tuple[_Part, AlertDecision]],
    user: User,
    now: datetime,
    sent_now: Collection[tuple[Expiry, int]],
) -> tuple[tuple[Expiry, int], ...]:
    """Return alerts that are settled without being sent.

    Alerts are stored by date. What is muted for some of its lots may yet be sent of others, and is
    then not settled.
    """
    to_send = {part.expiry.day_in(user.zone) for part, _ in found if not _is_muted(part, now)}
    unsent = {
        (part.expiry, each.alert.lead): None
        for part, each in found
        if each.alert is not None and each.draft is None
        if not (_is_muted(part, now) and part.expiry.day_in(user.zone) in to_send)
    }
    return tuple(each for each in unsent if each not in sent_now)


def alert_dates(
    product: Product, lots: Iterable[Lot], user: User, sent: SentAlerts, now: datetime
) -> AlertDates:
    """Compute the times stored with a product; the arguments are those of ``decide``."""
    checks = []
    parts = _parts(product, lots, user, sent)
    for part in parts:
        leads = frozenset(part.settled)
        found = alerts.alert_dates(part.product, user, leads, now, part.schedule)
        if found.next_alert_at is not None:
            checks.append(found.next_alert_at)
    return _dates(product, user, parts, checks)


def _dates(
    product: Product, user: User, parts: Sequence[_Part], checks: Sequence[datetime]
) -> AlertDates:
    # Most products have one lot, and its date and policy are the product's.
    if (
        len(parts) == 1
        and parts[0].expiry == product.expiry
        and parts[0].policy is policy_for(product, user)
    ):
        schedule = parts[0].schedule
    else:
        schedule = alerts.schedule_of(product, user)
    return AlertDates(schedule.ends_at, schedule.expiring_from, min(checks, default=None))


def may_repeat(product: Product, lots: Iterable[Lot], user: User) -> bool:
    """Return whether the alert on expiry of one of a product's open lots is repeated."""
    return any(policy_for(product, user, lot).repeat is not None for lot in open_lots(lots))


def _decide(part: _Part, user: User, now: datetime, unread: Collection[str]) -> AlertDecision:
    lot_ids = tuple(lot.id for lot in part.lots)
    leads = frozenset(part.settled)
    decision = alerts.decide(part.product, user, leads, now, lot_ids, part.schedule)
    alert, draft = decision.alert, decision.draft
    if alert is None or draft is None or alert.lead > ON_EXPIRY:
        return decision
    if alert.lead == ON_EXPIRY:
        coming = alerts.repeats(part.expiry, part.policy, user.zone, now)
        return replace(decision, next_alert_at=coming[0].at) if coming else decision
    still = tuple(each for each in lot_ids if each in unread)
    if not still:
        last = part.schedule.alerts[-1]
        return AlertDecision(part.schedule, last)
    message = messages.expiry(
        part.product.name, draft.days_left or 0, expired=True, lots=len(still)
    )
    return replace(decision, draft=replace(draft, lot_ids=still, message=message))


def _is_muted(part: _Part, now: datetime) -> bool:
    return part.policy.muted_until is not None and part.policy.muted_until > now


def _parts(product: Product, lots: Iterable[Lot], user: User, sent: SentAlerts) -> list[_Part]:
    """Return the open lots that have a date, by it and by their policy."""
    groups: dict[tuple[Expiry, AlertPolicy, date | None], list[Lot]] = {}
    for lot in open_lots(lots):
        if lot.expiry is not None:
            policy = policy_for(product, user, lot)
            received_on = lot.received_on if policy.needs_receipt else None
            groups.setdefault((lot.expiry, policy, received_on), []).append(lot)
    parts = []
    for (expiry, policy, received_on), theirs in groups.items():
        part = _of_date(product, expiry, theirs)
        settled = settled_alerts(part, user, sent)
        plan = alerts.schedule(expiry, policy, user.zone, received_on)
        first_at = settled.get(ON_EXPIRY)
        if policy.repeat is not None and first_at is not None:
            more = alerts.repeats(expiry, policy, user.zone, first_at)
            plan = replace(plan, alerts=(*plan.alerts, *more))
        parts.append(_Part(part, expiry, theirs, policy, settled, plan))
    return parts


def _of_date(product: Product, expiry: Expiry, lots: Sequence[Lot]) -> Product:
    """Return the product as if it had only lots of one date."""
    kinds = {lot.date_kind for lot in lots}
    kind = DateKind.USE_BY if DateKind.USE_BY in kinds else DateKind.BEST_BEFORE
    if product.closed_as is None and (product.expiry, product.date_kind) == (expiry, kind):
        return product
    return replace(product, expiry=expiry, date_kind=kind, closed_as=None, closed_at=None)


def _together(name: str, drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Return drafts, with those in the same words as one; it is as severe as the most severe."""
    if len(drafts) <= 1:
        return tuple(drafts)
    by_words: dict[tuple[Cause, int | None], list[Draft]] = {}
    for draft in drafts:
        by_words.setdefault((draft.event, draft.days_left), []).append(draft)
    return tuple(_one_of(name, same) for same in by_words.values())


def _one_of(name: str, drafts: Sequence[Draft]) -> Draft:
    draft = max(drafts, key=lambda each: _SEVERITY.index(each.kind))
    lots = tuple(lot for each in drafts for lot in each.lot_ids)
    if len(drafts) == 1 or draft.days_left is None:
        return draft
    expired = draft.event is Cause.EXPIRED
    message = messages.expiry(name, draft.days_left, expired=expired, lots=len(lots))
    return replace(draft, lot_ids=lots, message=message)


_SEVERITY = list(Severity)
