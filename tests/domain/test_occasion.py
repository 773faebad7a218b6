"""The time of an action: now, a day, or an exact time."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from useby.domain.expiry import Expiry
from useby.domain.lot_dates import Rules
from useby.domain.occasion import Occasion, TimeRefused

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)  # half past ten in Berlin
OPENED = datetime(2026, 3, 2, 15, tzinfo=UTC)


def occasion(at: str | None = None) -> Occasion:
    when = None if at is None else Expiry.parse(at)
    return Occasion(NOW, ZoneInfo("Europe/Berlin"), Rules(), str, when)


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        (None, NOW),
        ("2026-03-03", datetime(2026, 3, 3, 11, tzinfo=UTC)),
        ("2026-03-03T08:15:00+01:00", datetime(2026, 3, 3, 7, 15, tzinfo=UTC)),
        ("2026-03-04T10:30:00+01:00", NOW),
    ],
)
def test_a_day_means_noon_in_the_zone(at: str | None, moment: datetime) -> None:
    assert occasion(at).moment() == moment


def test_today_means_now_while_it_is_morning() -> None:
    assert occasion("2026-03-04").moment() == NOW


def test_a_day_means_the_time_of_the_last_change_if_that_was_on_its_afternoon() -> None:
    assert occasion("2026-03-02").moment(OPENED) == OPENED
    assert occasion("2026-03-03").moment(OPENED) == datetime(2026, 3, 3, 11, tzinfo=UTC)


@pytest.mark.parametrize("at", ["2026-03-05", "2026-03-04T10:30:01+01:00"])
def test_a_time_in_the_future_is_refused(at: str) -> None:
    with pytest.raises(TimeRefused, match=r"^must not be in the future, e.g. 2026-03-04$"):
        occasion(at).moment()


@pytest.mark.parametrize("at", ["2026-03-01", "2026-03-02T15:59:59+01:00"])
def test_a_change_of_state_before_the_last_one_is_refused(at: str) -> None:
    with pytest.raises(TimeRefused, match=r"last opening.*, 2026-03-02T16:00:00\+01:00$"):
        occasion(at).moment(OPENED)


@pytest.mark.parametrize("at", ["2026-03-01", "2026-03-01T23:59:59+01:00"])
def test_a_time_before_the_lot_was_received_is_refused(at: str) -> None:
    with pytest.raises(TimeRefused, match=r"before the lot was received, e.g. 2026-03-02$"):
        occasion(at).moment_since(date(2026, 3, 2))


@pytest.mark.parametrize("at", ["2026-03-02", "2026-03-02T00:00:00+01:00"])
def test_the_day_of_receipt_is_allowed_from_its_start(at: str) -> None:
    assert occasion(at).moment_since(date(2026, 3, 2)) <= datetime(2026, 3, 2, 11, tzinfo=UTC)


def test_now_is_allowed_although_a_new_zone_has_not_reached_the_day_of_receipt() -> None:
    assert occasion().moment_since(date(2026, 3, 5)) == NOW


def test_the_time_of_the_last_change_may_be_sent_back_in_whole_seconds_as_it_is_shown() -> None:
    opened = OPENED.replace(microsecond=654321)
    assert occasion("2026-03-02T16:00:00+01:00").moment(opened) == opened
    with pytest.raises(TimeRefused):
        occasion("2026-03-02T15:59:59+01:00").moment(opened)
