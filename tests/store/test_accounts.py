"""Users: kept, changed, shut out and deleted; and whether their tokens are still good."""

import asyncio
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product, an_owner

from useby.actions import inventory
from useby.actions.notifications import mark_all_read
from useby.domain.account import AccountChange, TokenStatus, User
from useby.domain.events import AccessRevoked, AlertScheduled, Event
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import Policy
from useby.store import accounts, alerts, notifications, sessions, slices
from useby.store.accounts import EmailTaken, TokenCheck
from useby.store.database import Database
from useby.store.notifications import UnknownUser

Key = tuple[str, str | None, datetime]


async def standing(database: Database, *keys: Key) -> list[TokenCheck]:
    return await database.read(lambda c: accounts.check_tokens(c, keys))


async def sign_in(database: Database, user: User, *session_ids: str) -> None:
    for session_id in session_ids:
        await database.write(
            partial(
                sessions.open_session,
                user_id=user.id,
                session_id=session_id,
                token_hash=None,
                now=NOON,
                expires_at=NOON + timedelta(days=30),
            )
        )


async def test_a_stored_user_is_read_unchanged(database: Database) -> None:
    user = await a_kept_owner(
        database, policy=Policy((30, 1), time(6, 30)), categories={"dairy": Policy((3,), time(18))}
    )
    assert await database.read(lambda c: accounts.user(c, user.id)) == user
    assert await database.read(lambda c: accounts.user_by_email(c, str(user.email).upper())) == user
    assert await database.read(accounts.all_users) == [user]


@pytest.mark.parametrize("same", ["email", "id"])
async def test_an_email_or_an_id_is_taken_once(database: Database, same: str) -> None:
    user = await a_kept_owner(database)
    other = replace(an_owner(), **{same: getattr(user, same)})
    with pytest.raises(EmailTaken):
        await database.write(lambda t: accounts.add_user(t, user=other, password_hash=None))


async def test_several_users_may_have_no_email(database: Database) -> None:
    for _ in range(2):
        await a_kept_owner(database, email=None)


async def test_outside_subjects_are_made_users_once(database: Database) -> None:
    for _ in range(2):
        await database.write(lambda t: accounts.provision(t, ["auth0|1", "auth0|2"], NOON))
    assert len(await database.read(accounts.all_users)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "Asia/Tokyo"},
        {"lead_days": (3,)},
        {"alert_time": time(7)},
        {"categories": {"dairy": Policy((1,))}},
    ],
)
async def test_a_new_zone_or_policy_reschedules_alerts(
    database: Database, change: dict[str, Any]
) -> None:
    user = await a_kept_owner(database)
    await database.write(lambda t: inventory.add(t, a_product(user), user, NOON))
    published: list[Event] = []
    database.on_commit = published.append
    changed = await database.write(
        lambda t: accounts.change_user(t, user.id, AccountChange(**change), now=NOON)
    )
    assert await database.read(lambda c: accounts.user(c, user.id)) == changed != user
    assert published == [AlertScheduled(NOON)]
    assert await database.write(lambda t: slices.do_slice(t, NOON))
    assert await database.read(alerts.next_due) == NOON


async def test_a_new_name_reschedules_nothing(database: Database) -> None:
    user = await a_kept_owner(database)
    published: list[Event] = []
    database.on_commit = published.append
    changed = await database.write(
        lambda t: accounts.change_user(t, user.id, AccountChange(name="B"), now=NOON)
    )
    assert (changed.name, published) == ("B", [])


async def test_an_unknown_user_cannot_be_changed_disabled_or_deleted(database: Database) -> None:
    works: list[Any] = [
        lambda t: accounts.change_user(t, "nobody", AccountChange(name="x"), now=NOON),
        lambda t: accounts.change_user(t, "nobody", AccountChange(), now=NOON),
        lambda t: accounts.disable_user(t, "nobody", disabled=True, now=NOON),
        lambda t: slices.delete_user(t, "nobody"),
        lambda t: accounts.end_sessions(t, "nobody", NOON),
    ]
    for work in works:
        with pytest.raises(UnknownUser):
            await database.write(work)


async def test_deleting_a_user_leaves_no_row_of_theirs_and_every_row_of_others(
    database: Database,
) -> None:
    ada, eve = await a_kept_owner(database), await a_kept_owner(database)
    for user in (ada, eve):
        await sign_in(database, user, "s")
        await database.write(partial(inventory.add, product=a_product(user), user=user, now=NOON))
        answer = Draft(user.id, "hello", Severity.INFO, Cause.CUSTOM)
        await database.write(partial(notifications.add, drafts=[answer], now=NOON))
    await database.write(lambda t: slices.delete_user(t, ada.id))

    def owners(connection: Any) -> dict[str, list[str]]:
        tables = ("sessions", "products", "notifications")
        return {
            name: list(connection.exec_driver_sql(f"SELECT user_id FROM {name}").scalars())
            for name in tables
        }

    assert set(map(tuple, (await database.read(owners)).values())) == {(eve.id,)}


async def test_a_token_check_has_status_newest_seq_and_unread_count(
    database: Database,
) -> None:
    ada, eve = await a_kept_owner(database), await a_kept_owner(database)
    await sign_in(database, ada, "s1", "s2")
    answer = Draft(ada.id, "hello", Severity.INFO, Cause.CUSTOM)
    await database.write(lambda t: notifications.add(t, [answer, answer], NOON))
    await database.write(lambda t: sessions.end_session(t, ada.id, "s2", NOON))
    await database.write(lambda t: accounts.disable_user(t, eve.id, disabled=True, now=NOON))
    keys: list[Key] = [
        (ada.id, "s1", NOON),
        (ada.id, "s2", NOON),
        (ada.id, None, NOON),
        (eve.id, None, NOON),
        ("nobody", "s1", NOON),
        (eve.id, "s1", NOON),
    ]
    assert [each[:3] for each in await standing(database, *keys)] == [
        (TokenStatus.GOOD, 2, 2),
        (TokenStatus.REVOKED, 2, 2),
        (TokenStatus.GOOD, 2, 2),
        (TokenStatus.DISABLED, 0, 0),
        (TokenStatus.UNKNOWN, 0, 0),
        (TokenStatus.DISABLED, 0, 0),
    ]
    await mark_all_read(database, ada.id, NOON)
    found = await standing(database, keys[0], keys[0])
    assert [each[:3] for each in found] == [(TokenStatus.GOOD, 2, 0)] * 2
    assert await standing(database) == []


async def test_checks_of_thousands_of_tokens_keep_their_order(database: Database) -> None:
    user = await a_kept_owner(database)
    names = [f"s{n}" for n in range(1500)]
    await sign_in(database, user, *names[::2])
    found = await standing(database, *((user.id, name, NOON) for name in names))
    assert [each.standing is TokenStatus.GOOD for each in found] == [
        n % 2 == 0 for n in range(1500)
    ]


async def test_signing_out_everywhere_ends_every_session_and_older_outside_tokens(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    await sign_in(database, user, "s1", "s2")
    published: list[Event] = []
    database.on_commit = published.append
    await database.write(lambda t: accounts.end_sessions(t, user.id, NOON))
    assert published == [AccessRevoked(user.id)]
    ahead, later = NOON + timedelta(seconds=60), NOON + timedelta(seconds=61)
    keys: list[Key] = [(user.id, "s1", NOON)]
    keys += [(user.id, None, issued) for issued in (NOON, ahead, later)]
    found = [each.standing for each in await standing(database, *keys)]
    assert found == [
        TokenStatus.REVOKED,
        TokenStatus.REVOKED,
        TokenStatus.REVOKED,
        TokenStatus.GOOD,
    ], "a token may be dated up to a minute ahead, and ends all the same"


async def test_a_new_password_ends_every_other_session(database: Database) -> None:
    user = await a_kept_owner(database)
    await sign_in(database, user, "s1", "s2", "s3")
    published: list[Event] = []
    database.on_commit = published.append
    await database.write(
        lambda t: accounts.change_password(t, user.id, "hash", now=NOON, keep_session="s2")
    )
    assert {each.session_id for each in published if isinstance(each, AccessRevoked)} == {
        "s1",
        "s3",
    }
    assert await database.read(lambda c: accounts.password_hash(c, user.id)) == "hash"


async def test_a_subject_that_several_see_first_at_once_is_one_user(database: Database) -> None:
    await asyncio.gather(
        *(database.write(lambda t: accounts.provision(t, ["new"], NOON)) for _ in range(8))
    )
    assert await database.read(lambda c: accounts.user(c, "new")) is not None
