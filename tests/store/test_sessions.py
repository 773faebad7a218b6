"""Refresh-token families: rotation, grace, theft."""

from datetime import datetime, timedelta

import pytest
from tests.support.factories import NOON, a_kept_owner

from useby.domain.account import TokenStatus, User
from useby.domain.events import AccessRevoked, Event
from useby.store import accounts, sessions, signing_keys
from useby.store.database import Database
from useby.store.sessions import Rotated, Rotation

GRACE = timedelta(seconds=10)
MONTH = timedelta(days=30)


class Family:
    """A sign-in, and what is presented of it."""

    def __init__(self, database: Database, user: User, session_id: str = "s") -> None:
        self.database = database
        self.user = user
        self.session_id = session_id
        self.events: list[Event] = []
        database.on_commit = self.events.append

    async def open(self, token: str = "t0", key: str | None = "k") -> None:
        await self.database.write(
            lambda t: sessions.open_session(
                t,
                user_id=self.user.id,
                session_id=self.session_id,
                token_hash=token,
                key_id=key,
                now=NOON,
                expires_at=NOON + MONTH,
            )
        )

    async def present(
        self, token: str, successor: str, after: float = 0.0, **successors: str
    ) -> Rotated:
        """Present a token under the key "k", or under those that ``successors`` names."""
        now = NOON + timedelta(seconds=after)
        return await self.database.write(
            lambda t: sessions.rotate(
                t,
                token_hash=token,
                successors=successors or {"k": successor},
                now=now,
                grace=GRACE,
                expires_at=now + MONTH,
            )
        )

    async def standing(self, issued_at: datetime = NOON) -> TokenStatus:
        key = (self.user.id, self.session_id, issued_at)
        found = await self.database.read(lambda c: accounts.check_tokens(c, [key]))
        return found[0][0]


@pytest.fixture
async def family(database: Database) -> Family:
    family = Family(database, await a_kept_owner(database))
    await family.open()
    return family


async def test_each_use_spends_a_token_and_keeps_its_successor(family: Family) -> None:
    for number in range(5):
        outcome = await family.present(f"t{number}", f"t{number + 1}", after=60.0 * number)
        assert outcome == Rotated(Rotation.ROTATED, family.user.id, "s", "k")
    assert await family.standing() is TokenStatus.GOOD


async def test_two_tabs_at_once_get_the_same_successor_and_live_on(family: Family) -> None:
    assert (await family.present("t0", "t1")).outcome is Rotation.ROTATED
    assert (await family.present("t0", "t1", after=9.9)).outcome is Rotation.REPEATED
    assert (await family.present("t1", "t2", after=11)).outcome is Rotation.ROTATED


@pytest.mark.parametrize("late", [10.001, 3600.0])
async def test_a_token_spent_longer_ago_is_theft_and_ends_the_family(
    family: Family, late: float
) -> None:
    await family.present("t0", "t1")
    assert (await family.present("t0", "t1", after=late)).outcome is Rotation.REUSED
    assert family.events == [AccessRevoked(family.user.id, "s")]
    assert await family.standing() is TokenStatus.REVOKED
    assert (await family.present("t1", "t2", after=late)).outcome is Rotation.UNKNOWN


async def test_a_token_whose_successor_is_spent_is_theft_even_within_the_grace(
    family: Family,
) -> None:
    await family.present("t0", "t1")
    await family.present("t1", "t2", after=1)
    assert (await family.present("t0", "t1", after=2)).outcome is Rotation.REUSED


async def test_unknown_expired_and_ended_are_the_same(family: Family) -> None:
    assert await family.present("made up", "x") == Rotated(Rotation.UNKNOWN)
    assert await family.present("t0", "t1", after=MONTH.total_seconds()) == Rotated(
        Rotation.UNKNOWN
    )
    await family.database.write(lambda t: sessions.end_session(t, family.user.id, "s", NOON))
    assert await family.present("t0", "t1") == Rotated(Rotation.UNKNOWN)


async def test_a_token_is_unknown_under_a_new_key_and_its_sign_in_stays(family: Family) -> None:
    assert await family.present("t0", "", new="n1") == Rotated(Rotation.UNKNOWN)
    assert family.events == []
    assert (await family.present("t0", "t1")).outcome is Rotation.ROTATED


async def test_a_token_under_the_previous_key_moves_its_sign_in_to_the_new_one(
    family: Family,
) -> None:
    moved = await family.present("t0", "", new="n1", k="t1")
    assert moved == Rotated(Rotation.ROTATED, family.user.id, "s", "new")
    assert await family.present("n1", "t2") == Rotated(Rotation.UNKNOWN)
    assert (await family.present("n1", "", new="n2")).outcome is Rotation.ROTATED


async def test_a_repeat_gets_the_successor_that_a_node_with_the_other_key_has_stored(
    family: Family,
) -> None:
    await family.present("t0", "t1")
    repeated = await family.present("t0", "", after=1, new="n1", k="t1")
    assert repeated == Rotated(Rotation.REPEATED, family.user.id, "s", "k")
    await family.present("t1", "", after=2, new="n2", k="t2")
    repeated = await family.present("t1", "", after=3, k="t2", new="n2")
    assert repeated == Rotated(Rotation.REPEATED, family.user.id, "s", "new")


async def test_a_repeat_whose_successor_is_of_an_unknown_key_gets_none(family: Family) -> None:
    await family.present("t0", "", new="n1", k="t1")
    await family.database.write(
        lambda t: t.connection.exec_driver_sql("UPDATE sessions SET key_id = 'k'")
    )
    assert await family.present("t0", "t1", after=1) == Rotated(Rotation.UNKNOWN)


async def test_a_sign_in_of_an_earlier_version_is_bound_to_the_first_key_of_a_node(
    database: Database,
) -> None:
    family = Family(database, await a_kept_owner(database))
    await family.open(key=None)
    assert await family.present("t0", "t1") == Rotated(Rotation.UNKNOWN)
    await signing_keys.record(database, "k")
    await signing_keys.record(database, "new")
    assert await family.present("t0", "", new="n1") == Rotated(Rotation.UNKNOWN)
    assert (await family.present("t0", "", new="n1", k="t1")).outcome is Rotation.ROTATED
    assert (await family.present("n1", "", new="n2")).outcome is Rotation.ROTATED


@pytest.mark.parametrize(("key", "is_known"), [("k", True), ("new", False)])
async def test_a_device_is_known_by_a_token_of_an_accepted_key_only(
    family: Family, key: str, is_known: bool
) -> None:
    email = family.user.email or ""
    found = await family.database.read(lambda c: sessions.good_session(c, email, "t0", [key], NOON))
    assert found == ("s" if is_known else None)


async def test_ending_a_session_twice_publishes_one_event(family: Family) -> None:
    for _ in range(2):
        await family.database.write(lambda t: sessions.end_session(t, family.user.id, "s", NOON))
    assert family.events == [AccessRevoked(family.user.id, "s")]


async def test_another_users_session_of_the_same_id_is_left_alone(family: Family) -> None:
    other = Family(family.database, await a_kept_owner(family.database))
    await other.open("other")
    await family.database.write(lambda t: sessions.end_session(t, family.user.id, "s", NOON))
    assert await other.standing() is TokenStatus.GOOD


async def test_an_expired_session_is_purged_with_its_tokens(family: Family) -> None:
    assert await family.database.write(lambda t: sessions.purge(t, NOON)) == 0
    assert await family.database.write(lambda t: sessions.purge(t, NOON + MONTH)) == 1
    left = await family.database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM refresh_tokens").scalar()
    )
    assert left == 0


async def tokens_in(database: Database) -> int:
    count = await database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM refresh_tokens").scalar()
    )
    return count or 0


async def test_a_sign_in_that_is_refreshed_without_end_ends_and_its_tokens_make_room(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spent tokens are kept to detect theft, so a loop would fill the disk."""
    monkeypatch.setattr(sessions, "MOST_TOKENS", 5)
    token = "t0"
    for number in range(5):  # hashes at which nothing is counted
        successor = f"f{number}"
        assert (await family.present(token, successor)).outcome is Rotation.ROTATED
        token = successor
    family.events.clear()
    assert await family.present(token, "00") == Rotated(Rotation.UNKNOWN)
    assert family.events == [AccessRevoked(family.user.id, "s")]
    assert await family.standing() is TokenStatus.REVOKED
    assert (await family.present("00", "f9")).outcome is Rotation.UNKNOWN

    other = Family(family.database, family.user, "other")
    await other.open("other")
    assert (await other.present("other", "00f")).outcome is Rotation.ROTATED
    assert await tokens_in(family.database) == 2, "those of the sign-in that goes on"


async def test_a_sign_in_of_many_tokens_goes_on_while_old_ones_expire(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that has refreshed for years; another user's tokens do not count."""
    stranger = Family(family.database, await a_kept_owner(family.database, name="Eve"), "e")
    await stranger.open("e0")
    monkeypatch.setattr(sessions, "MOST_TOKENS", 2)
    week = timedelta(days=7).total_seconds()
    token = "t0"
    for number in range(1, 9):
        successor = f"00{number}"
        rotated = await family.present(token, successor, number * week * 2.5)
        assert rotated.outcome is Rotation.ROTATED
        token = successor
    assert await tokens_in(family.database) == 2 + 1
