"""One-use tickets for the socket."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from useby.auth import tickets
from useby.auth.claims import Claims
from useby.auth.tickets import Tickets

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
CLAIMS = Claims("ada", "s1", NOW, NOW + timedelta(minutes=15), "7")


@pytest.fixture
def kept() -> Tickets:
    return Tickets(30)


def test_a_ticket_stands_for_its_claims_once(kept: Tickets) -> None:
    ticket = kept.issue(CLAIMS, NOW)
    assert kept.redeem(ticket, NOW) == CLAIMS
    assert kept.redeem(ticket, NOW) is None


def test_a_ticket_is_good_for_its_seconds_and_no_longer(kept: Tickets) -> None:
    good, late = kept.issue(CLAIMS, NOW), kept.issue(CLAIMS, NOW)
    end = NOW + timedelta(seconds=30)
    assert kept.redeem(good, end - MOMENT) == CLAIMS
    assert kept.redeem(late, end) is None


def test_a_ticket_never_outlives_its_token(kept: Tickets) -> None:
    end = NOW + timedelta(seconds=5)
    short = replace(CLAIMS, expires_at=end)
    good, late = kept.issue(short, NOW), kept.issue(short, NOW)
    assert kept.redeem(good, end - MOMENT) == short
    assert kept.redeem(late, end) is None


def test_what_is_no_ticket_stands_for_nothing(kept: Tickets) -> None:
    kept.issue(CLAIMS, NOW)
    for text in ("", "t_", "🥛", "\ud800", "x" * 10_000):
        assert kept.redeem(text, NOW) is None


def test_no_two_tickets_are_the_same_nor_looks_one_like_a_token(kept: Tickets) -> None:
    issued = {kept.issue(CLAIMS, NOW) for _ in range(1000)}
    assert len(issued) == 1000
    assert all(len(ticket) == 45 and "." not in ticket for ticket in issued)


def test_tickets_that_nobody_redeems_are_forgotten(kept: Tickets) -> None:
    for second in range(100):
        kept.issue(CLAIMS, NOW + timedelta(seconds=second))
    assert len(kept._kept) == 30


def test_the_oldest_ticket_goes_when_there_are_too_many(
    kept: Tickets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "MOST", 3)
    issued = [kept.issue(CLAIMS, NOW) for _ in range(4)]
    assert [kept.redeem(ticket, NOW) for ticket in issued] == [None, CLAIMS, CLAIMS, CLAIMS]
