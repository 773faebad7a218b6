"""Lots with policies of all kinds through a whole life, by property.

covers: useby.domain.lot_alerts
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from tests.domain.test_policy_scopes import fields_of_policies
from tests.support.alert_inputs import NOW, product, user

from useby.domain.account import User
from useby.domain.alerts import ON_EXPIRY, schedule
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.lot_alerts import alert_dates, decide
from useby.domain.policy import NOTHING_SET, AlertPolicy, PolicyFields, Scope, StoredPolicy
from useby.domain.policy_scopes import policy_for
from useby.domain.upcoming import upcoming

EXPIRIES = [
    Expiry(day=date(2026, 3, 29)),
    Expiry(day=date(2026, 3, 20)),
    Expiry(instant=datetime(2026, 3, 20, 15, 30, tzinfo=UTC)),
]
policies = st.builds(
    AlertPolicy, st.lists(st.nothing()).map(tuple) | fields_of_policies.map(lambda p: p.leads or ())
)


def a_lot(name: str, expiry: Expiry, received_on: date = date(2026, 3, 1)) -> Lot:
    return Lot(name, "p", Decimal(1), received_on, NOW, expiry=expiry, location=name)


@given(st.sampled_from(EXPIRIES), policies, st.dates(date(2026, 1, 1), date(2026, 4, 1)))
def test_alerts_are_in_the_order_of_time_and_no_two_have_the_same_words(
    expiry: Expiry, policy: AlertPolicy, received_on: date
) -> None:
    zone = user("Europe/Berlin").zone
    every = schedule(expiry, policy, zone, received_on).alerts
    assert [alert.at for alert in every] == sorted({alert.at for alert in every})
    assert [alert.lead for alert in every] == sorted({alert.lead for alert in every})[::-1]
    assert all(alert.given_by in policy.leads for alert in every[:-1])
    for alert in every[:-1]:
        left = (expiry.day_in(zone) - alert.at.astimezone(zone).date()).days
        assert alert.lead == left, "the text counts these days if it is sent in time"


class PoliciesLife(RuleBasedStateMachine):
    """Two lots, whose policies change at any time, and a scheduler that may be late."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.thing = product("2026-03-20")
        self.fields = {"a": NOTHING_SET, "b": NOTHING_SET, "": NOTHING_SET}
        self.lots = [a_lot("a", EXPIRIES[0]), a_lot("b", EXPIRIES[1])]
        self.sent: list[tuple[str, int, datetime]] = []
        self.texts: set[tuple[date, str]] = set()
        self.unread: set[str] = set()
        self.wake: datetime | None = None
        self.place()

    @property
    def owner(self) -> User:
        return replace(
            user("Europe/Berlin"), policies={(Scope.ACCOUNT, ""): StoredPolicy(self.fields[""])}
        )

    @property
    def stored(self) -> list[Lot]:
        return [replace(lot, policy=StoredPolicy(self.fields[lot.id])) for lot in self.lots]

    def place(self) -> None:
        """Schedule the product as a write of it does."""
        found = alert_dates(self.thing, self.stored, self.owner, self.sent, self.now)
        self.wake = found.next_alert_at
        if self.wake is not None and self.wake <= self.now:
            self.look()

    def look(self) -> list[tuple[datetime, str]]:
        """Do what the scheduler does."""
        found = decide(self.thing, self.stored, self.owner, self.sent, self.now, self.unread)
        known = {(key, lead) for key, lead, _ in self.sent}
        for expiry, lead in (*found.sent, *found.unsent):
            assert (expiry.key, lead) not in known, "an alert is settled once"
            known.add((expiry.key, lead))
            self.sent.append((expiry.key, lead, self.now))
        today = self.now.astimezone(self.owner.zone).date()
        for draft in found.drafts:
            assert (today, draft.message) not in self.texts
            self.texts.add((today, draft.message))
        for due in found.due:
            for lot in self.stored:
                if lot.id in due.lot_ids:
                    policy = policy_for(self.thing, self.owner, lot)
                    assert policy.muted_until is None or policy.muted_until < due.alert.at
                    assert policy.on_expiry or due.alert.lead >= 0
                    if due.alert.lead <= ON_EXPIRY:
                        self.unread.add(lot.id)
        self.wake = found.dates.next_alert_at
        assert self.wake is None or self.wake > self.now, "the scheduler does not turn in a circle"
        return [(self.now, draft.message) for draft in found.drafts]

    @precondition(lambda self: self.wake is not None)
    @rule(late=st.timedeltas(timedelta(), timedelta(days=4)))
    def the_scheduler_wakes(self, late: timedelta) -> None:
        assert self.wake is not None
        self.now = max(self.now, self.wake + late)
        self.look()

    @rule(name=st.sampled_from(["a", "b", ""]), fields=fields_of_policies)
    def a_policy_is_put(self, name: str, fields: PolicyFields) -> None:
        self.fields[name] = fields.after(self.fields[name], self.now)
        self.place()

    @rule(name=st.sampled_from(["a", "b"]))
    def an_alert_is_read(self, name: str) -> None:
        self.unread.discard(name)

    @rule(name=st.sampled_from(["a", "b"]), expiry=st.sampled_from(EXPIRIES))
    def a_date_is_changed(self, name: str, expiry: Expiry) -> None:
        self.lots = [replace(lot, expiry=expiry) if lot.id == name else lot for lot in self.lots]
        self.place()

    def teardown(self) -> None:
        """Check that the list of what is to come is what the scheduler then sends."""
        listed = [
            (each.at, each.draft.message)
            for each in upcoming(
                self.thing, self.stored, self.owner, self.sent, self.now, unread=self.unread
            )
        ]
        found: list[tuple[datetime, str]] = []
        while self.wake is not None:
            self.now = max(self.now, self.wake)
            found += self.look()
        assert sorted(listed) == sorted(found)


TestPoliciesLife = PoliciesLife.TestCase
TestPoliciesLife.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
