"""A database of the release before lots is migrated; nothing is lost and nothing is sent twice.

covers: useby.store.lots
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_hourly
from tests.support.earlier_release import ROWS, copied, rows_of, upgraded_database
from tests.support.factories import NOON

from useby.actions import stock
from useby.actions.alerts import send_due
from useby.domain.lot import Lot, open_lots
from useby.domain.movement import MovementKind
from useby.domain.product import Disposal, Product
from useby.store import accounts, lots, products, usage
from useby.store.database import Connection, Database, Transaction
from useby.store.open import open_database
from useby.store.product_rows import PRODUCT_COLUMNS
from useby.store.schema import notifications, users
from useby.store.schema import products as table

SINCE = NOON + timedelta(hours=4)
"""Time of the upgrade; everything that was due until NOON was sent."""
KEPT_COLUMNS = [
    table.c[name]
    for name in ROWS["tables"]["products"]["columns"]
    if table.c[name] in PRODUCT_COLUMNS
]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def upgraded_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database of the release before lots, migrated once for all tests."""
    with upgraded_database(request, request.param, tmp_path_factory.mktemp("lots")) as url:
        yield url


@pytest.fixture
def url(request: pytest.FixtureRequest, upgraded_url: str, tmp_path: Path) -> Iterator[str]:
    with copied(request, upgraded_url, tmp_path) as url:
        yield url


@pytest.fixture
async def upgraded(url: str) -> AsyncIterator[Database]:
    database = open_database(url, checkpoints=True)
    yield database
    await database.close()


async def stored_rows(database: Database) -> list[dict[str, object]]:
    rows = sa.select(*KEPT_COLUMNS).order_by(table.c.user_id, table.c.id)
    found = await database.read(lambda c: c.execute(rows).mappings().all())
    return [dict(row) for row in found]


async def hold_all(database: Database) -> dict[str, tuple[Product, tuple[Lot, ...]]]:
    """Bring every product in line; return each with its lots, by name."""

    def work(transaction: Transaction) -> dict[str, tuple[Product, tuple[Lot, ...]]]:
        found = {}
        for user_id in ("ada", "bob"):
            owner = accounts.lock_user(transaction, user_id)
            assert owner is not None
            ids = transaction.connection.scalars(
                sa.select(table.c.id).where(table.c.user_id == user_id)
            ).all()
            for held in stock.load(transaction, owner, ids).values():
                found[held.product.name] = (held.product, held.lots)
        return found

    return await database.write(work)


async def sent(database: Database) -> list[tuple[str, str, datetime]]:
    wanted = sa.select(
        notifications.c.user_id, notifications.c.message, notifications.c.created_at
    ).order_by(notifications.c.created_at, notifications.c.user_id, notifications.c.seq)
    rows = await database.read(lambda c: c.execute(wanted).all())
    return [(row.user_id, row.message, row.created_at) for row in rows]


async def test_the_migration_leaves_every_product_as_it_was(upgraded: Database) -> None:
    names = [column.name for column in KEPT_COLUMNS]
    before = [{name: row[name] for name in names} for row in rows_of(table)]
    assert await stored_rows(upgraded) == before


async def test_every_product_gets_the_lot_that_it_was(upgraded: Database) -> None:
    before = await stored_rows(upgraded)
    held = await hold_all(upgraded)
    assert await stored_rows(upgraded) == before
    assert len(held) == len(before)
    for product, its_lots in held.values():
        (lot,) = its_lots
        assert (lot.quantity, lot.printed, lot.expiry) == (
            product.quantity,
            product.expiry,
            product.expiry,
        )
        assert (lot.closed_as, lot.closed_at) == (product.closed_as, product.closed_at)
        assert (lot.location, lot.date_kind) == (product.location, product.date_kind)
        assert product.lot_count == len(open_lots(its_lots))
    assert held["Eaten"][0].closed_as is Disposal.CONSUMED
    assert held["Thrown away"][0].closed_as is Disposal.DISCARDED
    assert held["Salt"][1][0].expiry is None
    assert held["Partly used"][1][0].quantity == Decimal("3.5")


async def test_the_lots_movements_add_up_to_what_is_left(upgraded: Database) -> None:
    held = await hold_all(upgraded)
    for product, (lot,) in held.values():
        key = (product.user_id, product.id)
        movements = await upgraded.read(partial(lots.history, key=key))
        left = sum(each.change for each in movements)
        assert left == (0 if lot.closed_as else lot.quantity)
        assert movements[0].kind is MovementKind.RECEIVED
        assert movements[0].at == product.created_at


async def test_bringing_lots_in_line_counts_in_the_usage_of_the_account(
    upgraded: Database,
) -> None:
    def of_ada(connection: Connection) -> int:
        return usage.of(connection, "ada").bytes

    before = await upgraded.read(of_ada)
    await hold_all(upgraded)
    places = len("Fridge")
    closed = 2
    after = before + 10 * (500 + 400) + closed * 400 + 2 * places
    assert await upgraded.read(of_ada) == after


async def test_the_upgrade_sends_nothing_a_second_time(upgraded: Database) -> None:
    before = await sent(upgraded)
    assert (await upgraded.write(lambda t: send_due(t, SINCE))).sent == 0
    assert await sent(upgraded) == before


async def test_every_later_alert_is_sent_once(upgraded: Database) -> None:
    await send_hourly(upgraded, SINCE, SINCE + timedelta(days=130))
    texts = [(user, text) for user, text, _ in await sent(upgraded)]
    assert [pair for pair, count in Counter(texts).items() if count > 1] == []
    milk = [text for user, text in texts if text.startswith("Milk")]
    assert milk == [
        "Milk expires in 7 days",
        "Milk expires in 2 days",
        "Milk expires today",
        "Milk expired yesterday",
    ]
    assert [text for _, text in texts if text.startswith("Fish")] == [
        "Fish expires today",
        "Fish expired yesterday",
    ]
    assert [text for _, text in texts if text.startswith("Insulin")] == [
        "Insulin expires today",
        "Insulin expired today",
    ]
    assert [text for _, text in texts if text.startswith("Tofu")] == [
        "Tofu expires in 2 days",
        "Tofu expired yesterday",
    ]
    for silent in ("Salt", "Eaten expire"):
        assert not [text for _, text in texts if text.startswith(silent)]


async def test_an_earlier_nodes_rows_stay_readable_by_it(upgraded: Database) -> None:
    """It reads and writes the same columns of products, and finds nothing to send."""
    await hold_all(upgraded)
    due = sa.select(sa.func.count()).where(table.c.next_alert_at.is_not(None))
    assert await upgraded.read(lambda c: c.scalar(due)) == 0
    found = await upgraded.read(lambda c: products.get(c, "ada", "ada-01"))
    assert found is not None
    count = sa.select(sa.func.count()).select_from(users)
    assert await upgraded.read(lambda c: c.scalar(count)) == 2
