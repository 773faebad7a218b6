"""Slots for connections, and the reserve for health checks of a full node."""

import pytest

from useby.auth.key import SettingsError
from useby.realtime.slots import (
    ACCEPT_BATCH,
    ACCEPT_BATCH_WHEN_FULL,
    MAX_PROBES,
    MAX_WAITING,
    MIN_FILES,
    REQUEST_SLOTS,
    ConnectionSlots,
    SlotLimits,
)

HEALTH = "/api/health/live"


class FakeConnection:
    """A connection that records whether it was aborted."""

    def __init__(self) -> None:
        self.aborted = False

    def abort_for_newer(self) -> None:
        self.aborted = True


def a_full_node() -> ConnectionSlots:
    """Slots for one WebSocket connection and one request, both of them taken."""
    slots = ConnectionSlots(SlotLimits(1, 1), lambda: 1)
    slots.take(FakeConnection())
    return slots


def test_the_limit_of_open_files_is_divided_once() -> None:
    limits = SlotLimits.of(1024)

    assert limits.requests == REQUEST_SLOTS
    assert limits.connections > 800
    assert SlotLimits.of(1024, 100) == SlotLimits(100, REQUEST_SLOTS)


def test_too_few_open_files_are_refused() -> None:
    assert SlotLimits.of(MIN_FILES).connections > 0
    with pytest.raises(SettingsError, match="ulimit -n"):
        SlotLimits.of(MIN_FILES - 1)


def test_a_connection_takes_a_slot_until_it_is_freed() -> None:
    slots, connection = ConnectionSlots(SlotLimits(1, 1), lambda: 1), FakeConnection()

    slots.take(connection)
    assert slots.full
    assert slots.may_request(connection, "/api/products")
    assert not slots.closes_after_answer(connection)

    slots.free(connection)
    assert not slots.full


def test_a_connection_without_a_slot_may_request_only_a_health_check() -> None:
    slots, connection = a_full_node(), FakeConnection()
    slots.take(connection)

    assert not slots.may_request(connection, "/api/products")
    assert slots.may_request(connection, HEALTH)
    assert slots.closes_after_answer(connection)


def test_health_checks_answered_at_once_are_limited() -> None:
    slots = a_full_node()
    connections = [FakeConnection() for _ in range(MAX_PROBES + 1)]
    for connection in connections:
        slots.take(connection)

    answered = [slots.may_request(connection, HEALTH) for connection in connections]

    assert answered == [True] * MAX_PROBES + [False]


def test_the_oldest_connection_without_a_slot_is_aborted_for_a_newer_one() -> None:
    slots = a_full_node()
    connections = [FakeConnection() for _ in range(MAX_WAITING + 1)]
    for connection in connections:
        slots.take(connection)

    assert [each.aborted for each in connections] == [True] + [False] * MAX_WAITING


def test_a_full_node_accepts_fewer_connections_in_one_turn() -> None:
    assert a_full_node().accepts == ACCEPT_BATCH_WHEN_FULL
    assert ConnectionSlots(SlotLimits(100, 64), lambda: 0).accepts == ACCEPT_BATCH
