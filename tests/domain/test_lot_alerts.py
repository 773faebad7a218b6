"""Alerts of a product's lots: one notification for all that fall due in the same words."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from tests.support.alert_inputs import product, user
from tests.support.cupboard import Cupboard

from useby.domain.alerts import SentAlerts
from useby.domain.lot_alerts import LotAlerts, alert_dates, decide
from useby.domain.notification import Draft, Severity
from useby.domain.policy import Lead, PolicyFields, StoredPolicy
from useby.domain.product import DateKind
from useby.domain.stock import taken_together

OWNER = user("Europe/Berlin")
DAY_BEFORE = datetime(2026, 6, 9, 12, tzinfo=UTC)


def decided(cupboard: Cupboard, now: datetime, sent: SentAlerts = ()) -> LotAlerts:
    lots = cupboard.lots.values()
    milk = taken_together(product("2026-12-31", name="Milk"), lots, cupboard.zone)
    found = decide(milk, lots, OWNER, sent, now)
    before = alert_dates(milk, lots, OWNER, sent, now)
    if found.drafts:
        assert before.next_alert_at is not None
        assert before.next_alert_at <= now, "it was due"
    else:
        assert before == found.dates
    return found


def messages(found: LotAlerts) -> list[str]:
    return [draft.message for draft in found.drafts]


def test_lots_of_one_date_are_one_notification() -> None:
    cupboard = Cupboard()
    ids = tuple(cupboard.receive("2026-05-01", "2026-06-10") for _ in range(2))
    cupboard.receive("2026-05-01", "2026-06-30")
    found = decided(cupboard, DAY_BEFORE)
    assert messages(found) == ["2 lots of Milk expire tomorrow"]
    assert found.drafts[0].lot_ids == ids
    assert [(expiry.key, lead) for expiry, lead in found.sent] == [("2026-06-10", 1)]
    assert found.dates.next_alert_at == datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (datetime(2026, 6, 3, 12, tzinfo=UTC), "2 lots of Milk expire in 7 days"),
        (datetime(2026, 6, 10, 12, tzinfo=UTC), "2 lots of Milk expire today"),
        (datetime(2026, 6, 11, 12, tzinfo=UTC), "2 lots of Milk expired yesterday"),
        (datetime(2026, 6, 20, 12, tzinfo=UTC), "2 lots of Milk expired 10 days ago"),
    ],
)
def test_two_lots_are_counted_in_every_text(now: datetime, text: str) -> None:
    cupboard = Cupboard()
    for _ in range(2):
        cupboard.receive("2026-05-01", "2026-06-10")
    assert messages(decided(cupboard, now)) == [text]


def test_a_day_and_an_instant_in_it_are_one_notification_while_their_words_are_the_same() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    cupboard.receive("2026-05-01", "2026-06-10T18:00:00Z")
    found = decided(cupboard, DAY_BEFORE)
    assert messages(found) == ["2 lots of Milk expire tomorrow"]
    assert len(found.sent) == 2
    sent = [(expiry.key, lead, DAY_BEFORE) for expiry, lead in found.sent]
    assert messages(decided(cupboard, DAY_BEFORE, sent)) == []
    evening = datetime(2026, 6, 10, 18, tzinfo=UTC)
    assert sorted(messages(decided(cupboard, evening, sent))) == [
        "Milk expired today",
        "Milk expires today",
    ]


def test_a_lot_good_through_a_day_is_announced_after_one_that_ended_at_an_instant_of_it() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    cupboard.receive("2026-05-01", "2026-06-10T18:00:00Z")
    evening = datetime(2026, 6, 10, 18, tzinfo=UTC)
    sent = [("2026-06-10", 0, datetime(2026, 6, 10, 7, tzinfo=UTC))]
    found = decided(cupboard, evening, sent)
    assert messages(found) == ["Milk expired today"]
    sent += [(expiry.key, lead, evening) for expiry, lead in found.sent]
    assert messages(decided(cupboard, datetime(2026, 6, 11, 7, tzinfo=UTC), sent)) == [
        "Milk expired yesterday"
    ]


def test_lots_of_two_dates_have_a_notification_each() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    cupboard.receive("2026-05-01", "2026-06-16")
    found = decided(cupboard, DAY_BEFORE)
    assert messages(found) == ["Milk expires tomorrow", "Milk expires in 7 days"]


def test_a_closed_lot_and_one_without_a_date_are_silent() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01")
    closed = cupboard.receive("2026-05-01", "2026-06-10")
    frozen = cupboard.receive("2026-05-01", "2026-06-10")
    cupboard.consume(closed)
    cupboard.freeze(frozen, "2026-05-02")
    found = decided(cupboard, DAY_BEFORE)
    assert (found.drafts, found.dates.next_alert_at) == ((), None)


def test_a_lot_of_a_date_that_was_announced_already_is_not_announced_again_that_day() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    first = decided(cupboard, DAY_BEFORE).sent
    sent = [(expiry.key, lead, DAY_BEFORE) for expiry, lead in first]
    cupboard.receive("2026-06-01", "2026-06-10")
    assert messages(decided(cupboard, DAY_BEFORE, sent)) == []
    at_nine = datetime(2026, 6, 10, 7, tzinfo=UTC)
    assert messages(decided(cupboard, at_nine, sent)) == ["2 lots of Milk expire today"]


def test_a_use_by_lot_among_others_makes_the_expiry_an_error() -> None:
    def kinds(*of: DateKind) -> list[Severity]:
        cupboard = Cupboard()
        for kind in of:
            cupboard.receive("2026-05-01", "2026-06-10", date_kind=kind)
        drafts: tuple[Draft, ...] = decided(cupboard, datetime(2026, 6, 11, 12, tzinfo=UTC)).drafts
        return [draft.kind for draft in drafts]

    assert kinds(DateKind.BEST_BEFORE, DateKind.USE_BY) == [Severity.ERROR]
    assert kinds(DateKind.BEST_BEFORE, DateKind.BEST_BEFORE) == [Severity.WARNING]


def test_the_text_for_one_lot_is_that_of_a_product_with_one() -> None:
    cupboard = Cupboard()
    lot = cupboard.receive("2026-05-01", "2026-06-10")
    (draft,) = decided(cupboard, DAY_BEFORE).drafts
    assert (draft.message, draft.lot_ids) == ("Milk expires tomorrow", (lot,))
    assert (draft.days_left, str(draft.expires_on)) == (1, "2026-06-10")


def test_an_opened_lot_is_announced_for_the_date_that_counts_then() -> None:
    cupboard = Cupboard(after_opening="P3D")
    lot = cupboard.receive("2026-05-01", "2026-12-31", "2")
    cupboard.open(lot, "2026-05-30", "1")
    found = decided(cupboard, datetime(2026, 6, 1, 12, tzinfo=UTC))
    assert messages(found) == ["Milk expires tomorrow"]


def test_a_muted_lot_settles_nothing_of_another_whose_alert_comes_later_on_that_day() -> None:
    cupboard = Cupboard()
    for _ in range(2):
        cupboard.receive("2026-05-01", "2026-06-10")
    muted, other = cupboard.lots.values()
    morning = PolicyFields(leads=(Lead(2),), alert_time=time(8), muted=True)
    evening = PolicyFields(leads=(Lead(2),), alert_time=time(20))
    lots = [
        replace(muted, policy=StoredPolicy(morning)),
        replace(other, policy=StoredPolicy(evening)),
    ]
    milk = taken_together(product("2026-12-31", name="Milk"), lots, cupboard.zone)
    found = decide(milk, lots, OWNER, (), datetime(2026, 6, 8, 10, tzinfo=UTC))
    assert (found.drafts, found.unsent) == ((), ())
    eight = datetime(2026, 6, 8, 18, tzinfo=UTC)
    assert found.dates.next_alert_at == eight
    assert messages(decide(milk, lots, OWNER, (), eight)) == ["Milk expires in 2 days"]


def test_a_lot_whose_first_alert_is_yet_to_come_gives_the_time_of_the_next_look() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", "2026-06-10")
    cupboard.receive("2026-05-01", "2027-02-01")
    last = datetime(2026, 6, 11, 7, tzinfo=UTC)
    found = decided(cupboard, last)
    assert messages(found) == ["Milk expired yesterday"]
    assert found.dates.next_alert_at == datetime(2027, 1, 25, 8, tzinfo=UTC)
