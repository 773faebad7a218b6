"""Limits of sign-in attempts."""

from collections.abc import Sized
from typing import Any

import pytest
from tests.support.settings import SettingsWithoutFile

from useby.auth import rate_limits
from useby.auth.rate_limits import FORGET_SECONDS, LONGEST_WAIT, RateLimiter, network_of

ADA = "ada@useby.example"


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many counters that no two keys of a test share one by chance."""
    monkeypatch.setattr(rate_limits, "BUCKETS", 1 << 60)


@pytest.fixture
def any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network has had too many attempts, so that only those at an e-mail count."""
    monkeypatch.setattr(RateLimiter, "hit", lambda *_: None)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def limited(clock: Clock | None = None, **settings: Any) -> RateLimiter:
    wanted = {"login_rate": "3/hour", "signup_rate": "1/hour"}
    return RateLimiter(SettingsWithoutFile(**(wanted | settings)), clock or Clock())


def test_the_attempts_of_a_network_are_counted_until_there_have_been_enough() -> None:
    limits = limited()
    attempts = [limits.attempt("192.0.2.1", f"{number}@useby.example") for number in range(3)]
    assert attempts == [None] * 3
    wait = limits.attempt("192.0.2.1", ADA)
    assert isinstance(wait, int)
    assert 1 <= wait <= 3600
    assert limits.attempt("192.0.2.2", ADA) is None


def test_each_kind_and_each_key_has_its_own_count() -> None:
    limits = limited()
    assert limits.hit("signup", "192.0.2.1") is None
    assert limits.hit("signup", "192.0.2.1")
    assert limits.hit("signup", "192.0.2.2") is None
    assert limits.attempt("192.0.2.1", ADA) is None
    assert limits.hit("password", "192.0.2.1") is None


@pytest.mark.usefixtures("any_network")
def test_guesses_at_an_e_mail_slow_down_only_the_networks_that_guess() -> None:
    clock = Clock()
    limits = limited(clock, login_rate="10/minute")
    guessers = [f"192.0.2.{number}" for number in range(20)]
    for guesser in guessers:
        assert limits.attempt(guesser, ADA) is None, "a network that did not try before may"
    assert {limits.attempt(guesser, ADA) for guesser in guessers} == {LONGEST_WAIT}
    assert limits.attempt("198.51.100.1", ADA) is None
    assert limits.attempt(guessers[0], "bob@useby.example") is None


@pytest.mark.usefixtures("any_network")
def test_waits_grow_and_a_rejected_attempt_adds_nothing() -> None:
    clock = Clock()
    limits = limited(clock, login_rate="10/minute")
    waits = []
    for _ in range(40):
        wait = limits.attempt("192.0.2.1", ADA)
        if wait is not None:
            assert [limits.attempt("192.0.2.1", ADA) for _ in range(5)] == [wait] * 5
            waits.append(wait)
            clock.seconds += wait
            assert limits.attempt("192.0.2.1", ADA) is None
        if len(waits) >= 8:
            break
    assert waits == sorted(waits)
    assert waits[:4] == [1, 2, 4, 8]
    assert LONGEST_WAIT / 2 < max(waits) <= LONGEST_WAIT


@pytest.mark.usefixtures("any_network")
def test_guesses_are_forgotten_one_a_minute() -> None:
    clock = Clock()
    limits = limited(clock, login_rate="10/minute")
    for number in range(1000):
        limits.attempt(f"192.0.{number // 250}.{number % 250}", ADA)
    clock.seconds += 20 * FORGET_SECONDS
    assert [limits.attempt("192.0.2.1", ADA) for _ in range(5)] == [None] * 5


@pytest.mark.usefixtures("any_network")
def test_an_attempt_that_was_right_does_not_count_as_a_guess() -> None:
    limits = limited(login_rate="10/minute")
    for number in range(50):
        network = f"192.0.2.{number}"
        assert limits.attempt(network, ADA) is None
        limits.signed_in(network, ADA)
        assert limits.attempt(network, ADA) is None
        limits.signed_in(network, ADA)


def test_a_network_is_known_for_the_e_mail_that_signed_in_from_it() -> None:
    limits = limited()
    limits.signed_in("192.0.2.1", ADA)
    assert limits.has_signed_in("192.0.2.1", ADA)
    assert not limits.has_signed_in("192.0.2.1", "bob@useby.example")
    assert not limits.has_signed_in("192.0.2.2", ADA)


def test_no_number_of_made_up_keys_takes_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "BUCKETS", 8)
    monkeypatch.setattr(rate_limits, "PAIRS", 8)
    limits = limited(login_rate="1000000/hour")
    for number in range(2000):
        network, email = f"192.0.2.{number}", f"{number}@useby.example"
        assert limits.attempt(network, email) is None
        limits.signed_in(network, email)
        limits.hit("password", network)
    assert len(limits._limiter.storage.storage) <= 2 * 8  # type: ignore[attr-defined]
    kept: tuple[Sized, ...] = (limits._guessed_at, limits._tried_at, limits._signed_in)
    assert max(map(len, kept)) <= 8


def test_a_rate_that_can_not_be_read_stops_the_program() -> None:
    with pytest.raises(ValueError, match="USEBY_LOGIN_RATE must be a rate"):
        limited(login_rate="often")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_visitor(address: str, network: str) -> None:
    assert network_of(address) == network
