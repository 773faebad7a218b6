"""Why an alert was sent, by the policies as they are now.

covers: useby.domain.alert_reasons
"""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.alert_inputs import ZONES, policies, product, user
from tests.support.cupboard import Cupboard

from useby.domain.account import User
from useby.domain.alert_reasons import AlertReason, reasons_of
from useby.domain.alerts import SentAlerts
from useby.domain.iso_duration import Duration
from useby.domain.notification import Draft
from useby.domain.policy import Lead, Policy, PolicyFields, Repeat, Scope
from useby.domain.policy_scopes import PolicySource, with_policy
from useby.domain.product import Product
from useby.domain.stock import taken_together
from useby.domain.upcoming import upcoming

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
OWNER = user("UTC", dairy=Policy((7,)))
MILK = product("2026-06-10", category="Dairy")
WEEK = AlertReason("p", "Milk", "7d", PolicySource(Scope.CATEGORY, "Dairy"))


def first_of(
    cupboard: Cupboard, owner: User = OWNER, sent: SentAlerts = ()
) -> tuple[Draft, datetime]:
    """The next alert of a cupboard's lots, and the time at which it is sent."""
    found = upcoming(MILK, cupboard.lots.values(), owner, sent, MAY)[0]
    return found.draft, found.at


def reasons(
    cupboard: Cupboard,
    alert: tuple[Draft, datetime],
    *,
    thing: Product = MILK,
    owner: User = OWNER,
    sent: SentAlerts = (),
) -> list[AlertReason]:
    return reasons_of(thing, cupboard.lots.values(), owner, sent, *alert)


def test_an_alert_has_the_lead_and_the_policy_that_gave_it() -> None:
    cupboard = Cupboard("UTC")
    cupboard.receive("2026-05-01", "2026-06-10")
    assert reasons(cupboard, first_of(cupboard)) == [WEEK]


def test_an_alert_on_expiry_and_its_repeat_have_reasons_of_their_own() -> None:
    cupboard = Cupboard("UTC")
    cupboard.receive("2026-05-01", "2026-06-10")
    fields = PolicyFields(repeat=Repeat(Duration.parse("P3D"), 2))
    thing = with_policy(MILK, fields)
    draft, _ = first_of(cupboard, sent=[("2026-06-10", 0, MAY)])
    on_expiry = datetime(2026, 6, 11, 9, tzinfo=UTC)
    sent = [("2026-06-10", -1, on_expiry)]
    (first,) = reasons(cupboard, (draft, on_expiry), thing=thing, sent=sent)
    assert (first.lead, first.because) == ("expiry", PolicySource(Scope.BUILTIN))
    again = (draft, on_expiry + timedelta(days=3))
    (repeat,) = reasons(cupboard, again, thing=thing, sent=sent)
    assert (repeat.lead, repeat.because) == ("repeat", PolicySource(Scope.PRODUCT, "p"))
    assert reasons(cupboard, again, sent=sent) == []


def test_a_rule_that_has_changed_since_gives_no_reason_or_its_own() -> None:
    cupboard = Cupboard("UTC")
    cupboard.receive("2026-05-01", "2026-06-10")
    alert = first_of(cupboard)
    assert reasons(cupboard, alert, owner=user("UTC", dairy=Policy((3,)))) == []
    other = with_policy(MILK, PolicyFields((Lead(8),)))
    (found,) = reasons(cupboard, alert, thing=other)
    assert (found.lead, found.because) == ("8d", PolicySource(Scope.PRODUCT, "p"))


def test_lots_with_another_date_now_give_no_reason_and_closed_ones_do() -> None:
    cupboard = Cupboard("UTC", after_opening="P2D")
    lot = cupboard.receive("2026-05-01", "2026-06-10")
    alert = first_of(cupboard)
    cupboard.consume(lot)
    assert reasons(cupboard, alert) == [WEEK]
    draft, at = alert
    assert reasons(cupboard, (draft._replace(lot_ids=()), at)) == [WEEK]
    assert reasons(cupboard, (draft._replace(lot_ids=("other",)), at)) == []
    opened = Cupboard("UTC", after_opening="P2D")
    opened.open(opened.receive("2026-05-01", "2026-06-10"), "2026-05-02")
    assert reasons(opened, alert) == []


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    policies,
    policies,
    st.sampled_from(ZONES),
)
@settings(deadline=None)
def test_the_reasons_of_each_alert_are_those_that_were_predicted(
    days: list[int], account: Policy, category: Policy, zone: str
) -> None:
    owner = user(zone, account, dairy=category)
    cupboard = Cupboard(zone)
    for day in days:
        cupboard.receive("2026-05-01", f"{datetime(2026, 5, 3) + timedelta(days=day):%Y-%m-%d}")  # noqa: DTZ001
    thing = taken_together(MILK, cupboard.lots.values(), cupboard.zone)
    sent: list[tuple[str, int, datetime]] = []
    for each in upcoming(thing, cupboard.lots.values(), owner, (), MAY):
        found = reasons_of(thing, cupboard.lots.values(), owner, sent, each.draft, each.at)
        predicted = {(lot.lead, lot.because) for lot in each.lots}
        assert {(reason.lead, reason.because) for reason in found} == predicted
