"""A copy from SQLite to PostgreSQL: every row, each compared, and continued after a cut."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product

from useby.actions import inventory
from useby.domain.account import AccountChange, User
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import Policy
from useby.store import accounts, copying, notifications, sessions
from useby.store.copying import CopyFailed, copy_all
from useby.store.database import Database, StoreUnavailable, Transaction
from useby.store.open import open_database
from useby.store.schema import metadata, users

ROWS = 23


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH", 5)


async def fill(database: Database, user: User) -> None:
    """Rows of every table, with values of every type."""
    goods = [
        a_product(user, quantity=Decimal("0.40"), lead_days=(1, 0), external_id=f"{user.name} {n}")
        for n in range(ROWS)
    ]
    goods.append(a_product(user, "2026-06-01T10:30:00+02:00"))
    draft = Draft(user.id, "hello", Severity.INFO, Cause.CUSTOM, expires_on=NOON.date())

    def work(transaction: Transaction) -> None:
        notifications.add(transaction, [draft] * ROWS, NOON)
        for each in goods:
            inventory.add(transaction, each, user, NOON)
        sessions.open_session(
            transaction,
            user_id=user.id,
            session_id="s1",
            token_hash=f"hash of {user.id}",
            now=datetime.now(UTC),
            expires_at=NOON + timedelta(days=30),
        )
        change = AccountChange(time_zone="Asia/Tokyo")
        accounts.change_user(transaction, user.id, change, now=NOON)

    await database.write(work)


@pytest.fixture
async def source(sqlite_url: str) -> AsyncIterator[Database]:
    database = open_database(sqlite_url)
    for name in ("Ada", "Žofie", "ada", "冷蔵庫"):
        categories = {"dairy": Policy((3, 0))}
        await fill(database, await a_kept_owner(database, name=name, categories=categories))
    yield database
    await database.close()


@pytest.fixture
async def target(postgres_url: str) -> AsyncIterator[Database]:
    database = open_database(postgres_url)
    yield database
    await database.close()


async def rows_of(database: Database, name: str) -> dict[str, tuple[Any, ...]]:
    """Return the rows of a table by their keys."""
    table = metadata.tables[name]
    keys = [column.name for column in table.primary_key]
    rows = await database.read(lambda c: c.execute(sa.select(table)).mappings().all())
    return {repr([row[key] for key in keys]): tuple(row.values()) for row in rows}


async def test_every_row_is_copied(source: Database, target: Database) -> None:
    progress: dict[str, int] = {}
    total = await copy_all(source, target, progress.__setitem__)

    assert total == sum(progress.values())
    assert progress["notifications"] == 4 * ROWS
    assert progress.keys() >= {"users", "notifications", "sessions", "refresh_tokens", "products"}
    for name in (*progress, "usage"):
        assert await rows_of(source, name) == await rows_of(target, name)


async def test_a_copy_that_was_interrupted_continues(source: Database, target: Database) -> None:
    write, writes = target.write, 0

    async def fail_at_the_tenth(*arguments: object, **options: object) -> object:
        nonlocal writes
        writes += 1
        if writes == 10:
            raise StoreUnavailable("cut")
        return await write(*arguments, **options)  # type: ignore[arg-type]

    target.write = fail_at_the_tenth  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreUnavailable):
        await copy_all(source, target, lambda *_: None)
    assert await copy_all(source, target, lambda *_: None) > 4 * ROWS
    assert await rows_of(source, "notifications") == await rows_of(target, "notifications")


async def test_a_row_that_differs_is_named(source: Database, target: Database) -> None:
    await copy_all(source, target, lambda *_: None)
    (first, *_) = await target.read(lambda c: c.scalars(sa.select(users.c.id)).all())
    change = sa.update(users).where(users.c.id == first).values(name="Eve")
    await target.write(lambda t: t.connection.execute(change).rowcount)
    with pytest.raises(CopyFailed, match=f"the row {first} of users differs"):
        await copy_all(source, target, lambda *_: None)


async def test_a_target_with_data_of_its_own_is_refused(source: Database, target: Database) -> None:
    stranger = await a_kept_owner(target)
    with pytest.raises(CopyFailed, match=stranger.id):
        await copy_all(source, target, lambda *_: None)


async def test_a_copy_leaves_statistics_for_the_planner(source: Database, target: Database) -> None:
    await copy_all(source, target, lambda *_: None)
    rows = await target.read(
        lambda c: c.exec_driver_sql(
            "SELECT reltuples FROM pg_class WHERE relname = 'products'"
        ).scalar_one()
    )
    assert rows == 4 * (ROWS + 1)
