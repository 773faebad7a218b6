"""Alerts of a household's products for its members, beside a plain model of each of them.

covers: useby.domain.alert_schedule
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.test_policy_scopes import fields_of_policies
from tests.support.alert_inputs import NOW, policies, product, short, user
from tests.support.quiet_diary import CHANGES, ZONES, deferrals

from useby.domain.account import HouseholdRules, User
from useby.domain.alerts import ON_EXPIRY, schedule
from useby.domain.expiry import Expiry
from useby.domain.lot import AlertedLot, Lot, LotState
from useby.domain.lot_alerts import decide
from useby.domain.notification import Draft
from useby.domain.policy import (
    NOTHING_SET,
    Lead,
    LeadUnit,
    Policy,
    PolicyFields,
    Scope,
    StoredPolicy,
)
from useby.domain.policy_scopes import PolicySource, policy_for, reason_of, with_policy
from useby.domain.product import DateKind, Product

NEW_YORK, TOKYO, BERLIN = map(ZoneInfo, ("America/New_York", "Asia/Tokyo", "Europe/Berlin"))
THREE, FIVE = (PolicyFields((Lead(days),)) for days in (3, 5))


def a_member(
    zone: str = "UTC",
    household: str = "UTC",
    policy: Policy | None = None,
    default: PolicyFields = NOTHING_SET,
    own: Mapping[tuple[str, str], StoredPolicy] | None = None,
    joined_at: datetime | None = None,
) -> User:
    rules = HouseholdRules("h", ZoneInfo(household), default, own, joined_at)
    return replace(user(zone, policy), within=rules)


def a_lot(
    expiry: Expiry, received_on: date = date(2026, 3, 1), policy: StoredPolicy | None = None
) -> AlertedLot:
    kind = DateKind.BEST_BEFORE
    return AlertedLot(expiry, "l", LotState.SEALED, received_on, kind, "", policy)


@pytest.mark.parametrize(
    ("zone", "at", "words"),
    [
        # The household's 4 March ends in Berlin at 23:00 UTC.
        ("Europe/Berlin", "2026-03-05T08:00Z", "Milk expired yesterday"),
        ("America/New_York", "2026-03-05T14:00Z", "Milk expired yesterday"),
        ("Asia/Tokyo", "2026-03-05T00:00Z", "Milk expired yesterday"),
        # It is 12:00 of the next day there when the household's day ends.
        ("Pacific/Auckland", "2026-03-05T20:00Z", "Milk expired 2 days ago"),
    ],
)
def test_a_date_ends_in_the_households_zone_and_its_alert_comes_at_the_members_alert_time(
    zone: str, at: str, words: str
) -> None:
    member = a_member(zone, "Europe/Berlin")
    day = Expiry(day=date(2026, 3, 4))
    plan = schedule(day, short(Policy()), member.zone, None, member.days_end_in)
    assert plan.ends_at == datetime(2026, 3, 4, 23, tzinfo=UTC)
    assert plan.alerts[-1].at == datetime.fromisoformat(at)
    found = decide(product(date(2026, 3, 4)), [a_lot(day)], member, (), plan.alerts[-1].at)
    (draft,) = found.drafts
    assert (draft.message, draft.user_id, draft.household_id) == (words, "u", "h")


def test_an_alert_before_the_households_day_is_over_has_the_words_expires_today() -> None:
    member = a_member("Asia/Tokyo", "America/New_York", Policy((0,)))
    day = Expiry(day=date(2026, 3, 4))
    late = datetime(2026, 3, 5, 3, tzinfo=UTC)  # noon of the 5th in Tokyo, the 4th in New York
    (draft,) = decide(product(date(2026, 3, 4)), [a_lot(day)], member, (), late).drafts
    assert draft.message == "Milk expires today"


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    policies,
    st.sampled_from(CHANGES),
    st.lists(st.builds(Lead, st.integers(1, 72), st.just(LeadUnit.HOURS)), max_size=3),
)
def test_the_schedule_of_a_member_is_at_the_members_time_of_day_around_the_households_date(
    zone: str, household: str, policy: Policy, change: datetime, hours: list[Lead]
) -> None:
    day, here = Expiry(day=change.date()), ZoneInfo(zone)
    full = short(policy)
    full = replace(full, leads=(*full.leads, *hours))
    plan = schedule(day, full, here, None, ZoneInfo(household))
    assert plan.ends_at == day.ends_at(ZoneInfo(household))
    *before, last = plan.alerts
    assert last.lead == ON_EXPIRY
    assert plan.ends_at <= last.at < plan.ends_at + timedelta(hours=26)
    assert [each.at for each in plan.alerts] == sorted({each.at for each in plan.alerts})
    assert [each.lead for each in plan.alerts] == sorted({e.lead for e in plan.alerts})[::-1]
    for each in before:
        assert each.at < last.at
        if each.given_by is not None and each.given_by.unit is LeadUnit.HOURS:
            assert each.at == plan.ends_at - timedelta(hours=each.given_by.amount)
        else:
            noon = datetime.combine(change.date() - timedelta(days=each.lead), time(), here)
            assert timedelta() <= each.at - noon.astimezone(UTC) < timedelta(hours=26)


@given(st.sampled_from(ZONES), policies, st.sampled_from(CHANGES))
def test_in_the_households_own_zone_the_schedule_is_that_of_an_account_that_shares_nothing(
    zone: str, policy: Policy, change: datetime
) -> None:
    day, here = Expiry(day=change.date()), ZoneInfo(zone)
    assert schedule(day, short(policy), here, None, here) == schedule(day, short(policy), here)


@dataclass
class Mail:
    """What one member has got, and the times at which the scheduler would look for it alone."""

    member: User
    sent: list[tuple[str, int, datetime]]
    got: list[tuple[datetime, str]]

    def look(
        self, thing: Product, lots: list[AlertedLot], at: datetime, planned: datetime
    ) -> datetime | None:
        found = decide(thing, lots, self.member, self.sent, at, since=planned)
        known = {(key, lead) for key, lead, _ in self.sent}
        for expiry, lead in (*found.sent, *found.unsent):
            assert (expiry.key, lead) not in known, "nothing is settled twice"
            self.sent.append((expiry.key, lead, at))
        self.got += [(at, each.message) for each in (*found.drafts, *found.digest)]
        return found.dates.next_alert_at


members_of = st.lists(
    st.builds(
        lambda zone, policy, deferral, fields: replace(
            a_member(zone, policy=policy),
            deferral=deferral,
            policies={(Scope.ACCOUNT, ""): StoredPolicy(fields)},
        ),
        st.sampled_from(ZONES),
        policies,
        st.none() | deferrals,
        fields_of_policies,
    ),
    min_size=2,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(
    members_of,
    st.sampled_from(ZONES),
    fields_of_policies,
    st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2, unique=True),
)
def test_each_member_gets_what_they_would_get_alone_and_gets_it_once(
    members: list[User], household: str, default: PolicyFields, days: list[datetime]
) -> None:
    """One look at the time that is the first of any member is as good as one for each."""
    rules = HouseholdRules("h", ZoneInfo(household), default)
    members = [replace(each, within=rules) for each in members]
    thing = product(days[0].date())
    lots = [
        a_lot(Expiry(day=day.date()))._replace(id=f"l{number}") for number, day in enumerate(days)
    ]
    begin, end = datetime(2026, 2, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)

    def live(together: list[Mail]) -> None:
        due: datetime | None = begin
        while due is not None and due < end:
            nexts = [mail.look(thing, lots, due, due) for mail in together]
            after = min((each for each in nexts if each is not None), default=None)
            assert after is None or after > due, "a look that changes nothing is not repeated"
            due = after

    shared = [Mail(each, [], []) for each in members]
    live(shared)
    for mail in shared:
        alone = Mail(mail.member, [], [])
        live([alone])
        assert mail.got == alone.got


def test_a_members_policies_are_nearest_first_and_the_households_default_is_the_last() -> None:
    lot = a_lot(Expiry(day=date(2026, 3, 20)))
    thing = product("2026-03-20")
    own = {("p", "l"): StoredPolicy(THREE), ("p", ""): StoredPolicy(FIVE)}
    member = a_member(own=own, default=PolicyFields((Lead(9),), time(7)))
    assert policy_for(thing, member, lot).leads == THREE.leads
    assert policy_for(thing, member).leads == FIVE.leads
    assert policy_for(thing, member).alert_time == time(7)
    nothing_own = a_member(own={}, default=PolicyFields((Lead(9),)))
    assert policy_for(thing, nothing_own, lot).leads == (Lead(9),)
    assert reason_of(thing, nothing_own, "leads") == PolicySource(Scope.HOUSEHOLD)
    account = replace(nothing_own, policies={(Scope.ACCOUNT, ""): StoredPolicy(THREE)})
    assert policy_for(thing, account, lot).leads == THREE.leads


def test_the_policies_that_a_founder_has_for_products_and_lots_are_not_those_of_others() -> None:
    thing = with_policy(product("2026-03-20"), FIVE)
    lot = a_lot(Expiry(day=date(2026, 3, 20)), policy=StoredPolicy(THREE))
    founder, other = a_member(), a_member(own={})
    assert policy_for(thing, founder).leads == FIVE.leads
    assert policy_for(thing, founder, lot).leads == THREE.leads
    assert policy_for(thing, other).leads == policy_for(thing, other, lot).leads
    assert policy_for(thing, other).leads == (Lead(7), Lead(2), Lead(0))


def test_lead_days_given_with_a_product_count_for_all_members() -> None:
    thing = product("2026-03-20", lead_days=(4,))
    assert policy_for(thing, a_member()).leads == (Lead(4),)
    assert policy_for(thing, a_member(own={})).leads == (Lead(4),)
    later = replace(with_policy(thing, FIVE), lead_days=(1,))
    assert policy_for(later, a_member(own={})).leads == (Lead(1),)


def test_a_new_member_does_not_get_what_was_due_before_they_joined() -> None:
    now = NOW + timedelta(minutes=1)
    thing, day = product("2026-03-03"), Expiry(day=date(2026, 3, 3))
    lot = Lot("l", "p", Decimal(1), date(2026, 2, 1), NOW - timedelta(days=30), expiry=day)
    member = a_member(joined_at=NOW, own={})
    found = decide(thing, [lot], member, (), now)
    assert (found.drafts, found.sent, found.unsent) == ((), (), ((day, 2),))
    assert found.dates.next_alert_at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    opened_since = replace(lot, state=LotState.OPENED, state_since=now)
    (draft,) = decide(thing, [opened_since], member, (), now).drafts
    assert draft.message == "Milk expires in 2 days"
    earlier = replace(member, within=replace(member.within, joined_at=None))  # type: ignore[type-var]
    assert isinstance(decide(thing, [lot], earlier, (), now).drafts[0], Draft)
