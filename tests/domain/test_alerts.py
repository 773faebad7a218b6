"""The alert rules: by example and by property."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.alert_inputs import NOW, ZONES, expiries, moments, policies, product, short, user

from useby.domain.alerts import (
    ON_EXPIRY,
    alert_dates,
    days_left,
    decide,
    schedule,
    settled_leads,
    status,
)
from useby.domain.expiry import Expiry
from useby.domain.notification import Cause, Severity
from useby.domain.policy import BUILTIN, AlertPolicy, Policy, in_days
from useby.domain.policy_scopes import policy_for
from useby.domain.product import DateKind, Disposal, Status


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# by example


def test_the_default_policy_alerts_seven_and_two_days_ahead_on_the_day_and_on_expiry() -> None:
    every = schedule(product("2026-03-20").expiry, BUILTIN, ZoneInfo("Europe/Berlin")).alerts
    assert [(each.lead, each.at.isoformat()) for each in every] == [
        (7, "2026-03-13T08:00:00+00:00"),
        (2, "2026-03-18T08:00:00+00:00"),
        (0, "2026-03-20T08:00:00+00:00"),
        (ON_EXPIRY, "2026-03-21T08:00:00+00:00"),
    ]


def test_an_exact_time_expires_at_that_moment_and_later_leads_are_left_out() -> None:
    every = schedule(product("2026-03-20T06:00:00Z").expiry, BUILTIN, ZoneInfo("UTC")).alerts
    assert [(each.lead, each.at.isoformat()) for each in every] == [
        (7, "2026-03-13T09:00:00+00:00"),
        (2, "2026-03-18T09:00:00+00:00"),
        (ON_EXPIRY, "2026-03-20T06:00:00+00:00"),
    ]


@pytest.mark.parametrize(
    ("now", "message", "kind", "event"),
    [
        ("2026-03-10T09:00:00+00:00", "Milk expires in 10 days", Severity.INFO, Cause.EXPIRING),
        ("2026-03-13T09:00:00+00:00", "Milk expires in 7 days", Severity.INFO, Cause.EXPIRING),
        ("2026-03-18T09:00:00+00:00", "Milk expires in 2 days", Severity.WARNING, Cause.EXPIRING),
        ("2026-03-19T09:00:00+00:00", "Milk expires tomorrow", Severity.WARNING, Cause.EXPIRING),
        ("2026-03-20T23:59:59+00:00", "Milk expires today", Severity.WARNING, Cause.EXPIRING),
        ("2026-03-21T09:00:00+00:00", "Milk expired yesterday", Severity.WARNING, Cause.EXPIRED),
        ("2026-03-23T00:00:00+00:00", "Milk expired 3 days ago", Severity.WARNING, Cause.EXPIRED),
    ],
)
def test_an_alerts_text_and_severity_follow_the_days_left(
    now: str, message: str, kind: Severity, event: Cause
) -> None:
    outcome = decide(
        product("2026-03-20", lead_days=(10, 7, 2, 1, 0)), user(), frozenset(), at(now)
    )
    assert outcome.draft is not None
    assert (outcome.draft.message, outcome.draft.kind, outcome.draft.event) == (
        message,
        kind,
        event,
    )


def test_an_expired_use_by_date_is_an_error_an_expired_best_before_a_warning() -> None:
    for kind, wanted in (
        (DateKind.USE_BY, Severity.ERROR),
        (DateKind.BEST_BEFORE, Severity.WARNING),
    ):
        outcome = decide(product("2026-02-20", date_kind=kind), user(), frozenset(), NOW)
        assert outcome.draft is not None
        assert outcome.draft.kind is wanted


def test_an_exact_time_that_has_passed_today_expired_today() -> None:
    outcome = decide(product("2026-03-01T11:59:59Z"), user(), frozenset(), NOW)
    assert outcome.draft is not None
    assert outcome.draft.message == "Milk expired today"


def test_after_downtime_only_the_most_urgent_alert_is_sent() -> None:
    outcome = decide(product("2026-03-02"), user(), frozenset(), NOW)
    assert outcome.alert is not None
    assert outcome.alert.lead == 1, "its text counts one day"
    again = decide(product("2026-03-02"), user(), frozenset({1}), NOW)
    assert again.draft is None
    assert again.next_alert_at == at("2026-03-02T09:00:00+00:00")


def test_a_late_alert_settles_the_one_that_would_count_the_same_days() -> None:
    early = at("2026-03-18T08:59:00+00:00")
    outcome = decide(product("2026-03-20"), user(), frozenset(), early)
    assert outcome.draft is not None
    assert outcome.draft.message == "Milk expires in 2 days"
    assert outcome.alert is not None
    assert outcome.alert.lead == 2
    assert outcome.next_alert_at == at("2026-03-20T09:00:00+00:00"), "not at 09:00 again"


def test_a_late_alert_of_an_expired_product_settles_the_one_on_expiry() -> None:
    early = at("2026-03-21T08:59:00+00:00")
    outcome = decide(product("2026-03-20"), user(), frozenset({2}), early)
    assert outcome.draft is not None
    assert outcome.draft.message == "Milk expired yesterday"
    assert outcome.alert is not None
    assert outcome.alert.lead == ON_EXPIRY
    assert outcome.next_alert_at is None


def test_a_late_alert_settles_a_lead_that_the_policy_gets_later() -> None:
    early, policy = at("2026-03-18T08:59:00+00:00"), Policy((7,))
    outcome = decide(product("2026-03-20"), user(policy=policy), frozenset(), early)
    assert outcome.alert is not None
    sent = frozenset({outcome.alert.lead})
    on_time = at("2026-03-18T09:00:00+00:00")
    assert decide(product("2026-03-20"), user(policy=Policy((7, 2))), sent, on_time).draft is None


def test_an_instant_shares_its_alerts_with_its_day() -> None:
    owner = user("Europe/Berlin")
    dates = (("2026-03-20", 2), ("2026-03-19T22:30:00Z", 7), ("2026-03-20T23:30:00Z", 0))
    sent = [(*each, NOW) for each in dates]
    assert settled_leads(product("2026-03-20"), owner, sent) == {2}
    assert settled_leads(product("2026-03-20T12:00:00Z"), owner, sent) == {2}
    assert settled_leads(product("2026-03-19"), owner, sent) == {7}
    assert settled_leads(product("2026-03-21"), owner, sent) == {0}


def test_a_lead_added_later_causes_no_less_urgent_alert() -> None:
    leads = Policy((7, 3, 2, 0))
    outcome = decide(product("2026-03-03"), user(policy=leads), frozenset({2}), NOW)
    assert outcome.draft is None


def test_the_nearest_policy_wins_product_then_category_then_account() -> None:
    account = user(policy=Policy((9,)), dairy=Policy((4,), time(6)))
    assert policy_for(product("2026-03-20"), account) == AlertPolicy(in_days((9,)))
    assert policy_for(product("2026-03-20", category="Dairy"), account) == AlertPolicy(
        in_days((4,)), time(6)
    )
    own = product("2026-03-20", category="Dairy", lead_days=(1,))
    assert policy_for(own, account) == AlertPolicy(in_days((1,)), time(6))


def test_no_leads_leave_the_alert_on_expiry() -> None:
    every = schedule(
        product("2026-03-20", lead_days=()).expiry, AlertPolicy(()), ZoneInfo("UTC")
    ).alerts
    assert [each.lead for each in every] == [ON_EXPIRY]


def test_the_status_is_computed_in_the_owners_zone() -> None:
    owner = user()
    assert status(product("2026-03-09"), owner, NOW) is Status.FRESH
    assert status(product("2026-03-08"), owner, NOW) is Status.EXPIRING
    assert status(product("2026-03-01"), owner, NOW) is Status.EXPIRING
    assert status(product("2026-02-28"), owner, NOW) is Status.EXPIRED
    assert status(product("2026-03-01T12:00:00Z"), owner, NOW) is Status.EXPIRED
    for how, wanted in (
        (Disposal.CONSUMED, Status.CONSUMED),
        (Disposal.DISCARDED, Status.DISCARDED),
    ):
        assert status(product("2026-03-09", closed_as=how), owner, NOW) is wanted


# calendar edges, by name


def test_a_day_is_good_through_its_end_in_the_owners_zone() -> None:
    ends = Expiry.parse("2026-03-20").ends_at(ZoneInfo("Pacific/Auckland"))
    assert ends == at("2026-03-20T11:00:00+00:00")


def test_apia_skipped_30_december_2011_and_the_days_are_still_the_calendars() -> None:
    zone = ZoneInfo("Pacific/Apia")
    eve = datetime(2011, 12, 29, 12, tzinfo=zone)
    assert days_left(product(date(2011, 12, 31)), zone, eve) == 2
    assert Expiry(day=date(2011, 12, 29)).ends_at(zone) == at("2011-12-30T10:00:00+00:00")


def test_sao_paulo_began_a_day_at_one_oclock() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    assert Expiry(day=date(2018, 11, 3)).ends_at(zone) == at("2018-11-04T03:00:00+00:00")


def test_an_alert_time_that_dst_skips_moves_past_the_gap() -> None:
    policy = AlertPolicy(in_days((0,)), time(2, 30))
    every = schedule(product("2026-03-29").expiry, policy, ZoneInfo("Europe/Berlin")).alerts
    assert every[0].at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M") == "03:30"


def test_an_alert_time_that_comes_twice_counts_the_first_time() -> None:
    policy = AlertPolicy(in_days((0,)), time(2, 30))
    every = schedule(product("2026-10-25").expiry, policy, ZoneInfo("Europe/Berlin")).alerts
    assert every[0].at == at("2026-10-25T00:30:00+00:00")


def test_leap_days_count() -> None:
    zone = ZoneInfo("UTC")
    assert days_left(product("2028-03-01"), zone, at("2028-02-28T12:00:00+00:00")) == 2
    assert days_left(product("2027-03-01"), zone, at("2027-02-28T12:00:00+00:00")) == 1


def test_in_every_zone_the_days_left_are_those_of_a_calendar() -> None:
    """On each day a zone's clocks change in 2026, the days around it, and a leap day."""
    for zone in ZONES:
        check_days_left(ZoneInfo(zone))


def check_days_left(here: ZoneInfo) -> None:
    """Compare the days left with a calendar's, around the changes of a zone's clocks."""
    noons = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    offsets = [noon.astimezone(here).utcoffset() for noon in noons]
    changes = [noons[n].date() for n in range(1, 366) if offsets[n] != offsets[n - 1]]
    for change in [*changes, date(2028, 2, 29), date(2011, 12, 30)]:
        for distance in (-1, 0, 1, 2, 7):
            target = change + timedelta(days=distance)
            evening = datetime.combine(change - timedelta(days=1), time(23, 30), here)
            moment = evening.astimezone(UTC)  # some zones skip that half hour
            today = moment.astimezone(here).date()
            counted = 0
            while today + timedelta(days=counted) < target:
                counted += 1
            while today + timedelta(days=counted) > target:
                counted -= 1
            assert days_left(product(target), here, moment) == counted, (here, target)


# by property


@given(expiries, policies, st.sampled_from(ZONES))
def test_alerts_rise_in_time_as_in_urgency_and_the_last_is_on_expiry(
    expiry: Expiry, policy: Policy, zone: str
) -> None:
    every = schedule(expiry, short(policy), ZoneInfo(zone)).alerts
    assert [each.lead for each in every] == sorted({each.lead for each in every}, reverse=True)
    assert all(one.at < two.at for one, two in pairwise(every))
    assert every[-1].lead == ON_EXPIRY
    assert every[-1].at >= expiry.ends_at(ZoneInfo(zone)) or expiry.day is None


@given(expiries, policies, st.sampled_from(ZONES), moments, st.frozensets(st.integers(-1, 40)))
def test_the_scheduler_never_spins_and_stored_dates_agree_with_decisions(
    expiry: Expiry, policy: Policy, zone: str, now: datetime, answer: frozenset[int]
) -> None:
    owner, thing = user(zone, policy), product("2026-01-01", expiry=expiry)
    outcome = decide(thing, owner, answer, now)
    place = alert_dates(thing, owner, answer, now)
    assert outcome.next_alert_at is None or outcome.next_alert_at > now
    if outcome.alert is None:
        assert place.next_alert_at == outcome.next_alert_at
    else:
        assert outcome.alert.at <= now
        assert place.next_alert_at is not None
        assert place.next_alert_at <= now
        after = decide(thing, owner, answer | {outcome.alert.lead}, now)
        assert after.draft is None, "an alert is sent once"
    if outcome.next_alert_at is not None:
        assert decide(thing, owner, answer, outcome.next_alert_at).draft is not None
    assert place.expiring_from <= place.ends_at


@given(expiries, st.sampled_from(ZONES), moments)
def test_an_alerts_text_counts_the_days_of_a_wall_calendar(
    expiry: Expiry, zone: str, now: datetime
) -> None:
    here = ZoneInfo(zone)
    outcome = decide(product("2026-01-01", expiry=expiry), user(zone), frozenset(), now)
    if outcome.draft is None:
        return
    today = now.astimezone(here).date()
    counted = expiry.day_in(here).toordinal() - today.toordinal()
    assert outcome.draft.days_left == counted
    words = {1: "tomorrow", 0: "today", -1: "yesterday"}
    number = f"{abs(counted)} days"
    assert words.get(counted, number) in outcome.draft.message


@given(expiries, moments, st.sampled_from(list(Disposal)))
def test_a_closed_product_gets_no_alert(expiry: Expiry, now: datetime, how: Disposal) -> None:
    closed = product("2026-01-01", expiry=expiry, closed_as=how, closed_at=now)
    outcome = decide(closed, user(), frozenset(), now)
    assert (outcome.draft, outcome.next_alert_at) == (None, None)
    assert alert_dates(closed, user(), frozenset(), now).next_alert_at is None
