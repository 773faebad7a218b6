"""Compute the alerts of a product's lots.

Each date among the open lots has the alerts that ``domain.alerts`` computes for it. Lots with
alerts that are due in the same words are one notification: "2 lots of Milk expire tomorrow".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from useby.domain import alerts, messages
from useby.domain.account import User
from useby.domain.alerts import (
    ON_EXPIRY,
    Alert,
    AlertDates,
    AlertDecision,
    DatedLots,
    SentAlerts,
    deferred_by,
    settled_alerts,
)
from useby.domain.expiry import Expiry, day_at
from useby.domain.lot import AlertedLot, Lot
from useby.domain.lot_plans import LotPlan, plan
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import AlertPolicy
from useby.domain.product import AlertedProduct, DateKind, Product


class DueLots(NamedTuple):
    """Lots of which an alert is sent."""

    lot_ids: tuple[str, ...]
    alert: Alert


class LotAlerts(NamedTuple):
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
    """Alerts that the drafts and the digest send."""
    digest: tuple[Draft, ...] = ()
    """Parts of the user's digest, which is sent now."""

    @property
    def settled(self) -> list[tuple[Expiry, int, bool | None]]:
        """Date and lead of each alert that is settled now, and true if it is not sent."""
        sent = [(*each, None) for each in self.sent]
        return [*sent, *((*each, True) for each in self.unsent)]


class _Part(NamedTuple):
    """Lots of a product that have one date and one policy."""

    of: DatedLots
    """The lots; their schedule has the repeats once the alert on expiry was sent."""
    policy: AlertPolicy
    settled: Mapping[int, datetime]


def decide(
    product: Product | AlertedProduct,
    lots: Iterable[Lot | AlertedLot],
    user: User,
    sent: SentAlerts,
    now: datetime,
    unread: Collection[str] = (),
    since: datetime | None = None,
    plans: Sequence[LotPlan] | None = None,
) -> LotAlerts:
    """Decide which alerts to send for a product's lots at ``now``.

    Args:
        product: The product.
        lots: Its open lots.
        user: The person who gets the alerts: the owner, or a member of the household.
        sent: Alerts that were sent to that person for the product.
        now: The current time, aware.
        unread: Lots of which the newest alert on expiry is unread; only those are repeated.
        since: Time for which this was planned, if alerts are deferred; ``None`` for ``now``.
        plans: The plans of the lots, if they are made already.
    """
    parts, later = _parts(plan(product, lots, user) if plans is None else plans, user, sent, now)
    found = [(part, _decide(product, part, user, now, unread, since)) for part in parts]
    if user.deferral is not None:
        found = _with_same_words(product, found, user, now, unread)
    checks = [each.schedule.alerts[0].at for each in later]
    due: list[tuple[Expiry, int]] = []
    drafts: list[Draft] = []
    digest: list[Draft] = []
    sending: list[DueLots] = []
    settles_more = False
    for part, each in found:
        if each.next_alert_at is not None:
            checks.append(each.next_alert_at)
        if each.alert is not None and each.draft is not None:
            due.append((part.of.expiry, each.alert.lead))
            (digest if each.in_digest else drafts).append(each.draft)
            sending.append(DueLots(each.draft.lot_ids, each.alert))
        elif each.alert is not None:
            settles_more = True
    sent_now = tuple(due if len(due) <= 1 else dict.fromkeys(due))
    return LotAlerts(
        _dates(product, user, checks),
        sent_now,
        _unsent(found, later, user, now, sent_now) if settles_more else (),
        _together(product.name, drafts, user.language),
        tuple(sending),
        _together(product.name, digest, user.language),
    )


def _with_same_words(
    product: Product | AlertedProduct,
    found: Sequence[tuple[_Part, AlertDecision]],
    user: User,
    now: datetime,
    unread: Collection[str],
) -> list[tuple[_Part, AlertDecision]]:
    """Return decisions in which deferred alerts go along with others in the same words.

    Lots of one day share the record of what was sent. So what is sent of some of them, because it
    is urgent, would never be sent of the others.
    """
    sent = {_words(part, each, user) for part, each in found if each.draft and not each.in_digest}
    if not sent:
        return list(found)
    at_once, joined = replace(user, deferral=None), []
    for part, each in found:
        other = each
        if each.draft is None or each.in_digest:
            other = _decide(product, part, at_once, now, unread)
        is_said = other.draft is not None and _words(part, other, user) in sent
        joined.append((part, other if is_said else each))
    return joined


def _words(part: _Part, decision: AlertDecision, user: User) -> tuple[date, Cause | None]:
    """Return what the text of an alert follows from; on one day, days left are the same."""
    draft = decision.draft
    return part.of.expiry.day_in(user.zone), None if draft is None else draft.event


def _unsent(
    found: Iterable[tuple[_Part, AlertDecision]],
    later: Iterable[LotPlan],
    user: User,
    now: datetime,
    sent_now: Collection[tuple[Expiry, int]],
) -> tuple[tuple[Expiry, int], ...]:
    """Return alerts that are settled without being sent.

    Alerts are stored by date. What is muted for some of its lots may yet be sent of others, and is
    then not settled.
    """
    to_send = {
        part.of.expiry.day_in(user.zone) for part, _ in found if not _is_muted(part.policy, now)
    }
    to_send |= {each.expiry.day_in(user.zone) for each in later if not _is_muted(each.policy, now)}
    unsent = {
        (part.of.expiry, each.alert.lead): None
        for part, each in found
        if each.alert is not None and each.draft is None
        if not (_is_muted(part.policy, now) and part.of.expiry.day_in(user.zone) in to_send)
    }
    return tuple(each for each in unsent if each not in sent_now)


def alert_dates(
    product: Product | AlertedProduct,
    lots: Iterable[Lot | AlertedLot],
    user: User,
    sent: SentAlerts,
    now: datetime,
) -> AlertDates:
    """Compute the times stored with a product; the arguments are those of ``decide``."""
    parts, later = _parts(plan(product, lots, user), user, sent, now)
    found = (
        alerts.next_alert_at(each.of.schedule, each.settled, now, deferred_by(user, each.of, now))
        for each in parts
    )
    checks = [each for each in found if each is not None]
    return _dates(product, user, [*checks, *(each.schedule.alerts[0].at for each in later)])


def _dates(product: Product | AlertedProduct, user: User, checks: Sequence[datetime]) -> AlertDates:
    its = alerts.schedule_of(product, user)
    return AlertDates(its.ends_at, its.expiring_from, min(checks, default=None))


def _decide(
    product: Product | AlertedProduct,
    part: _Part,
    user: User,
    now: datetime,
    unread: Collection[str],
    since: datetime | None = None,
) -> AlertDecision:
    of = part.of
    decision = alerts.decide(product, user, part.settled, now, of, since)
    alert, draft = decision.alert, decision.draft
    if alert is None or draft is None or alert.lead > ON_EXPIRY:
        return decision
    if alert.lead == ON_EXPIRY:
        coming = alerts.repeats(of.expiry, part.policy, user.zone, now)
        return decision._replace(next_alert_at=coming[0].at) if coming else decision
    still = tuple(each for each in of.lot_ids if each in unread)
    if not still:
        last = of.schedule.alerts[-1]
        return AlertDecision(of.schedule, last)
    left, count = draft.days_left or 0, len(still)
    message = messages.expiry(product.name, left, expired=True, lots=count, language=user.language)
    return decision._replace(draft=draft._replace(lot_ids=still, message=message))


def _is_muted(policy: AlertPolicy, now: datetime) -> bool:
    return policy.muted_until is not None and policy.muted_until > now


def _parts(
    plans: Iterable[LotPlan], user: User, sent: SentAlerts, now: datetime
) -> tuple[list[_Part], list[LotPlan]]:
    """Return lots by their date and by their policy.

    Args:
        plans: The lots.
        user: The owner.
        sent: Alerts that were sent for the product.
        now: The current time, aware.

    Returns:
        Those that must be decided on, and those of whose date no alert is due and none is settled:
        most lots of a large stock. If alerts are deferred, all must be decided on.
    """
    groups: dict[tuple[Expiry, AlertPolicy, date | None], list[LotPlan]] = {}
    later: list[LotPlan] = []
    may_be_later, zone = user.deferral is None, user.zone
    for each in plans:
        if may_be_later and each.is_later(now) and not settled_alerts(each.expiry, zone, sent):
            later.append(each)
        else:
            groups.setdefault((each.expiry, each.policy, each.received_on), []).append(each)
    return [_part(theirs, user, zone, sent) for theirs in groups.values()], later


def _part(theirs: Sequence[LotPlan], user: User, zone: ZoneInfo, sent: SentAlerts) -> _Part:
    """Return lots of one date and policy as one part, with the repeats of its schedule."""
    _, expiry, policy, _, schedule = theirs[0]
    lots = [each.lot for each in theirs]
    settled = settled_alerts(expiry, zone, sent)
    if policy.repeat is not None and (first_at := settled.get(ON_EXPIRY)) is not None:
        more = alerts.repeats(expiry, policy, zone, first_at)
        # After a change of policy one may fall on the day of another, in whose words it would be.
        last_at = max(at for lead, at in settled.items() if lead <= ON_EXPIRY)
        last_on = day_at(last_at, zone)
        new = [each for each in more if day_at(each.at, zone) > last_on]
        schedule = replace(schedule, alerts=(*schedule.alerts, *new))
    # Lists are faster than generators for the one lot that mostly has a date.
    is_safety = DateKind.USE_BY in [lot.date_kind for lot in lots]
    kind = DateKind.USE_BY if is_safety else DateKind.BEST_BEFORE
    of = DatedLots(expiry, kind, tuple([lot.id for lot in lots]), schedule)
    if user.deferral is not None:
        of = of._replace(received_on=min(lot.received_on for lot in lots))
    if user.within is not None and user.within.joined_at is not None:
        of = of._replace(settled_until=_settled_until(lots, user.within.joined_at))
    return _Part(of, policy, settled)


def _settled_until(lots: Sequence[Lot | AlertedLot], joined_at: datetime) -> datetime | None:
    """Return until when the alerts of lots are settled for a member who joined at a time.

    What came, was opened or was frozen after the member joined is news to the member.
    """
    is_news = any(isinstance(lot, Lot) and lot.state_since >= joined_at for lot in lots)
    return None if is_news else joined_at


def _together(name: str, drafts: Sequence[Draft], language: str | None) -> tuple[Draft, ...]:
    """Return drafts, with those in the same words as one; it is as severe as the most severe."""
    if len(drafts) <= 1:
        return tuple(drafts)
    by_words: dict[tuple[Cause, int | None], list[Draft]] = {}
    for draft in drafts:
        by_words.setdefault((draft.event, draft.days_left), []).append(draft)
    return tuple(_one_of(name, same, language) for same in by_words.values())


def _one_of(name: str, drafts: Sequence[Draft], language: str | None) -> Draft:
    draft = max(drafts, key=lambda each: _SEVERITY.index(each.kind))
    lots = tuple(lot for each in drafts for lot in each.lot_ids)
    if len(drafts) == 1 or draft.days_left is None:
        return draft
    expired = draft.event is Cause.EXPIRED
    message = messages.expiry(
        name, draft.days_left, expired=expired, lots=len(lots), language=language
    )
    return draft._replace(lot_ids=lots, message=message)


_SEVERITY = list(Severity)
