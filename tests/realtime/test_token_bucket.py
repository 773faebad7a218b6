"""The rate limit of one connection."""

from hypothesis import given
from hypothesis import strategies as st

from useby.realtime.token_bucket import TokenBucket


def test_a_full_bucket_allows_a_burst_and_no_more() -> None:
    bucket = TokenBucket(10.0, 3, now=0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]


def test_tokens_come_back_at_the_rate() -> None:
    bucket = TokenBucket(10.0, 1, now=0.0)
    bucket.take(0.0)

    assert not bucket.take(0.05)
    assert bucket.take(0.3)


def test_a_bucket_that_rests_holds_no_more_than_its_burst() -> None:
    bucket = TokenBucket(10.0, 2, now=0.0)

    assert [bucket.take(1e6) for _ in range(3)] == [True, True, False]


def test_refused_frames_count_as_a_debt() -> None:
    bucket = TokenBucket(10.0, 2, now=0.0)
    for _ in range(5):
        bucket.take(0.0)

    assert bucket.tokens == -3


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
    pauses=st.lists(st.integers(0, 4), max_size=200),
)
def test_a_steady_taker_gets_at_most_the_burst_and_the_rate(
    rate: int, burst: int, pauses: list[int]
) -> None:
    bucket, now, taken = TokenBucket(rate, burst, now=0.0), 0.0, 0
    for pause in pauses:
        now += pause / 4
        taken += bucket.take(now)

    assert taken <= burst + rate * now
