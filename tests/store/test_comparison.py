"""The changes that the sweep finds, against the complete look-up of a handshake."""

import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner
from tests.support.losses import lose

from useby.domain.account import AccountChange, TokenStatus
from useby.domain.notification import Cause, Draft, Severity
from useby.store import accounts, comparison, epoch, notifications, sessions
from useby.store.accounts import TokenCheck
from useby.store.database import Connection, Database, Transaction
from useby.store.notifications import UnknownUser

Change = Callable[[Transaction, str], object]
CHANGES: Mapping[str, Change] = {
    "a post": lambda t, user_id: notifications.add(t, [a_draft(user_id)], NOON),
    "two posts": lambda t, user_id: notifications.add(t, [a_draft(user_id)] * 2, NOON),
    "a loss": lambda t, user_id: lose(t, user_id, 1),
    "a sign-out": lambda t, user_id: sessions.end_session(t, user_id, "s1", NOON),
    "a sign-out everywhere": lambda t, user_id: accounts.end_sessions(t, user_id, NOON),
    "disabled": lambda t, user_id: accounts.disable_user(t, user_id, disabled=True, now=NOON),
    "enabled": lambda t, user_id: accounts.disable_user(t, user_id, disabled=False, now=NOON),
    "a new name": lambda t, user_id: accounts.change_user(
        t, user_id, AccountChange(name="Other"), now=NOON
    ),
    "deleted": accounts.take_back,
}


def a_draft(user_id: str) -> Draft:
    return Draft(user_id, "m", Severity.INFO, Cause.CUSTOM)


def sign_in(transaction: Transaction, user_id: str, session_id: str) -> None:
    sessions.open_session(
        transaction,
        user_id=user_id,
        session_id=session_id,
        token_hash=None,
        now=NOON,
        expires_at=NOON + timedelta(days=30),
    )


def make(transaction: Transaction, change: Change, user_id: str) -> None:
    change(transaction, user_id)


def look_up(
    connection: Connection, keys: Sequence[tuple[str, str | None, datetime]]
) -> tuple[list[TokenCheck], str]:
    return accounts.check_tokens(connection, keys), epoch.current(connection)


async def test_the_changes_found_are_those_of_a_whole_look_up(database: Database) -> None:
    """Random changes to users, against ``check_tokens``, which returns every state."""
    chance = random.Random(23)
    users = [await a_kept_owner(database) for _ in range(8)]
    seen: list[tuple[str, str | None, datetime | None, int]] = []
    for user in users:
        for session_id in ("s1", "s2"):
            await database.write(partial(sign_in, user_id=user.id, session_id=session_id))
        before, after = NOON - timedelta(days=1), NOON + timedelta(days=1)
        signed_in = [(user.id, each, None, 0) for each in ("s1", "s2", "none")]
        seen += signed_in + [(user.id, None, each, 0) for each in (before, after)]
    for _ in range(40):
        user_id = chance.choice(users).id
        name, change = chance.choice(list(CHANGES.items()))
        with contextlib.suppress(UnknownUser, sa.exc.IntegrityError):
            await database.write(partial(make, change=change, user_id=user_id))
        keys = [(user_id, session_id, at or NOON) for user_id, session_id, at, _ in seen]
        checks, present = await database.read(partial(look_up, keys=keys))
        found, now = await database.read(
            partial(comparison.find_changed, seen=seen), one_statement=True
        )
        assert now == present
        differing = {
            number: (check.standing, check.newest)
            for number, (check, (*_, newest)) in enumerate(zip(checks, seen, strict=True))
            if check.standing is not TokenStatus.GOOD or check.newest != newest
        }
        assert {number: tuple(each) for number, each in found.items()} == differing, name
        seen = [  # half of the connections reconcile, as those in a section of the sweep do
            (*each[:3], check.newest) if chance.random() < 0.5 else each
            for each, check in zip(seen, checks, strict=True)
        ]


async def test_no_connections_have_no_changes(database: Database) -> None:
    changed, _ = await database.read(lambda c: comparison.find_changed(c, []), one_statement=True)
    assert changed == {}
