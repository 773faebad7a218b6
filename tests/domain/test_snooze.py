"""The length of a snooze, and the alert that is sent again when it is over."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.factories import NOON, a_product, an_owner

from useby.domain import flat_writes
from useby.domain.alerts import ON_EXPIRY
from useby.domain.lot_changes import NO_DETAILS
from useby.domain.notification import Cause
from useby.domain.occasion import Occasion
from useby.domain.snooze import again, duration, end_after

ADA = an_owner(time_zone="UTC")
MILK = a_product(ADA, "2026-03-04")
LOTS = flat_writes.first_lot(
    MILK, Occasion(NOON, ADA.zone, MILK.rules, lambda: "lot", None), NO_DETAILS
).lots
SENT = ("2026-03-04", 2, datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT1M", timedelta(minutes=1)),
        ("PT90M", timedelta(minutes=90)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("P2W", timedelta(days=14)),
        ("PT60S", timedelta(seconds=60)),
    ],
)
def test_a_duration_is_read_as_iso_8601_has_it(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "1H", "PT1.5H", "P1Y", "P1M", "pt1h", "P-1D"]
)
def test_a_text_of_another_form_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must be an ISO 8601 duration"):
        duration(text)


def test_a_snooze_lasts_a_minute_to_90_days() -> None:
    for length in (timedelta(minutes=1), timedelta(days=90)):
        assert end_after(length, NOON) == NOON + length
    for length in (timedelta(seconds=59), timedelta(days=90, seconds=1), timedelta.max):
        with pytest.raises(ValueError, match=r"e\.g\. 2026-03-02T14:00:00Z"):
            end_after(length, NOON)


def test_an_alert_is_sent_again_in_the_words_of_the_moment() -> None:
    for hours, words in ((1, "expires in 2 days"), (30, "expires tomorrow")):
        now = NOON + timedelta(hours=hours)
        found = again({"lot"}, NOON, MILK, LOTS, ADA, [SENT], now)
        assert found is not None
        assert found.draft.message == f"Organic Milk {words}"
        assert found.draft.event is Cause.SNOOZED
        assert found.draft.lot_ids == ("lot",)


def test_a_snoozed_alert_settles_a_later_one_in_the_same_words() -> None:
    before_nine = datetime(2026, 3, 4, 8, tzinfo=UTC)
    found = again({"lot"}, NOON, MILK, LOTS, ADA, [SENT], before_nine)
    assert found is not None
    assert [(expiry.key, lead) for expiry, lead in found.sent] == [("2026-03-04", 0)]


@pytest.mark.parametrize("lead", [0, ON_EXPIRY])
def test_an_alert_sent_since_takes_its_place_only_in_the_same_words(lead: int) -> None:
    at = datetime(2026, 3, 4, 9, tzinfo=UTC)
    sent = [SENT, ("2026-03-04", lead, at)]
    found = again({"lot"}, NOON, MILK, LOTS, ADA, sent, at + timedelta(hours=1))
    assert (found is None) == (lead == 0)
    before = again({"lot"}, at, MILK, LOTS, ADA, sent, at + timedelta(hours=1))
    assert before is not None, "the user snoozed it after that alert"


def test_an_alert_that_the_scheduler_is_about_to_send_takes_its_place() -> None:
    assert again({"lot"}, NOON, MILK, LOTS, ADA, [], NOON + timedelta(hours=1)) is None


def test_an_alert_of_a_date_that_is_far_is_not_sent_again() -> None:
    later = a_product(ADA, "2027-03-04")
    lots = flat_writes.first_lot(
        later, Occasion(NOON, ADA.zone, later.rules, lambda: "lot", None), NO_DETAILS
    ).lots
    assert again({"lot"}, NOON, later, lots, ADA, [], NOON) is None
