"""The alerts that are still to come for the lots of a product.

covers: useby.domain.upcoming
"""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.alert_inputs import ZONES, policies, product, user
from tests.support.cupboard import Cupboard

from useby.domain.account import User
from useby.domain.alerts import SentAlerts
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.lot_alerts import alert_dates, decide
from useby.domain.policy import Policy, Scope
from useby.domain.policy_scopes import PolicySource
from useby.domain.product import Product
from useby.domain.stock import taken_together
from useby.domain.upcoming import Upcoming, upcoming

OWNER = user("Europe/Berlin")
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)

Line = tuple[datetime, str, tuple[str, ...]]


def milk(cupboard: Cupboard) -> Product:
    thing = product("2026-12-31", name="Milk")
    return taken_together(thing, cupboard.lots.values(), cupboard.zone)


def listed(
    cupboard: Cupboard, now: datetime = MAY, owner: User = OWNER, sent: SentAlerts = ()
) -> list[Upcoming]:
    return upcoming(milk(cupboard), cupboard.lots.values(), owner, sent, now)


def lines(found: list[Upcoming]) -> list[Line]:
    return [(each.at, each.draft.message, each.draft.lot_ids) for each in found]


def sent_by_the_scheduler(
    thing: Product,
    lots: list[Lot],
    owner: User,
    sent: list[tuple[str, int, datetime]],
    now: datetime,
) -> list[Line]:
    """What a scheduler sends that wakes at the time that each decision names."""
    found: list[Line] = []
    due = alert_dates(thing, lots, owner, sent, now).next_alert_at
    while due is not None:
        now = max(now, due)
        decision = decide(thing, lots, owner, sent, now)
        found += [(now, draft.message, draft.lot_ids) for draft in decision.drafts]
        sent = [*sent, *((expiry.key, lead, now) for expiry, lead in decision.sent)]
        due = decision.dates.next_alert_at
    return found


def test_a_lot_has_an_alert_for_each_lead_and_one_on_expiry() -> None:
    cupboard = Cupboard()
    lot = cupboard.receive("2026-05-01", "2026-06-10")
    assert lines(listed(cupboard)) == [
        (datetime(2026, 6, 3, 7, tzinfo=UTC), "Milk expires in 7 days", (lot,)),
        (datetime(2026, 6, 8, 7, tzinfo=UTC), "Milk expires in 2 days", (lot,)),
        (datetime(2026, 6, 10, 7, tzinfo=UTC), "Milk expires today", (lot,)),
        (datetime(2026, 6, 11, 7, tzinfo=UTC), "Milk expired yesterday", (lot,)),
    ]
    assert [each.lots[0].lead for each in listed(cupboard)] == ["7d", "2d", "0d", "expiry"]


def test_lots_in_the_same_words_are_one_alert_with_both() -> None:
    cupboard = Cupboard()
    first, second = (cupboard.receive("2026-05-01", "2026-06-10") for _ in range(2))
    other = cupboard.receive("2026-05-01", "2026-06-10T18:00:00Z")
    found = listed(cupboard)
    assert [each.draft.message for each in found] == [
        "3 lots of Milk expire in 7 days",
        "3 lots of Milk expire in 2 days",
        "3 lots of Milk expire today",
        "Milk expired today",
        "2 lots of Milk expired yesterday",
    ]
    assert [lot.lot_id for lot in found[0].lots] == [first, second, other]
    assert [lot.lot_id for lot in found[-2].lots] == [other]
    assert [lot.lot_id for lot in found[-1].lots] == [first, second]


def test_an_alert_that_is_due_already_comes_now_with_the_lead_that_made_it_due() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    late = datetime(2026, 6, 5, 12, tzinfo=UTC)
    now, *later = listed(cupboard, late)
    assert (now.at, now.draft.message, now.lots[0].lead) == (late, "Milk expires in 5 days", "7d")
    assert [each.lots[0].lead for each in later] == ["2d", "0d", "expiry"]
    over = datetime(2026, 6, 10, 23, tzinfo=UTC)
    (only,) = listed(cupboard, over)
    assert (only.at, only.draft.message) == (over, "Milk expired yesterday")
    assert only.lots[0].lead == "expiry"


def test_an_alert_that_was_sent_is_not_listed_again() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    found = listed(cupboard, sent=[("2026-06-10", 2, MAY)])
    assert [each.draft.message for each in found] == [
        "Milk expires today",
        "Milk expired yesterday",
    ]
    assert listed(cupboard, sent=[("2026-06-10", -1, MAY)]) == []


def test_a_closed_lot_and_one_without_a_date_have_no_alerts() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01")
    cupboard.consume(cupboard.receive("2026-05-01", "2026-06-10"))
    cupboard.freeze(cupboard.receive("2026-05-01", "2026-06-10"), "2026-05-02")
    assert listed(cupboard) == []


@pytest.mark.parametrize(
    ("leads", "owner", "reason"),
    [
        ((1,), user("UTC", Policy((9,)), dairy=Policy((8,))), PolicySource(Scope.PRODUCT, "p")),
        (
            None,
            user("UTC", Policy((9,)), dairy=Policy((8,))),
            PolicySource(Scope.CATEGORY, "Dairy"),
        ),
        (None, user("UTC", Policy((9,)), fish=Policy((8,))), PolicySource(Scope.ACCOUNT)),
        (None, user("UTC"), PolicySource(Scope.BUILTIN)),
    ],
)
def test_each_alert_names_the_nearest_scope_that_gave_its_lead(
    leads: tuple[int, ...] | None, owner: User, reason: PolicySource
) -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    thing = product("2026-06-10", category="Dairy", lead_days=leads)
    found = upcoming(thing, cupboard.lots.values(), owner, (), MAY)
    assert {each.lots[0].because for each in found[:-1]} == {reason}
    assert (found[-1].lots[0].lead, found[-1].lots[0].because) == (
        "expiry",
        PolicySource(Scope.BUILTIN),
    )


def test_a_list_ends_with_the_notification_that_fills_it() -> None:
    cupboard = Cupboard()
    for day in ("2026-06-10", "2026-06-10", "2026-06-10", "2026-06-11"):
        cupboard.receive("2026-05-01", day)
    lots = list(cupboard.lots.values())
    assert [len(each.lots) for each in upcoming(milk(cupboard), lots, OWNER, (), MAY, 4)] == [3, 1]
    assert [len(each.lots) for each in upcoming(milk(cupboard), lots, OWNER, (), MAY, 2)] == [3]


starts = st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    policies,
    starts,
    st.lists(
        st.tuples(
            st.integers(-3, 120), st.none() | st.times().map(lambda at: at.replace(microsecond=0))
        ),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 40)), max_size=3),
)
def test_the_list_is_what_the_scheduler_sends(
    zone: str,
    policy: Policy,
    now: datetime,
    dates: list[tuple[int, time | None]],
    earlier: list[tuple[int, int]],
) -> None:
    """Over months, in every zone: the same texts at the same times about the same lots."""
    owner = user(zone, policy)
    cupboard = Cupboard(zone)
    cupboard.now = now
    expiries: list[Expiry] = []
    for days, at in dates:
        day = (now + timedelta(days=days)).date()
        instant = None if at is None else datetime.combine(day, at, UTC)
        expiry = Expiry(day=day) if instant is None else Expiry(instant=instant)
        expiries.append(expiry)
        cupboard.receive(str((now - timedelta(days=2)).date()), expiry.key)
    sent = [(expiries[which % len(expiries)].key, lead, now) for which, lead in earlier]
    thing, lots = milk(cupboard), list(cupboard.lots.values())
    found = lines(upcoming(thing, lots, owner, sent, now))
    assert sorted(found) == sorted(sent_by_the_scheduler(thing, lots, owner, sent, now))
    assert [each[0] for each in found] == sorted(each[0] for each in found)
