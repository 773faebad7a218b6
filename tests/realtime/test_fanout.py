"""Each message of the bus reaches the connections that it concerns, and no others."""

from datetime import UTC, datetime
from typing import Any, cast

from tests.support.sessions import drained, row, seqs

from useby.bus import Gap
from useby.bus.hints import Hint
from useby.domain.account import TokenStatus
from useby.domain.events import (
    AccessRevoked,
    AlertScheduled,
    HouseholdLeft,
    MarkedRead,
    NotificationsAdded,
)
from useby.domain.notification import Cause, Draft, Severity
from useby.realtime import closes
from useby.realtime.closes import Close
from useby.realtime.fanout import FanOut
from useby.realtime.registry import Registry
from useby.realtime.session import Session


class FakeSocket:
    """Records pushes and closes."""

    def __init__(
        self, user_id: str, *, sign_in: str = "", extended: bool = False, fails: bool = False
    ) -> None:
        self.session = Session(user_id, extended=extended)
        self.sign_in_id = sign_in
        self.fails = fails
        self.failed = False
        self.pushed: list[bytes] = []
        self.closed: list[Close] = []

    def push(self, _: object, data: bytes) -> None:
        if self.fails:
            raise RuntimeError("as if by a bug")
        self.pushed.append(data)

    def fail(self) -> None:
        self.failed = True

    def close(self, why: Close) -> None:
        self.closed.append(why)


class Calls:
    """Records calls of the reconciler and of the updates."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.made.append((name, *arguments))


def a_fan_out(*sockets: FakeSocket) -> tuple[FanOut, Calls]:
    registry, calls = Registry(), Calls()
    for socket in sockets:
        registry.register(cast("Any", socket), socket.session.user_id)
    return FanOut(registry, cast("Any", calls), cast("Any", calls)), calls


def added(user_id: str) -> NotificationsAdded:
    draft = Draft(user_id, "Milk expires today", Severity.WARNING, Cause.EXPIRED)
    notification = draft.kept(
        "0b9b8bd5-94f8-4aa6-a8b1-9d2c1a4f8a01", 1, datetime(2026, 3, 4, tzinfo=UTC)
    )
    return NotificationsAdded(user_id, (notification,))


def test_new_notifications_are_pushed_to_the_users_connections_each_in_its_form() -> None:
    plain, extended = FakeSocket("ada"), FakeSocket("ada", extended=True)
    other = FakeSocket("eve")
    fan_out, _ = a_fan_out(plain, extended, other)

    fan_out.on_event(added("ada"))

    assert b'"seq"' not in plain.pushed[0]
    assert b'"seq":1' in extended.pushed[0]
    assert other.pushed == []


def test_a_push_that_fails_ends_only_its_own_connection() -> None:
    bad, good = FakeSocket("ada", fails=True), FakeSocket("ada")
    fan_out, _ = a_fan_out(bad, good)

    fan_out.on_event(added("ada"))

    assert bad.failed
    assert good.pushed


def test_a_revocation_closes_the_connections_of_one_sign_in_or_of_all() -> None:
    phone, laptop = FakeSocket("ada", sign_in="1"), FakeSocket("ada", sign_in="2")
    fan_out, _ = a_fan_out(phone, laptop)

    fan_out.on_event(AccessRevoked("ada", "1"))
    assert (phone.closed, laptop.closed) == ([closes.ACCESS_REVOKED], [])

    fan_out.on_event(AccessRevoked("ada"))
    assert laptop.closed == [closes.ACCESS_REVOKED]


def test_a_hint_causes_a_comparison_and_a_look_up_of_updates() -> None:
    fan_out, calls = a_fan_out()
    hint = Hint("ada")

    fan_out.on_event(hint)

    assert calls.made == [("users_soon", ["ada"]), ("on_hint", hint)]


def test_a_gap_compares_its_users_or_everybody() -> None:
    fan_out, calls = a_fan_out()

    fan_out.on_event(Gap(("ada",)))
    fan_out.on_event(Gap(None))

    assert calls.made == [("users_soon", ("ada",)), ("everything_soon",)]


def test_reads_are_passed_to_the_updates() -> None:
    fan_out, calls = a_fan_out()
    event = MarkedRead("ada", ("1",))

    fan_out.on_event(event)

    assert calls.made == [("on_marked_read", event)]


def test_somebody_who_left_a_household_is_sent_nothing_more_of_it_by_updates_and_sessions() -> None:
    socket, other = FakeSocket("ada"), FakeSocket("eve")
    fan_out, calls = a_fan_out(socket, other)
    event = HouseholdLeft("ada", "home")

    fan_out.on_event(event)

    assert calls.made == [("on_household_left", event)]
    of_household = row(1)._replace(event=Cause.EXPIRING, household_id="home")
    for each, sent in ((socket, []), (other, [1])):
        each.session.opened(TokenStatus.GOOD, 1, unread=True, since=None)
        fan_out.on_event(event)
        each.session.page([of_household], 1)
        assert seqs(drained(each.session)) == sent


def test_an_event_without_an_entry_is_ignored() -> None:
    fan_out, calls = a_fan_out(FakeSocket("ada"))

    fan_out.on_event(AlertScheduled(datetime(2026, 3, 4, tzinfo=UTC)))

    assert calls.made == []
