"""The migration that counts the rows which existed before, on both databases.

covers: useby.store.usage
"""

import asyncio
import random
from pathlib import Path

import asyncpg
import sqlalchemy as sa
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner
from tests.support.postgres import Postgres
from tests.support.usage_of_accounts import (
    Household,
    assert_right,
)

from useby.domain.account import User
from useby.domain.quota import Usage
from useby.store import migrate, usage
from useby.store.database import Database, Transaction
from useby.store.schema import users
from useby.store.sqlite import sqlite_engine
from useby.store.url import database_file


async def fill(database: Database) -> list[User]:
    """Make two accounts that keep something of everything."""
    owners = [await a_kept_owner(database) for _ in range(2)]
    for owner in owners:
        house = Household(owner, random.Random(3))
        for deed in ("post", "mark", "post", "post_with_a_key", "add_products", "have_alerts"):
            await database.write(getattr(house, f"_{deed}"))
    return owners


NEW_TABLES = (
    *("unfinished", "signing_keys", "closings", "catalogue", "movements", "lots"),
    *("calendars", "barcodes", "notification_items", "alert_holds", "snoozes"),
    *("api_keys", "service_answers"),
    *("outbox", "shown_pushes", "channels", "push_keys"),
    *("households", "members", "household_invitations"),
    *("member_alerts", "member_policies", "shared_reads"),
)
NEW_IN_USERS = (*("currency", "flood_cap", "policies", "language", "deferral", "shares", "vacant"),)
NEW_IN_PRODUCTS = (
    *("gtin", "version", "alert_at", "lot_count", "minimum_stock"),
    *("shelf_life", "after_opening", "after_freezing", "after_thawing"),
    *("more_barcodes", "policy"),
)
"""Tables and columns of later migrations than 0008."""


async def before_it_counted(database: Database) -> None:
    """Take the database back to where migration 0008 begins; later ones make their tables again."""

    def rewind(transaction: Transaction) -> None:
        on_server = transaction.connection.dialect.name == "postgresql"
        triggers = ["products_gtin", "products_version", "items_of_deleted_notifications"]
        triggers += ["outbox_of_notifications"]
        if on_server:
            triggers += ["usage_barcodes_insert", "usage_barcodes_delete"]
            triggers += [
                f"usage_{table}_{event}"
                for table in ("lots", "movements")
                for event in ("insert", "update", "delete")
            ]
            triggers += [
                f"usage_{table}_{event}"
                for table in ("notification_items", "outbox")
                for event in ("insert", "delete")
            ]
        for step in (
            *(
                f"DROP FUNCTION {each}() CASCADE" if on_server else f"DROP TRIGGER {each}"
                for each in triggers
            ),
            *(f"DROP TABLE {table}" for table in NEW_TABLES),
            *(f"DROP INDEX ix_products_{each}" for each in ("user_id_gtin", "due", "flat", "own")),
            *(
                f"ALTER TABLE sessions DROP COLUMN {each}"
                for each in ("key_id", "used_at", "program", "system")
            ),
            *(f"ALTER TABLE tickets DROP COLUMN {each}" for each in ("scopes", "household_id")),
            *(f"ALTER TABLE users DROP COLUMN {each}" for each in NEW_IN_USERS),
            "ALTER TABLE alerts_said DROP COLUMN unsent",
            *(f"ALTER TABLE products DROP COLUMN {each}" for each in NEW_IN_PRODUCTS),
            *(
                f"ALTER TABLE notifications DROP COLUMN {each}"
                for each in ("lot_ids", "read_by_closing", "household_id")
            ),
        ):
            transaction.connection.exec_driver_sql(step)
        transaction.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0007'")

    await database.write(rewind)


async def test_the_migration_counts_what_was_there_before_and_may_be_repeated(
    database: Database, database_url: str
) -> None:
    owners = await fill(database)
    await database.write(
        lambda t: t.connection.exec_driver_sql("UPDATE usage SET products=7, unread=7, bytes=7")
    )
    await before_it_counted(database)
    await migrate.ensure_current(database_url)
    assert await asyncio.to_thread(migrate.revision, database_url) == migrate.HEAD
    await assert_right(database, *owners)


@on_postgres
async def test_writes_of_old_nodes_during_the_migration_are_counted_once(
    database: Database, database_url: str, postgres: Postgres
) -> None:
    """A transaction that began to write before a user is counted commits afterwards."""
    owners = await fill(database)
    await before_it_counted(database)
    held = asyncio.Event()
    go_on = asyncio.Event()
    name = database_url.rpartition("/")[2]

    async def old_node() -> None:
        line = await asyncpg.connect(database_url)
        try:
            async with line.transaction():
                await line.execute(
                    "DELETE FROM notifications WHERE (user_id, seq) IN"
                    " (SELECT user_id, min(seq) FROM notifications WHERE read_at IS NULL"
                    " GROUP BY user_id)"
                )
                held.set()
                await go_on.wait()
                await line.execute("UPDATE notifications SET read_at = now() WHERE seq % 2 = 0")
        finally:
            await line.close()

    async def waits() -> bool:
        rows = await postgres.fetch(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1", name
        )
        return bool(rows)

    writing = asyncio.create_task(old_node())
    async with asyncio.timeout(60):
        await held.wait()
        migrating = asyncio.create_task(migrate.ensure_current(database_url))
        while not await waits():
            await asyncio.sleep(0.02)
        go_on.set()
        await asyncio.gather(writing, migrating)
    await assert_right(database, *owners)


async def test_users_of_the_time_before_have_a_row_too(tmp_path: Path) -> None:
    """The file is at the revision before; its user was there already."""
    from alembic import command
    from alembic.config import Config

    url = f"sqlite:///{tmp_path / 'old.db'}"
    file = database_file(url)
    assert file is not None
    engine = sqlite_engine(file, writes=True)
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(
            sa.insert(users).values(
                id="u",
                name="Ada",
                time_zone="UTC",
                alert_time="09:00",
                lead_days=[1],
                categories={},
                created_at=NOON,
            )
        )
        connection.exec_driver_sql(
            "INSERT INTO notifications (user_id, seq, id, message, kind, event, product_name,"
            " created_at) VALUES ('u', 1, 'n', 'hello', 'info', 'custom', '', '')"
        )
    engine.dispose()
    await migrate.ensure_current(url)
    engine = sqlite_engine(file, writes=False)
    with engine.connect() as connection:
        assert usage.of(connection, "u") == Usage(0, 1, 605)
    engine.dispose()
