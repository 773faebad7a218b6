"""Alerts in quiet hours and in digests, through random lives, beside a person with a diary.

covers: useby.domain.due_alerts
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.alert_inputs import NOW, product, user
from tests.support.cupboard import Cupboard
from tests.support.quiet_diary import MINUTE, ZONES, Diary, deferrals, starts

from useby.domain import lot_alerts
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.notification import Draft, Severity
from useby.domain.policy import Policy
from useby.domain.product import DateKind, Product
from useby.domain.quiet import Deferral, Digest, Every, QuietWindow, Weekday
from useby.domain.stock import taken_together
from useby.domain.upcoming import upcoming

SentText = tuple[datetime, str, bool]
"""Time of sending, text, and whether it is in a digest."""
NIGHT = QuietWindow(tuple(Weekday), time(22), time(7))


def deferring(zone: str, policy: Policy, deferral: Deferral | None) -> User:
    return replace(user(zone, policy), deferral=deferral)


@dataclass
class StoredLots:
    """A product as a database stores it: with its lots, what was sent, and the next look."""

    owner: User
    thing: Product
    lots: list[Lot]
    now: datetime
    due: datetime | None = None

    def __post_init__(self) -> None:
        self.sent: list[tuple[str, int, datetime]] = []
        self.notified: list[SentText] = []
        self.by_themselves: list[Draft] = []
        self.place()

    def place(self) -> None:
        """Plan the next look, as every change does."""
        dates = lot_alerts.alert_dates(self.thing, self.lots, self.owner, self.sent, self.now)
        self.due = dates.next_alert_at

    def look(self, at: datetime) -> list[SentText]:
        """Look at or after the planned time."""
        self.now = at
        planned = None if self.due is None else min(self.due, at)
        found = lot_alerts.decide(self.thing, self.lots, self.owner, self.sent, at, since=planned)
        self.sent += [(each.key, lead, at) for each, lead in (*found.sent, *found.unsent)]
        self.due = found.dates.next_alert_at
        self.by_themselves = list(found.drafts)
        new = [(at, each.message, False) for each in found.drafts]
        new += [(at, each.message, True) for each in found.digest]
        self.notified += new
        return new

    def live(self, until: datetime) -> list[SentText]:
        """Look whenever it is time."""
        found: list[SentText] = []
        while self.due is not None and self.due <= until:
            assert self.due > self.now or not found, "a look that changes nothing is not repeated"
            found += self.look(max(self.due, self.now))
        self.now = until
        return found


def stored_lots(
    owner: User, now: datetime, dates: Iterable[tuple[int, time | None, DateKind]]
) -> StoredLots:
    cupboard = Cupboard(owner.time_zone)
    cupboard.now = now
    for days, at, kind in dates:
        day = (now + timedelta(days=days)).date()
        expiry = Expiry(day=day) if at is None else Expiry(instant=datetime.combine(day, at, UTC))
        cupboard.receive(str(now.astimezone(owner.zone).date()), expiry.key, date_kind=kind)
    lots = list(cupboard.lots.values())
    thing = taken_together(product("2026-12-31", name="Milk"), lots, cupboard.zone)
    return StoredLots(owner, thing, lots, now)


class Person:
    """Somebody who notes what falls due about one lot, and is notified only when it suits."""

    def __init__(self, stored: StoredLots, days: int) -> None:
        owner = stored.owner
        assert owner.deferral is not None
        self.deferral = owner.deferral
        self.expiry = stored.lots[0].expiry
        self.is_safety = stored.lots[0].date_kind is DateKind.USE_BY
        self.zone = owner.zone
        self.first, self.last = stored.now, stored.now + timedelta(days=days)
        around = timedelta(days=9)
        self.diary = Diary(owner.zone, self.first - around, self.last + around)
        self.quiet = self.diary.quiet(self.deferral.quiet_hours)
        self.digests = self.diary.digests(self.deferral.digest, self.quiet)
        at_once = StoredLots(replace(owner, deferral=None), stored.thing, stored.lots, stored.now)
        self.falls_due = {
            at: each for at, each in self._notes(at_once) if self.first <= at <= self.last
        }

    def _notes(self, at_once: StoredLots) -> Iterable[tuple[datetime, int]]:
        """What would be sent when, and the lead that it settles, if nothing were deferred."""
        while at_once.due is not None:
            before = len(at_once.sent)
            at = max(at_once.due, at_once.now)
            at_once.look(at)
            for _, lead, _ in at_once.sent[before:]:
                yield at, lead

    def kind(self, lead: int) -> Severity:
        if lead < 0:
            return Severity.ERROR if self.is_safety else Severity.WARNING
        return Severity.INFO if lead >= 7 else Severity.WARNING

    def kind_at(self, at: datetime) -> Severity:
        assert self.expiry is not None
        if self.expiry.ends_at(self.zone) <= at:
            return self.kind(-1)
        return self.kind((self.expiry.day_in(self.zone) - at.astimezone(self.zone).date()).days)

    def notified(self) -> list[tuple[datetime, bool]]:
        """Walk through the minutes."""
        takes = set(self.deferral.digest.severities)
        if self.deferral.digest.every == "off":
            takes = set()
        desk: list[int] = []
        pile: list[int] = []
        settled = 10_000
        found: list[tuple[datetime, bool]] = []
        at = self.first
        while at <= self.last:
            lead = self.falls_due.get(at)
            if lead is not None and lead < settled:
                (pile if self.kind(lead) in takes else desk).append(lead)
            now = self.kind_at(at)
            if at not in self.quiet:
                pile += [each for each in desk if now in takes]
                desk = [each for each in desk if now not in takes]
                ready = desk + (pile if at in self.digests else [])
            else:
                passes = self.deferral.urgent_passes and self.is_safety
                ready = [each for each in desk if each < 0 and passes]
            if ready:
                most_urgent = min(ready)
                in_digest = most_urgent in pile and bool({self.kind(most_urgent), now} & takes)
                found.append((at, in_digest))
                settled = min(ready) if min(ready) < 0 else self._left(at, min(ready))
                desk = [each for each in desk if each < settled]
                pile = [each for each in pile if each < settled]
            at += MINUTE
        return found

    def _left(self, at: datetime, lead: int) -> int:
        assert self.expiry is not None
        if self.expiry.ends_at(self.zone) <= at:
            return -1
        days = (self.expiry.day_in(self.zone) - at.astimezone(self.zone).date()).days
        return min(lead, days)


leads = st.sets(st.integers(0, 9), max_size=4).map(lambda days: tuple(sorted(days)[::-1]))
minutes = st.builds(time, st.integers(0, 23), st.sampled_from((0, 30, 59)))
policies = st.builds(Policy, leads, minutes)
one_lot = st.tuples(st.integers(0, 10), st.none() | minutes, st.sampled_from(DateKind))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(ZONES), policies, deferrals, starts, one_lot)
def test_alerts_are_sent_when_a_person_with_a_diary_expects_them(
    zone: str,
    policy: Policy,
    deferral: Deferral,
    now: datetime,
    lot: tuple[int, time | None, DateKind],
) -> None:
    stored = stored_lots(deferring(zone, policy, deferral), now, [lot])
    person = Person(stored, days=12)
    stored.live(person.last)
    assert [(at, in_digest) for at, _, in_digest in stored.notified] == person.notified()


some_lots = st.lists(one_lot, min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(ZONES), policies, deferrals, starts, some_lots, st.integers(0, 300))
def test_every_prediction_comes_true(
    zone: str,
    policy: Policy,
    deferral: Deferral,
    now: datetime,
    dates: list[tuple[int, time | None, DateKind]],
    hours: int,
) -> None:
    """Also when the scheduler is late, and one asks before it looks."""
    stored = stored_lots(deferring(zone, policy, deferral), now, dates)
    stored.live(now + timedelta(hours=hours / 2))
    asked = now + timedelta(hours=hours)
    since = None if stored.due is None else min(stored.due, asked)
    listed = upcoming(stored.thing, stored.lots, stored.owner, stored.sent, asked, since=since)
    stored.now = asked
    notified = stored.look(asked) if stored.due is not None and stored.due < asked else []
    notified += stored.live(asked + timedelta(days=60))
    assert sorted((each.at, each.draft.message) for each in listed) == sorted(
        (at, text) for at, text, _ in notified
    )
    for each in listed:
        assert all(asked <= lot.at <= each.at for lot in each.lots)


waits = st.lists(st.tuples(st.integers(0, 60), st.none() | deferrals | st.just("zone")), max_size=8)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(ZONES), policies, deferrals, starts, some_lots, waits)
def test_alerts_are_sent_once_and_in_quiet_hours_only_with_leave(
    zone: str,
    policy: Policy,
    deferral: Deferral,
    now: datetime,
    dates: list[tuple[int, time | None, DateKind]],
    turns: list[tuple[int, Deferral | str | None]],
) -> None:
    """Through downtime, other settings while alerts are held, and another zone."""
    stored = stored_lots(deferring(zone, policy, deferral), now, dates)
    for hours, change in turns:
        stored.now += timedelta(hours=hours)
        if stored.due is not None and stored.due <= stored.now:
            notified_at_a_permitted_time(stored, stored.look(stored.now))
        if change == "zone":
            stored.owner = replace(stored.owner, time_zone=ZONES[hours % len(ZONES)])
        elif not isinstance(change, str):
            stored.owner = replace(stored.owner, deferral=change)
        stored.place()
    end = stored.now + timedelta(days=60)
    while stored.due is not None and stored.due <= end:
        notified_at_a_permitted_time(stored, stored.look(max(stored.due, stored.now)))
    assert stored.due is None, "what is held is sent in the end"
    keys = {(key, lead) for key, lead, _ in stored.sent}
    assert len(keys) == len(stored.sent), "the database would refuse the second one"
    days = {each.expiry.day_in(stored.owner.zone) for each in stored.lots if each.expiry}
    for day in days:
        assert any(
            Expiry.parse(key).day_in(stored.owner.zone) == day and lead < 0
            for key, lead, _ in stored.sent
        )


def notified_at_a_permitted_time(stored: StoredLots, notified: list[SentText]) -> None:
    deferral = stored.owner.deferral
    if not notified or deferral is None:
        return
    zone = stored.owner.zone
    around = timedelta(days=2)
    at = stored.now.replace(second=0, microsecond=0)
    is_quiet = at in Diary(zone, at - around, at + around).quiet(deferral.quiet_hours)
    takes = set() if deferral.digest.every == "off" else set(deferral.digest.severities)
    assert not is_quiet or not any(in_digest for *_, in_digest in notified)
    for draft in stored.by_themselves:
        assert not is_quiet or (deferral.urgent_passes and draft.kind is Severity.ERROR)
        # Of lots in the same words, one that is sent at once takes the others along.
        assert draft.kind not in takes or len(draft.lot_ids) > 1


def test_a_held_alert_is_worded_for_the_moment_of_sending() -> None:
    owner = deferring("UTC", Policy((2,), time(23)), Deferral((NIGHT,)))
    stored = stored_lots(owner, NOW, [(5, None, DateKind.USE_BY)])
    stored.live(NOW + timedelta(days=4))
    assert [(f"{at:%d %H:%M}", text) for at, text, _ in stored.notified] == [
        ("05 07:00", "Milk expires tomorrow")
    ]


def test_a_later_alert_of_the_same_lot_takes_the_place_of_a_held_one() -> None:
    urgent = Deferral((NIGHT,), urgent_passes=True)
    owner = deferring("UTC", Policy((0,), time(23)), urgent)
    stored = stored_lots(owner, NOW, [(1, time(23, 30), DateKind.USE_BY)])
    stored.live(NOW + timedelta(days=4))
    assert [(f"{at:%d %H:%M}", text) for at, text, _ in stored.notified] == [
        ("02 23:30", "Milk expired today")
    ]


def test_an_urgent_alert_takes_others_in_the_same_words_along() -> None:
    """Both lots have one date, so one record of what was sent."""
    deferral = Deferral(digest=Digest(Every.DAY, time(20)))
    stored = stored_lots(deferring("UTC", Policy(()), deferral), NOW, [(1, None, DateKind.USE_BY)])
    other = replace(stored.lots[0], id="other", date_kind=DateKind.BEST_BEFORE)
    other = replace(other, received_on=other.received_on - timedelta(days=1))
    stored.lots.append(other)
    stored.live(NOW + timedelta(days=4))
    assert [(text, in_digest) for _, text, in_digest in stored.notified] == [
        ("2 lots of Milk expired yesterday", False)
    ]


def test_a_digest_that_is_late_has_what_it_would_have_had_in_time() -> None:
    deferral = Deferral(digest=Digest(Every.WEEK, time(8), Weekday.WED))
    owner = deferring("UTC", Policy((9, 8), time(7)), deferral)
    stored = stored_lots(owner, NOW, [(12, None, DateKind.USE_BY)])  # 13 March
    assert stored.due == datetime(2026, 3, 4, 8, tzinfo=UTC)
    notified = stored.look(datetime(2026, 3, 5, 12, tzinfo=UTC))
    assert notified == [(stored.now, "Milk expires in 8 days", True)]


def test_an_alert_that_falls_due_after_a_digest_waits_for_the_next_one() -> None:
    deferral = Deferral(digest=Digest(Every.DAY, time(8)))
    owner = deferring("UTC", Policy((3,), time(9)), deferral)
    stored = stored_lots(owner, NOW, [(2, None, DateKind.USE_BY)])  # its alert is overdue
    assert stored.due == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_an_alert_of_a_lot_that_is_received_late_has_the_severity_of_that_day() -> None:
    """Its lead of nine days was an ``info`` before anybody had the lot."""
    deferral = Deferral(digest=Digest(Every.DAY, severities=(Severity.INFO,)))
    stored = stored_lots(
        deferring("UTC", Policy((9,)), deferral), NOW, [(5, None, DateKind.USE_BY)]
    )
    stored.live(NOW)
    assert stored.notified == [(NOW, "Milk expires in 5 days", False)]


def test_settings_that_defer_nothing_change_nothing() -> None:
    plain = user("Europe/Berlin", Policy((7, 2, 0)))
    dates = [(9, None, DateKind.USE_BY), (3, time(12), DateKind.BEST_BEFORE)]
    one, other = (
        stored_lots(each, NOW, dates) for each in (plain, replace(plain, deferral=Deferral()))
    )
    for each in (one, other):
        each.live(NOW + timedelta(days=30))
    assert one.notified == other.notified
    assert len(one.notified) == 8
