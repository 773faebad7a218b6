"""Alerts of a product through a whole life, by property.

covers: useby.domain.alerts
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.alert_inputs import NOW, expiries, policies, product, short, user

from useby.domain import messages
from useby.domain.alerts import ON_EXPIRY, alert_dates, decide, schedule, settled_leads
from useby.domain.expiry import Expiry
from useby.domain.policy import Policy
from useby.domain.product import Disposal


@given(
    expiries,
    st.lists(policies, min_size=1, max_size=3),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    st.lists(st.timedeltas(timedelta(minutes=-1), timedelta(days=3)), min_size=1, max_size=30),
)
def test_a_text_is_sent_once_and_no_lead_is_lost(
    expiry: Expiry, several: list[Policy], zone: str, waits: list[timedelta]
) -> None:
    """The scheduler looks when it is due, or later, and the policy may differ at each look."""
    here, thing = ZoneInfo(zone), product("2026-01-01", expiry=expiry)
    now = expiry.ends_at(here) - timedelta(days=20)
    sent: list[tuple[str, int, datetime]] = []
    texts: list[tuple[date, str]] = []
    for number, wait in enumerate(waits):
        owner = user(zone, several[number % len(several)])
        leads = settled_leads(thing, owner, sent)
        due = alert_dates(thing, owner, leads, now).next_alert_at
        if due is None:
            continue
        now = max(now, due + wait)
        outcome = decide(thing, owner, leads, now)
        if outcome.alert is not None and outcome.draft is not None:
            sent.append((expiry.key, outcome.alert.lead, now))
            texts.append((now.astimezone(here).date(), outcome.draft.message))
        settled = settled_leads(thing, owner, sent)
        for alert in schedule(expiry, short(owner.policy), here).alerts:
            if alert.at <= now:
                assert min(settled) <= alert.lead, "it was sent, or a more urgent one"
                if alert.at.astimezone(here).date() == now.astimezone(here).date():
                    words = messages.expiry("Milk", alert.lead, expired=False)
                    assert (
                        alert.lead == ON_EXPIRY
                        or (texts[-1][1] == words)
                        or (expiry.ends_at(here) <= now)
                    )
    assert len(set(texts)) == len(texts)


DATES = ("2026-03-05", "2026-03-10", "2026-03-10T20:00:00Z", "2026-04-01T08:00:00Z", "2026-04-01")


class ProductLife(RuleBasedStateMachine):
    """A product, its owner, and a clock that the test wakes, stops and sets."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.owner = user("Europe/Berlin")
        self.thing = product("2026-03-10")
        self.sent: dict[tuple[str, int], datetime] = {}
        self.texts: set[tuple[str, date, str]] = set()
        self.wake: datetime | None = None
        self.place()

    @property
    def leads_sent(self) -> frozenset[int]:
        sent = [(*key, at) for key, at in self.sent.items()]
        return settled_leads(self.thing, self.owner, sent)

    def place(self) -> None:
        self.wake = alert_dates(self.thing, self.owner, self.leads_sent, self.now).next_alert_at

    def look(self) -> None:
        outcome = decide(self.thing, self.owner, self.leads_sent, self.now)
        if outcome.alert is not None:
            assert self.thing.closed_as is None
            assert self.thing.expiry is not None
            key = (self.thing.expiry.key, outcome.alert.lead)
            assert key not in self.sent, "never two alerts for one (product, date, lead)"
            sent_before = self.leads_sent
            assert all(outcome.alert.lead < lead for lead in sent_before)
            self.sent[key] = self.now
            assert outcome.draft is not None
            today = self.now.astimezone(self.owner.zone).date()
            text = (self.owner.time_zone, today, outcome.draft.message)
            assert text not in self.texts, "never the same words twice on one day"
            self.texts.add(text)
        self.wake = outcome.next_alert_at

    @precondition(lambda self: self.wake is not None)
    @rule(late=st.timedeltas(timedelta(), timedelta(days=12)))
    def the_clock_wakes_on_time_or_late(self, late: timedelta) -> None:
        assert self.wake is not None
        self.now = max(self.now, self.wake + late)
        self.look()

    @rule(by=st.timedeltas(timedelta(days=-3), timedelta(days=3)))
    def the_wall_clock_is_set(self, by: timedelta) -> None:
        self.now += by
        if self.wake is not None and self.wake <= self.now:
            self.look()

    @rule(day=st.sampled_from(DATES))
    def the_date_is_moved(self, day: str) -> None:
        self.thing = product(day, closed_as=self.thing.closed_as, quantity=self.thing.quantity)
        self.place()

    @rule(policy=policies, zone=st.sampled_from(["UTC", "Pacific/Apia", "America/Nuuk"]))
    def policy_and_zone_change(self, policy: Policy, zone: str) -> None:
        self.owner = user(zone, policy)
        self.place()

    @rule()
    def it_is_closed_or_opened_again(self) -> None:
        closed = self.thing.closed_as is None
        self.thing = replace(
            self.thing,
            closed_as=Disposal.CONSUMED if closed else None,
            closed_at=self.now if closed else None,
        )
        self.place()

    @invariant()
    def a_closed_product_awaits_nothing(self) -> None:
        assert self.thing.closed_as is None or self.wake is None

    def teardown(self) -> None:
        """Check that the expiry of an open product is announced in the end, and once."""
        if self.thing.closed_as is not None:
            return
        for _ in range(100):
            if self.wake is None:
                break
            self.now = max(self.now, self.wake)
            self.look()
        assert self.wake is None
        assert ON_EXPIRY in self.leads_sent


TestProductLife = ProductLife.TestCase
TestProductLife.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
