"""Plans of a product's open lots, from which the scheduler finds what it has to read and decide."""

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.support.alert_inputs import product, user
from tests.support.cupboard import Cupboard

from useby.domain.account import User
from useby.domain.iso_duration import Duration
from useby.domain.lot_plans import dates_to_decide, may_repeat, plan
from useby.domain.policy import (
    FOREVER,
    Lead,
    LeadUnit,
    PolicyFields,
    Repeat,
    Scope,
    StoredPolicy,
)
from useby.domain.quiet import NOT_DEFERRED
from useby.domain.stock import taken_together

OWNER = user("Europe/Berlin")
DAY_BEFORE = datetime(2026, 6, 9, 12, tzinfo=UTC)


def test_only_open_lots_with_a_date_are_planned() -> None:
    cupboard = Cupboard()
    eaten = cupboard.receive("2026-05-01", "2026-06-10")
    cupboard.consume(eaten)
    cupboard.receive("2026-05-01")
    left = cupboard.receive("2026-05-01", "2026-06-17")
    milk = product("2026-06-17")

    (only,) = plan(milk, cupboard.lots.values(), OWNER)

    assert (only.lot.id, only.expiry.key) == (left, "2026-06-17")
    assert only.received_on is None, "no lead counts from it"
    assert only.schedule.ends_at == datetime(2026, 6, 17, 22, tzinfo=UTC)


def test_each_lot_has_the_policy_of_its_own_scopes() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10", location="freezer")
    cupboard.receive("2026-05-01", "2026-06-10", location="fridge")
    cupboard.receive("2026-05-01", "2026-06-10", location="fridge")
    *lots, last = cupboard.lots.values()
    half = PolicyFields((Lead(50, LeadUnit.PERCENT),), repeat=Repeat(Duration.parse("P1D"), 2))
    lots.append(replace(last, policy=StoredPolicy(half)))
    muted = StoredPolicy(PolicyFields(muted=True))
    owner = replace(OWNER, policies={(Scope.LOCATION, "freezer"): muted})

    freezer, fridge, own = plan(product("2026-06-10"), lots, owner)

    assert [each.policy.muted_until for each in (freezer, fridge, own)] == [FOREVER, None, None]
    assert (fridge.received_on, own.received_on) == (None, date(2026, 5, 1))
    assert [each.at.date() for each in own.schedule.alerts] == [
        date(2026, 5, 21),
        date(2026, 6, 11),
    ]
    assert not may_repeat([freezer, fridge])
    assert may_repeat([freezer, fridge, own])


def test_only_dates_whose_first_alert_is_not_yet_to_come_are_decided_on() -> None:
    cupboard = Cupboard()
    for day in ("2026-06-10", "2026-06-16", "2026-06-17", "2027-02-01"):
        cupboard.receive("2026-05-01", day)
    *lots, last = cupboard.lots.values()
    lots.append(replace(last, policy=StoredPolicy(PolicyFields(leads=(Lead(365),)))))
    milk = taken_together(product("2026-12-31", name="Milk"), lots, cupboard.zone)

    def days(owner: User) -> list[str]:
        found = dates_to_decide(plan(milk, lots, owner), owner, DAY_BEFORE)
        return [each.key for each in found]

    assert days(OWNER) == ["2026-06-10", "2026-06-16", "2027-02-01"]
    deferred = replace(OWNER, deferral=NOT_DEFERRED)
    assert len(days(deferred)) == 4
