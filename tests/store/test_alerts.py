"""The alert clock's statements: claim, settle, set aside."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.query_plans import plans_of

from useby.actions import inventory
from useby.actions.alerts import send_due
from useby.domain.account import User
from useby.domain.alerts import AlertDates, schedule
from useby.domain.expiry import Expiry
from useby.domain.lot_alerts import LotAlerts
from useby.domain.policy import Policy
from useby.domain.policy_scopes import policy_for
from useby.domain.product import AlertedProduct, Disposal, Product
from useby.store import accounts, alerts
from useby.store.alerts import FAULT_LENGTH, AlertRecord, ProductClaim
from useby.store.database import Connection, Database, Transaction
from useby.store.products import get, sent_alerts_about
from useby.store.schema import products as table

SOON = NOON + timedelta(days=1)
KEYS = ("(user_id=? AND", "(household_id=? AND", "(id=?)")
OWNER_OF = "SELECT user_id FROM products WHERE id = :id"


async def keep(database: Database, owner: User, *wanted: Product) -> None:
    await database.write(lambda t: inventory.add_many(t, wanted, owner, NOON))


Claimed = list[tuple[AlertedProduct, User, list[tuple[str, int, datetime]]]]


def alerted(product: Product) -> AlertedProduct:
    return AlertedProduct(*(getattr(product, name) for name in AlertedProduct._fields))


def shown(connection: Connection, claims: list[ProductClaim]) -> Claimed:
    """Return each claimed product with its owner and the alerts that were sent for its date."""
    dates = [(*each.key, [each.product.expiry]) for each in claims if each.product.expiry]
    sent = sent_alerts_about(connection, dates)
    return [(each.product, each.owner, sorted(sent.get(each.key, ()))) for each in claims]


async def claimed(database: Database, now: datetime = NOON, most: int = 500) -> Claimed:
    return await database.write(lambda t: shown(t.connection, alerts.claim_due(t, now, most)[0]))


async def settle(database: Database, *settled: AlertRecord) -> None:
    await database.write(lambda t: alerts.record(t, settled, NOON))


def done(owner: User, product: Product, lead: int | None, next_at: datetime | None) -> AlertRecord:
    assert product.expiry is not None
    found = schedule(product.expiry, policy_for(product, owner), owner.zone)
    dates = AlertDates(found.ends_at, found.expiring_from, next_at)
    sent = () if lead is None else ((product.expiry, lead),)
    return AlertRecord(product, LotAlerts(dates, sent))


async def spoil(database: Database, statement: str, product: Product) -> bool:
    """Write what this program would never write; whether the store takes it."""
    try:
        await database.write(
            lambda t: t.connection.execute(sa.text(statement), {"id": product.id}).rowcount
        )
    except sa.exc.DBAPIError:
        return False
    return True


async def fault_of(database: Database, product: Product) -> str | None:
    wanted = sa.select(table.c.alert_fault).where(table.c.id == product.id)
    return await database.read(lambda c: c.scalar(wanted))


async def test_the_longest_due_come_first_and_no_more_than_asked_for(database: Database) -> None:
    ada = await a_kept_owner(database)
    bob = await a_kept_owner(database, policy=Policy((30,)), time_zone="Asia/Tokyo")
    today, yesterday = a_product(ada, "2026-03-02"), a_product(ada, "2026-02-27")
    bobs, later = a_product(bob, "2026-03-30"), a_product(ada, "2026-03-12")
    await keep(database, ada, today, yesterday, later)
    await keep(database, bob, bobs)
    assert await claimed(database) == [
        (alerted(bobs), bob, []),  # the 28th began in Tokyo
        (alerted(yesterday), ada, []),
        (alerted(today), ada, []),
    ]
    assert [product for product, _, _ in await claimed(database, most=2)] == [
        alerted(bobs),
        alerted(yesterday),
    ]


async def test_products_due_at_one_moment_are_claimed_user_by_user(database: Database) -> None:
    """A batch thus has few users with many alerts: one number, event and write for each user."""
    owners = [await a_kept_owner(database) for _ in range(3)]
    for _ in range(4):
        for owner in owners:
            await keep(database, owner, a_product(owner, "2026-03-04"))
    found = [owner.id for _, owner, _ in await claimed(database)]
    assert found == sorted(found)
    assert len(found) == 12


async def test_an_alert_is_due_at_its_very_moment_and_not_before(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    due = await database.read(alerts.next_due)
    assert due == datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert due is not None
    assert await claimed(database, due - timedelta(microseconds=1)) == []
    assert len(await claimed(database, due)) == 1


async def test_an_owner_is_due_once_one_of_their_products_is(database: Database) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, owner, a_product(owner, "2026-06-08"))
    due = datetime(2026, 6, 1, 7, tzinfo=UTC)
    before = due - timedelta(microseconds=1)
    assert await database.read(lambda c: alerts.is_due(c, owner.id, due))
    assert not await database.read(lambda c: alerts.is_due(c, owner.id, before))
    assert not await database.read(lambda c: alerts.is_due(c, other.id, due))


async def test_an_empty_store_has_no_due_product(database: Database) -> None:
    assert await database.read(alerts.next_due) is None
    assert await claimed(database) == []
    await settle(database)


async def test_the_next_due_is_the_earliest_of_all_users(database: Database) -> None:
    for expires in ("2026-06-10", "2026-06-08", "2026-06-09"):
        owner = await a_kept_owner(database)
        await keep(database, owner, a_product(owner, expires))
    assert await database.read(alerts.next_due) == datetime(2026, 6, 1, 7, tzinfo=UTC)


async def test_a_closed_product_is_never_due(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-02")
    await keep(database, owner, product)
    await database.write(
        lambda t: inventory.use(
            t, owner, product.id, quantity=None, how=Disposal.CONSUMED, now=NOON
        )
    )
    assert await claimed(database) == []
    assert await database.read(alerts.next_due) is None


async def test_a_disabled_user_has_no_due_products_until_enabled(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, "2026-03-02"))
    await database.write(lambda t: accounts.disable_user(t, owner.id, disabled=True, now=NOON))
    assert await claimed(database) == []
    assert await database.read(alerts.next_due) is None
    await database.write(lambda t: accounts.disable_user(t, owner.id, disabled=False, now=SOON))
    assert len(await claimed(database, SOON)) == 1


async def test_sent_alerts_are_stored_by_date_and_returned_for_near_dates(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    for lead in (7, 2):
        await settle(database, done(owner, product, lead, NOON))
    sent = [("2026-03-03", 2, NOON), ("2026-03-03", 7, NOON)]
    assert await claimed(database) == [(alerted(product), owner, sent)]
    moved = dataclasses.replace(product, expiry=Expiry.parse("2026-03-04"))
    await database.write(lambda t: inventory.replace(t, moved, owner, NOON))
    assert await claimed(database) == [(alerted(moved), owner, sent)]
    later = dataclasses.replace(product, expiry=Expiry.parse("2026-03-06"))
    await database.write(lambda t: inventory.replace(t, later, owner, NOON))
    assert await claimed(database, SOON) == [(alerted(later), owner, [])]


async def test_sent_alerts_between_two_dates_that_are_far_from_each_other_are_not_read(
    database: Database,
) -> None:
    """A product that is bought each week, of which one lot keeps for years, has hundreds."""
    ada = await a_kept_owner(database)
    product = a_product(ada, "2026-03-02")
    await keep(database, ada, product)
    keys = ("2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-03T23:59:59Z")
    far = ("2026-03-04", "2026-09-01", "2027-02-28", "2027-03-04T00:00:00Z")
    other = ("2027-03-01", "2027-03-01T00:00:00Z", "2027-03-03T23:59:59Z")
    sent = [(Expiry.parse(each), 0) for each in (*keys, *far, *other)]
    now = AlertDates(NOON, NOON, None)
    await settle(database, AlertRecord(product, LotAlerts(now, tuple(sent))))
    dates = [Expiry.parse(each) for each in ("2027-03-02", "2026-03-02", "2026-03-02")]
    found = await database.read(
        lambda c: sent_alerts_about(c, [(ada.id, product.id, dates), (ada.id, "unknown", dates)])
    )
    assert {key: sorted(day for day, *_ in rows) for key, rows in found.items()} == {
        (ada.id, product.id): sorted([*keys[1:], *other])
    }


async def test_sent_alerts_of_dates_near_each_other_are_read_once(database: Database) -> None:
    ada = await a_kept_owner(database)
    product = a_product(ada, "2026-03-02")
    await keep(database, ada, product)
    days = [f"2026-03-{day:02}" for day in range(1, 12)]
    sent = [(Expiry.parse(each), 0) for each in days]
    await settle(database, AlertRecord(product, LotAlerts(AlertDates(NOON, NOON, None), (*sent,))))
    dates = [Expiry.parse(each) for each in ("2026-03-03", "2026-03-05", "2026-03-09")]
    found = await database.read(lambda c: sent_alerts_about(c, [(ada.id, product.id, dates)]))
    assert sorted(day for day, *_ in found[ada.id, product.id]) == [*days[1:6], *days[7:10]]


async def test_a_settled_product_waits_for_its_next_moment(database: Database) -> None:
    owner = await a_kept_owner(database)
    product, last = a_product(owner, "2026-03-03"), a_product(owner, "2026-02-01")
    await keep(database, owner, product, last)
    await settle(database, done(owner, product, 2, SOON), done(owner, last, -1, None))
    assert await claimed(database) == []
    assert await database.read(alerts.next_due) == SOON


async def test_a_faulty_product_is_set_aside_with_its_reason_until_it_changes(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    await settle(database, AlertRecord(product, None, "x" * 1000))
    assert await claimed(database) == []
    assert await fault_of(database, product) == "x" * FAULT_LENGTH
    await database.write(lambda t: inventory.replace(t, product, owner, NOON))
    assert await fault_of(database, product) is None
    assert len(await claimed(database)) == 1


async def test_the_same_alert_cannot_be_recorded_as_sent_twice(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    await settle(database, done(owner, product, 2, NOON))
    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        await settle(database, done(owner, product, 2, SOON))
    assert await database.read(alerts.next_due) == NOON


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE products SET date_kind = 'whenever' WHERE id = :id",
        "UPDATE products SET policy = '{' WHERE id = :id",
        "UPDATE products SET lead_days = '{' WHERE id = :id",
        f"UPDATE users SET alert_time = 'noon' WHERE id = ({OWNER_OF})",
        f"UPDATE users SET categories = '[]' WHERE id = ({OWNER_OF})",
    ],
)
async def test_an_unreadable_row_affects_no_other(database: Database, statement: str) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    bad, good = a_product(ada, "2026-03-02"), a_product(bob, "2026-03-03")
    await keep(database, ada, bad)
    await keep(database, bob, good)
    if not await spoil(database, statement, bad):
        return  # PostgreSQL checks what a number is, and what JSON
    found, unreadable = await database.write(lambda t: alerts.claim_due(t, NOON, 500))
    assert ([(each.product, each.owner) for each in found], unreadable) == (
        [(alerted(good), bob)],
        1,
    )
    assert await fault_of(database, bad)


async def test_an_unreadable_row_has_only_the_rows_of_its_claim_read_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await a_kept_owner(database)
    bad, *others = (a_product(ada, "2026-03-03") for _ in range(20))
    await keep(database, ada, bad, *others)
    first = "date_kind = 'whenever', alert_at = '2026-01-01T00:00:00.000000Z'"
    assert await spoil(database, f"UPDATE products SET {first} WHERE id = :id", bad)
    read: list[str] = []

    def counted(connection: Connection, user_id: str, product_id: str) -> object:
        read.append(product_id)
        return get(connection, user_id, product_id)

    monkeypatch.setattr("useby.store.alerts.get", counted)
    found, quarantined = await database.write(lambda t: alerts.claim_due(t, NOON, 5))
    assert (len(found), quarantined) == (5, 1)
    assert len(read) == 5
    assert read[0] == bad.id


async def test_an_unreadable_lot_affects_no_other(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    bad, good = a_product(ada, "2026-03-03"), a_product(bob, "2026-03-03")
    await keep(database, ada, bad)
    await keep(database, bob, good)
    assert await spoil(database, "UPDATE lots SET state = 'lost' WHERE product_id = :id", bad)
    result = await database.write(lambda t: send_due(t, NOON))
    assert (result.claimed, result.sent, result.quarantined) == (2, 1, 1)
    assert await fault_of(database, bad) == "KeyError: 'lost'"
    assert await fault_of(database, good) is None


@on_sqlite
async def test_a_claim_reads_only_due_products(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)

    def everything(transaction: Transaction) -> None:
        alerts.next_due(transaction.connection)
        (claim,), _ = alerts.claim_due(transaction, NOON, 500)
        shown(transaction.connection, [claim])
        settled = [done(owner, product, 2, SOON), AlertRecord(product, None, "why")]
        alerts.record(transaction, settled, NOON)

    planned = await plans_of(database, everything)
    assert len(planned) == 7
    for each in planned:
        assert all("ix_products_due" in scan for scan in each.scans), each
    by_time = [each for each in planned if "ix_products_due" in "".join(each.lines)]
    assert len(by_time) == 2
    for each in planned:
        if each not in by_time and each.lines:
            assert any(key in "".join(each.lines) for key in KEYS), each
