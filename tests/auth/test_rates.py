"""How often a sign-in may be tried."""

from typing import Any

import pytest

from useby.auth import rates
from useby.auth.rates import Rates, network_of
from useby.settings import Settings


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many counters that no two keys of a test share one by chance."""
    monkeypatch.setattr(rates, "BUCKETS", 1 << 60)


def limited(**settings: Any) -> Rates:
    wanted = {"login_rate": "3/hour", "signup_rate": "1/hour"}
    return Rates(Settings(_env_file=None, **(wanted | settings)))


def test_attempts_are_counted_until_there_have_been_enough() -> None:
    limits = limited()
    assert [limits.hit("login", "192.0.2.1") for _ in range(3)] == [None] * 3
    wait = limits.hit("login", "192.0.2.1")
    assert isinstance(wait, int)
    assert 1 <= wait <= 3600


def test_each_address_each_e_mail_and_each_kind_has_its_own_count() -> None:
    limits = limited()
    assert limits.hit("signup", "192.0.2.1", "ada@useby.example") is None
    assert limits.hit("signup", "192.0.2.1", "bob@useby.example")
    assert limits.hit("signup", "192.0.2.2", "ada@useby.example")
    assert limits.hit("signup", "192.0.2.3", "192.0.2.1") is None
    assert limits.hit("login", "192.0.2.1", "ada@useby.example") is None


def test_an_address_that_had_its_attempts_shuts_no_e_mail_out() -> None:
    limits = limited()
    for _ in range(10):
        limits.hit("signup", "192.0.2.1", "ada@useby.example")
        limits.hit("signup", "192.0.2.1", "bob@useby.example")
    assert limits.hit("signup", "192.0.2.2", "bob@useby.example") is None


def test_no_number_of_made_up_keys_takes_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "BUCKETS", 8)
    limits = limited(login_rate="1000000/hour")
    for number in range(2000):
        assert limits.hit("login", f"192.0.2.{number}", f"{number}@useby.example") is None
    assert len(limits._limiter.storage.storage) <= 2 * 8  # type: ignore[attr-defined]


def test_a_rate_that_can_not_be_read_stops_the_program() -> None:
    with pytest.raises(ValueError, match="often"):
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
