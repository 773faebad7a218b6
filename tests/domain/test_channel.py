"""Durations and retries of channels."""

from datetime import timedelta

import pytest

from useby.domain.channel import after_of, after_text, retry_delay

TEXTS = {
    "PT0S": timedelta(),
    "PT10M": timedelta(minutes=10),
    "PT1H30M": timedelta(minutes=90),
    "P1D": timedelta(days=1),
    "P1DT2H": timedelta(days=1, hours=2),
    "P30D": timedelta(days=30),
}


@pytest.mark.parametrize(("text", "length"), TEXTS.items())
def test_a_duration_is_read_and_written(text: str, length: timedelta) -> None:
    assert after_of(text) == length
    assert after_text(length) == text


@pytest.mark.parametrize("text", ["", "P", "PT", "10M", "P31D", "P30DT1S", "P-1D", "PT1.5H", "P1W"])
def test_another_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601 duration of at most 30 days, e\.g\. PT10M"):
        after_of(text)


def test_the_first_retry_is_after_1_to_3_seconds() -> None:
    assert retry_delay(1, None, 0.0) == timedelta(seconds=1)
    assert retry_delay(1, None, 1.0) == timedelta(seconds=3)


def test_each_retry_is_after_twice_the_time_and_at_most_an_hour() -> None:
    means = [retry_delay(failures, None, 0.5).total_seconds() for failures in range(1, 100)]
    assert means[:4] == [2, 4, 8, 16]
    assert means[-1] == 3600
    assert retry_delay(99, None, 0.0) == timedelta(minutes=30)
    assert max(retry_delay(each, None, 1.0) for each in range(1, 100)) == timedelta(hours=1)


def test_the_time_that_a_target_asks_for_is_waited_for_up_to_a_day() -> None:
    assert retry_delay(1, 600, 0.0) == timedelta(seconds=600)
    assert retry_delay(1, 600, 1.0) == timedelta(seconds=720)
    assert retry_delay(5, 1, 0.5) == timedelta(seconds=32)
    assert retry_delay(1, 1e9, 0.5) == timedelta(hours=24)
