"""The text of one-use tickets for the socket. What they stand for is ``store.tickets``' matter."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from useby.auth.claims import Claims
from useby.auth.tickets import Tickets, is_ticket
from useby.auth.tokens import Issuer

KEY = b"only the tests sign with this key"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWNERS = ("01a20b6e-fb6e-74c6-933a-68b096b6e89b", "ada@example.org", "Æ" * 128)


@pytest.fixture
def tickets() -> Tickets:
    return Tickets(KEY, 30)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_ticket_is_its_owners_for_every_node_that_has_the_key(
    tickets: Tickets, owner: str
) -> None:
    assert Tickets(KEY, 1).owner_of(tickets.new(owner)) == owner
    assert Tickets(KEY[::-1], 30).owner_of(tickets.new(owner)) is None


def test_a_ticket_of_the_previous_key_is_read_and_none_is_made_with_it(tickets: Tickets) -> None:
    changed = Tickets(KEY[::-1], 30, previous=KEY)
    assert changed.owner_of(tickets.new("ada")) == "ada"
    assert changed.owner_of(changed.new("ada")) == "ada"
    assert tickets.owner_of(changed.new("ada")) is None


def test_no_two_tickets_are_the_same_nor_looks_one_like_a_token(tickets: Tickets) -> None:
    issued = {tickets.new("ada") for _ in range(1000)}
    assert len(issued) == 1000
    assert all(is_ticket(each) and "=" not in each for each in issued)
    assert not is_ticket(Issuer(KEY, 60).access("ada", "s1", NOW))


@pytest.mark.parametrize("owner", OWNERS)
def test_a_ticket_does_not_contain_its_owner(tickets: Tickets, owner: str) -> None:
    text = tickets.new(owner).removeprefix("t_")
    assert owner not in text
    assert owner.encode() not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_an_altered_ticket_is_invalid(tickets: Tickets) -> None:
    ticket = tickets.new("ada")
    for place in range(len(ticket) - 1):  # the last has bits without a meaning
        other = "A" if ticket[place] != "A" else "B"
        assert tickets.owner_of(ticket[:place] + other + ticket[place + 1 :]) is None
        assert tickets.owner_of(ticket[:place]) is None


@pytest.mark.parametrize(
    "text",
    ["", "t_", "t_A", "t_" + "A" * 16, "🥛", "t_🥛", "t_\ud800", "t_\0", "t_" + "x" * 10_000],
)
def test_a_text_that_is_no_ticket_has_no_owner(tickets: Tickets, text: str) -> None:
    assert tickets.owner_of(text) is None


def test_a_ticket_is_good_for_its_seconds_and_never_outlives_its_token(tickets: Tickets) -> None:
    for seconds, good_for in ((900, 30), (5, 5)):
        claims = Claims("ada", "s1", NOW, NOW + timedelta(seconds=seconds), "7")
        assert tickets.ends(claims, NOW) == NOW + timedelta(seconds=good_for)
