"""One-use tickets: what they stand for is found once, in time, and by nobody else's name."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner
from tests.support.query_plans import plans_of

from useby.domain.account import User
from useby.store import slices, tickets
from useby.store.database import Database, Transaction
from useby.store.open import open_database
from useby.store.tickets import PURGED, TicketGrant

MOMENT = timedelta(microseconds=1)
LIFE = timedelta(seconds=30)


@pytest.fixture
async def ada(database: Database) -> User:
    return await a_kept_owner(database)


def stake_of(user: User, session_id: str | None = "s1") -> TicketGrant:
    return TicketGrant(user.id, session_id, NOON - MOMENT, NOON + timedelta(minutes=15))


async def keep(
    database: Database, stake: TicketGrant, *hashes: str, ends: datetime = NOON + LIFE
) -> None:
    def work(transaction: Transaction) -> None:
        for each in hashes:
            tickets.add(transaction, each, stake, ends)

    await database.write(work)


async def redeem(
    database: Database, *shown: tuple[str, str], now: datetime = NOON
) -> dict[tuple[str, str], TicketGrant]:
    return await database.write(lambda t: tickets.redeem(t, shown, now))


async def kept(database: Database) -> int:
    counted: Any = await database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM tickets").scalar()
    )
    return int(counted)


async def test_the_ticket_of_a_key_has_its_scopes_and_its_household(
    database: Database, ada: User
) -> None:
    scopes, ends = ("listen", "stock:read"), NOON + LIFE
    stake = TicketGrant(ada.id, "k1", NOON, ends, scopes, "a-household")
    await keep(database, stake, "h")
    (found,) = (await redeem(database, (ada.id, "h"))).values()
    assert (tuple(found.scopes), found.household_id) == (scopes, "a-household")


@pytest.mark.parametrize("session_id", ["s1", None])
async def test_a_ticket_is_redeemed_once_for_its_grant(
    database: Database, ada: User, session_id: str | None
) -> None:
    stake = stake_of(ada, session_id)
    await keep(database, stake, "h")
    assert await redeem(database, (ada.id, "h")) == {(ada.id, "h"): stake}
    assert await redeem(database, (ada.id, "h")) == {}
    assert await kept(database) == 0


async def test_several_tickets_are_redeemed_together_and_others_stay(
    database: Database, ada: User
) -> None:
    bob = await a_kept_owner(database)
    await keep(database, stake_of(ada), "a", "b", "left")
    await keep(database, stake_of(bob), "a")
    found = await redeem(database, (ada.id, "a"), (ada.id, "b"), (bob.id, "a"), (ada.id, "none"))
    assert found == {
        (ada.id, "a"): stake_of(ada),
        (ada.id, "b"): stake_of(ada),
        (bob.id, "a"): stake_of(bob),
    }
    assert set(await redeem(database, (ada.id, "left"))) == {(ada.id, "left")}


async def test_a_ticket_is_not_found_by_another_users_name_nor_spent(
    database: Database, ada: User
) -> None:
    bob = await a_kept_owner(database)
    await keep(database, stake_of(ada), "h")
    assert await redeem(database, (bob.id, "h"), ("nobody", "h")) == {}
    assert set(await redeem(database, (ada.id, "h"))) == {(ada.id, "h")}


async def test_a_ticket_is_good_until_its_end_and_no_moment_longer(
    database: Database, ada: User
) -> None:
    await keep(database, stake_of(ada), "good", "late")
    assert await redeem(database, (ada.id, "good"), now=NOON + LIFE - MOMENT)
    assert await redeem(database, (ada.id, "late"), now=NOON + LIFE) == {}
    assert await kept(database) == 0


async def test_a_ticket_redeemed_at_once_on_two_nodes_is_granted_once(
    database: Database, database_url: str, ada: User
) -> None:
    other = open_database(database_url)
    hashes = [f"h{number}" for number in range(20)]
    await keep(database, stake_of(ada), *hashes)
    try:
        found = await asyncio.gather(
            *(
                redeem(each, *((ada.id, name) for name in order))
                for each in (database, other)
                for order in (hashes, hashes[::-1], hashes[:10])
            )
        )
    finally:
        await other.close()
    assert sorted(name for each in found for _, name in each) == sorted(hashes)


async def test_expired_tickets_are_purged_some_at_a_time_and_no_others(
    database: Database, ada: User
) -> None:
    await keep(database, stake_of(ada), *(f"{number}" for number in range(PURGED + 2)))
    await keep(database, stake_of(ada), "good", ends=NOON + LIFE + MOMENT)
    for removed in (PURGED, 2, 0):
        assert await database.write(lambda t: tickets.purge(t, NOON + LIFE)) == removed
    assert await redeem(database, (ada.id, "good"), now=NOON + LIFE)


async def test_tickets_go_with_their_user(database: Database, ada: User) -> None:
    await keep(database, stake_of(ada), "h")
    await database.write(lambda t: slices.delete_user(t, ada.id))
    assert await kept(database) == 0


@on_sqlite
async def test_tickets_are_found_and_purged_by_index(database: Database, ada: User) -> None:
    def work(transaction: Transaction) -> None:
        tickets.redeem(transaction, [(ada.id, "h"), (ada.id, "i")], NOON)
        tickets.purge(transaction, NOON)

    plans = await plans_of(database, work)
    assert len(plans) == 2
    for each in plans:
        assert not each.scans, each
        assert not any(line.startswith("SCAN tickets") for line in each.lines), each
