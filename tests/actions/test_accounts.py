"""Accounts are created, changed and deleted; sign-ins begin, go on and end."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner
from tests.support.process_node import until

from useby.actions import accounts as actions
from useby.actions.accounts import EmailTaken
from useby.auth.key import SigningKeys
from useby.auth.refresh import hash_of, successor_of
from useby.auth.tokens import Claims
from useby.domain.account import AccountChange, TokenRefused, TokenStatus, User
from useby.domain.client_names import UNNAMED
from useby.domain.events import AccessRevoked, Event
from useby.store import accounts, emptying, sessions, slices
from useby.store.database import Database, Transaction

MONTH = timedelta(days=30)
GRACE = timedelta(seconds=10)
KEYS = SigningKeys(b"only the tests sign with this key")


async def status_of(database: Database, user: User, session_id: str | None) -> TokenStatus:
    key = (user.id, session_id, NOON)
    (check,) = await database.read(lambda c: accounts.check_tokens(c, [key]))
    return check.standing


def claims_of(user_id: str, session_id: str | None) -> Claims:
    return Claims(user_id, session_id, NOON, NOON + MONTH, "t")


async def signed_in(database: Database, user: User, token: str = "t0") -> str:
    return await database.write(
        lambda t: actions.open_session(
            t,
            user.id,
            now=NOON,
            lifetime=MONTH,
            refresh_token=token,
            key_id=KEYS.signing_id,
        )
    )


async def test_a_created_account_has_an_id_and_the_default_policy(database: Database) -> None:
    user = await database.write(
        lambda t: actions.create(t, email="ada@useby.example", password_hash=None, now=NOON)
    )

    assert await database.read(lambda c: accounts.user(c, user.id)) == user
    assert (user.time_zone, user.policy.lead_days) == ("UTC", (7, 2, 0))


async def test_an_email_has_one_account(database: Database) -> None:
    ada = await a_kept_owner(database)

    with pytest.raises(EmailTaken):
        await database.write(
            lambda t: actions.create(t, email=ada.email, password_hash=None, now=NOON)
        )


async def sign_up(database: Database, email: str) -> None:
    new: dict[str, Any] = {"name": "", "time_zone": "UTC", "password_hash": "h", "now": NOON}
    await database.write(lambda t: actions.sign_up(t, email=email, **new))


async def test_sign_ups_with_one_email_at_once_make_one_account_and_return_the_same(
    database: Database,
) -> None:
    await asyncio.gather(*(sign_up(database, "ada@useby.example") for _ in range(5)))
    (user,) = await database.read(accounts.all_users)
    assert user.email == "ada@useby.example"


@on_postgres
async def test_a_sign_up_waits_for_another_one_with_its_email_and_returns_the_same(
    database: Database, database_url: str
) -> None:
    """The other one is seen by nobody until it commits."""
    other, observer = [await asyncpg.connect(database_url) for _ in range(2)]
    try:
        async with other.transaction():
            await other.execute(
                "INSERT INTO users (id, email, name, time_zone, alert_time, lead_days, categories,"
                " created_at) VALUES ('u', 'ada@useby.example', '', 'UTC', '09:00', '[1]', '{}',"
                " now())"
            )
            late = asyncio.create_task(sign_up(database, "ada@useby.example"))
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
            await until(lambda: observer.fetchval(waiting))
        await late
    finally:
        await other.close()
        await observer.close()
    (user,) = await database.read(accounts.all_users)
    assert user.id == "u"


async def test_a_sign_up_with_a_taken_email_changes_nothing_and_returns_the_same(
    database: Database,
) -> None:
    ada = await a_kept_owner(database)
    new: dict[str, Any] = {"name": "", "time_zone": "UTC", "password_hash": "h", "now": NOON}

    def work(transaction: Transaction) -> None:
        actions.sign_up(transaction, email=str(ada.email), **new)
        actions.sign_up(transaction, email="grace@useby.example", **new)

    await database.write(work)

    users = await database.read(accounts.all_users)
    assert {user.email for user in users} == {ada.email, "grace@useby.example"}
    assert ada in users


async def test_an_open_session_lives_as_long_as_its_lifetime(database: Database) -> None:
    ada = await a_kept_owner(database)

    session_id = await signed_in(database, ada)

    assert await status_of(database, ada, session_id) is TokenStatus.GOOD
    await database.write(lambda t: sessions.purge(t, NOON + MONTH - timedelta(seconds=1)))
    assert await status_of(database, ada, session_id) is TokenStatus.GOOD
    await database.write(lambda t: sessions.purge(t, NOON + MONTH))
    assert await status_of(database, ada, session_id) is TokenStatus.REVOKED


@pytest.mark.parametrize("better", [None, "better"])
async def test_a_sign_in_opens_a_session_if_the_password_is_still_the_verified_one(
    database: Database, better: str | None
) -> None:
    ada = await database.write(
        lambda t: actions.create(t, email="ada@useby.example", password_hash="hash", now=NOON)
    )

    def sign_in(transaction: Transaction) -> str | None:
        return actions.sign_in(
            transaction,
            ada.id,
            verified_hash="hash",
            better_hash=better,
            refresh_token="t0",
            key_id=KEYS.signing_id,
            client=UNNAMED,
            now=NOON,
            lifetime=MONTH,
        )

    session_id = await database.write(sign_in)

    assert await status_of(database, ada, session_id) is TokenStatus.GOOD
    stored = await database.read(lambda c: accounts.password_hash(c, ada.id))
    assert stored == (better or "hash")
    await database.write(
        lambda t: actions.change(t, ada.id, AccountChange(), now=NOON, password_hash="other")
    )
    assert await database.write(sign_in) is None


async def test_a_refreshed_session_goes_on_with_the_successor(database: Database) -> None:
    ada = await a_kept_owner(database)
    session_id = await signed_in(database, ada)

    def refresh(transaction: Transaction, token: str, after: int) -> tuple[str, str, str] | None:
        now = NOON + timedelta(seconds=after)
        return actions.refresh_session(
            transaction, token, KEYS, now=now, grace=GRACE, lifetime=MONTH
        )

    first = successor_of(KEYS.signing, "t0")
    second = successor_of(KEYS.signing, first)
    assert await database.write(lambda t: refresh(t, "t0", 1)) == (ada.id, session_id, first)
    assert await database.write(lambda t: refresh(t, "t0", 2)) == (ada.id, session_id, first)
    assert await database.write(lambda t: refresh(t, "unknown", 3)) is None
    assert await database.write(lambda t: refresh(t, first, 4)) == (ada.id, session_id, second)


async def test_a_token_spent_long_ago_ends_its_session(database: Database) -> None:
    ada = await a_kept_owner(database)
    session_id = await signed_in(database, ada)

    def refresh(transaction: Transaction, after: int) -> tuple[str, str, str] | None:
        now = NOON + timedelta(seconds=after)
        return actions.refresh_session(
            transaction, "t0", KEYS, now=now, grace=GRACE, lifetime=MONTH
        )

    await database.write(lambda t: refresh(t, 0))
    assert await database.write(lambda t: refresh(t, 60)) is None
    assert await status_of(database, ada, session_id) is TokenStatus.REVOKED


async def test_signing_out_ends_the_session_of_the_token_and_no_other(database: Database) -> None:
    ada = await a_kept_owner(database)
    one, other = await signed_in(database, ada), await signed_in(database, ada, "u0")

    await database.write(lambda t: actions.sign_out(t, "t0", NOON))
    await database.write(lambda t: actions.sign_out(t, "unknown", NOON))

    assert await status_of(database, ada, one) is TokenStatus.REVOKED
    assert await status_of(database, ada, other) is TokenStatus.GOOD


async def test_a_new_password_ends_the_other_sessions(database: Database) -> None:
    ada = await a_kept_owner(database)
    kept, other = await signed_in(database, ada), await signed_in(database, ada, "u0")
    events: list[Event] = []
    database.on_commit = events.append

    changed = await database.write(
        lambda t: actions.change(
            t, ada.id, AccountChange(name="B"), now=NOON, password_hash="h", keep_session=kept
        )
    )

    assert (changed.name, events) == ("B", [AccessRevoked(ada.id, other)])
    assert await database.read(lambda c: accounts.password_hash(c, ada.id)) == "h"


async def test_a_token_is_authorized_while_its_session_is_open(database: Database) -> None:
    ada = await a_kept_owner(database)
    session_id = await signed_in(database, ada)

    def check(transaction: Transaction) -> None:
        claims = claims_of(ada.id, session_id)
        actions.authorize(transaction, claims, NOON, provisions=True)

    await database.write(check)
    await database.write(lambda t: actions.end_session(t, ada.id, session_id, NOON))
    with pytest.raises(TokenRefused) as refused:
        await database.write(check)
    assert refused.value.standing is TokenStatus.REVOKED


@pytest.mark.parametrize(
    ("session_id", "provisions", "authorized"),
    [(None, True, True), (None, False, False), ("a sign-in", True, False)],
)
async def test_only_an_outside_token_creates_its_user(
    database: Database, session_id: str | None, provisions: bool, authorized: bool
) -> None:
    claims = claims_of("outsider", session_id)

    with contextlib.nullcontext() if authorized else pytest.raises(TokenRefused):
        await database.write(lambda t: actions.authorize(t, claims, NOON, provisions=provisions))

    user = await database.read(lambda c: accounts.user(c, "outsider"))
    assert (user is not None) is authorized


async def test_a_deleted_account_leaves_nothing_unfinished(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emptying, "SLICE", 2)
    monkeypatch.setattr(emptying, "COSTS", {})
    ada = await a_kept_owner(database)
    for number in range(5):
        await signed_in(database, ada, f"t{number}")

    await actions.delete(database, ada.id, NOON)

    assert await database.read(lambda c: accounts.user(c, ada.id)) is None
    assert not await database.read(slices.are_waiting)
    assert await database.write(lambda t: sessions.session_of(t, hash_of("t0"))) is None
