"""Times at which something happened are read as people write them."""

from datetime import UTC, datetime

import pytest
import typer
from tests.support.factories import an_owner

from useby.cli.typed_dates import typed_date, typed_time
from useby.domain.expiry import Expiry

OWNER = an_owner(time_zone="Pacific/Kiritimati")  # 14 h ahead
NOW = datetime(2026, 3, 4, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-03-05"),
        ("yesterday", "2026-03-04"),
        ("Gestern", "2026-03-04"),
        ("2026-03-01", "2026-03-01"),
        ("1.3.26", "2026-03-01"),
        ("1 Mar 2026", "2026-03-01"),
    ],
)
def test_a_day_is_read_in_the_owners_zone(text: str, day: str) -> None:
    assert typed_time(text, OWNER, NOW) == Expiry.parse(day)


def test_a_time_with_its_offset_stays_a_time() -> None:
    text = "2026-03-04T10:30:00+01:00"
    assert typed_time(text, OWNER, NOW) == Expiry.parse(text)
    assert typed_date(text, OWNER, NOW, "DATE") == text


def test_no_text_means_now() -> None:
    assert typed_time(None, OWNER, NOW) is None


@pytest.mark.parametrize("text", ["someday", "never", "", "2026-03-04 10:30"])
def test_a_text_that_is_no_time_is_refused_with_a_day_and_a_time(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        typed_time(text, OWNER, NOW)
    assert refused.value.message == (
        "must be a day, e.g. yesterday or 2026-03-05,"
        " or a time with its offset, e.g. 2026-03-05T10:00+14:00"
    )


def test_a_time_is_refused_where_a_day_is_wanted() -> None:
    with pytest.raises(typer.BadParameter) as refused:
        typed_time("2026-03-04T10:30:00Z", OWNER, NOW, "--received", is_day=True)
    assert refused.value.message == "must be a day, e.g. yesterday or 2026-03-05"
    assert refused.value.param_hint == "--received"


def test_a_day_that_can_be_read_in_two_ways_is_refused_with_both() -> None:
    with pytest.raises(typer.BadParameter, match="can be 2026-03-04 or 2026-04-03"):
        typed_time("03/04/2026", OWNER, NOW)
