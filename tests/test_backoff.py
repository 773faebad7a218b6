"""Delays between retries."""

from hypothesis import given
from hypothesis import strategies as st

from useby.backoff import Backoff


def test_delays_double_up_to_the_limit() -> None:
    backoff = Backoff(0.25, 5.0, chance=lambda: 1.0)

    assert [backoff.next() for _ in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_reset_begins_with_the_first_delay_again() -> None:
    backoff = Backoff(0.25, 5.0, chance=lambda: 1.0)
    backoff.next()
    backoff.next()

    backoff.reset()

    assert backoff.next() == 0.25


def test_jitter_takes_away_half_of_a_delay_at_most() -> None:
    backoff = Backoff(1.0, 8.0, chance=lambda: 0.0)

    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]


@given(first=st.floats(0.001, 10), limit=st.floats(0.001, 1000), failures=st.integers(0, 2000))
def test_no_delay_passes_the_limit_however_many_attempts_failed(
    first: float, limit: float, failures: int
) -> None:
    backoff = Backoff(first, limit)

    delays = [backoff.next() for _ in range(failures)]

    assert all(0 < delay <= limit for delay in delays)
