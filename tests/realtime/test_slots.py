"""Slots for connections, and the reserve for health checks of a full node."""

import pytest

from useby.auth.key import SettingsError
from useby.realtime.slots import (
    ACCEPTED_TOGETHER,
    ACCEPTED_WHEN_FULL,
    FEWEST_FILES,
    PROBING,
    REQUESTS,
    STANDING,
    Room,
    Seats,
)

HEALTH = "/api/health/live"


class FakeConnection:
    """A connection that records whether it was aborted."""

    def __init__(self) -> None:
        self.aborted = False

    def leave(self) -> None:
        self.aborted = True


def a_full_node() -> Seats:
    """Slots for one WebSocket connection and one request, both of them taken."""
    seats = Seats(Room(1, 1), lambda: 1)
    seats.take(FakeConnection())
    return seats


def test_the_limit_of_open_files_is_divided_once() -> None:
    room = Room.of(1024)

    assert room.requests == REQUESTS
    assert room.connections > 800
    assert Room.of(1024, 100) == Room(100, REQUESTS)


def test_too_few_open_files_are_refused() -> None:
    assert Room.of(FEWEST_FILES).connections > 0
    with pytest.raises(SettingsError, match="ulimit -n"):
        Room.of(FEWEST_FILES - 1)


def test_a_connection_takes_a_slot_until_it_is_freed() -> None:
    seats, connection = Seats(Room(1, 1), lambda: 1), FakeConnection()

    seats.take(connection)
    assert seats.full
    assert seats.may_ask(connection, "/api/products")
    assert not seats.ends_after(connection)

    seats.free(connection)
    assert not seats.full


def test_a_connection_without_a_slot_may_request_only_a_health_check() -> None:
    seats, connection = a_full_node(), FakeConnection()
    seats.take(connection)

    assert not seats.may_ask(connection, "/api/products")
    assert seats.may_ask(connection, HEALTH)
    assert seats.ends_after(connection)


def test_health_checks_answered_at_once_are_limited() -> None:
    seats = a_full_node()
    connections = [FakeConnection() for _ in range(PROBING + 1)]
    for connection in connections:
        seats.take(connection)

    answered = [seats.may_ask(connection, HEALTH) for connection in connections]

    assert answered == [True] * PROBING + [False]


def test_the_oldest_connection_without_a_slot_is_aborted_for_a_newer_one() -> None:
    seats = a_full_node()
    connections = [FakeConnection() for _ in range(STANDING + 1)]
    for connection in connections:
        seats.take(connection)

    assert [each.aborted for each in connections] == [True] + [False] * STANDING


def test_a_full_node_accepts_fewer_connections_in_one_turn() -> None:
    assert a_full_node().accepts == ACCEPTED_WHEN_FULL
    assert Seats(Room(100, 64), lambda: 0).accepts == ACCEPTED_TOGETHER
