"""Copy a SQLite database to PostgreSQL, row by row, and compare each row afterwards.

Rows are copied in the order of their keys, in batches. A row that the target has already is only
compared, so a copy that was interrupted continues when it is repeated.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.database import Database, Transaction
from useby.store.schema import channels, epoch, metadata, outbox, shown_pushes, usage, users

BATCH: Final = 500
"""Maximum rows of a transaction."""
_LAST: Final = (channels, outbox, shown_pushes)
TABLES: Final = (
    *(each for each in metadata.sorted_tables if each not in (usage, epoch, *_LAST)),
    *_LAST,
)
"""The copied tables, each after those that it refers to. Triggers of the target write ``usage``,
and each database has an epoch of its own. Channels come after notifications, because a trigger
would add notifications to the outbox of channels that exist."""

Row = tuple[Any, ...]


class CopyFailed(Exception):  # noqa: N818 - operators see this name
    """The target has other rows than the source; the message names one."""


async def copy_all(source: Database, target: Database, progress: Callable[[str, int], None]) -> int:
    """Copy all rows to a target with the same schema, verify them, and return their number.

    No node may run on either database.

    Args:
        source: The SQLite database.
        target: The PostgreSQL database.
        progress: Called with a table's name and its number of rows.

    Raises:
        CopyFailed: The target has data of its own, or a row that differs from the source's.
        StoreUnavailable: One of the databases cannot be used.
    """
    strangers = set(await target.read(_user_ids)) - set(await source.read(_user_ids))
    if strangers:
        raise CopyFailed(f"the target has accounts of its own, for example {min(strangers)}")
    total = 0
    for table in TABLES:
        count = await _copy_table(source, target, table)
        if await target.read(partial(_count, table=table)) != count:
            raise CopyFailed(f"the target has rows of its own in {table.name}")
        progress(table.name, count)
        total += count
    if await source.read(_usage) != await target.read(_usage):
        raise CopyFailed("the figures in the table usage differ")
    await target.write(_analyze, large=True)
    return total


def _analyze(transaction: Transaction) -> None:
    """Update the planner's statistics: autovacuum would do so a minute after the first start."""
    transaction.connection.exec_driver_sql("ANALYZE")


async def _copy_table(source: Database, target: Database, table: sa.Table) -> int:
    count, last = 0, None
    while rows := await source.read(partial(_page, table=table, last=last)):
        await target.write(partial(_add_missing, table=table, rows=rows), large=True)
        copied = await target.read(partial(_with_keys_of, table=table, rows=rows))
        for key, row in rows.items():
            if copied.get(key) != row:
                name = ", ".join(map(str, key))
                raise CopyFailed(f"the row {name} of {table.name} differs in the target")
        count, last = count + len(rows), next(reversed(rows))
    return count


def _page(connection: Connection, table: sa.Table, last: Row | None) -> dict[Row, Row]:
    """Return the rows after ``last`` by key, up to a batch."""
    key = tuple(table.primary_key)
    query = sa.select(table).order_by(*key).limit(BATCH)
    if last is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, last)))
    return _by_key(connection, table, query)


def _with_keys_of(connection: Connection, table: sa.Table, rows: dict[Row, Row]) -> dict[Row, Row]:
    """Return the rows that have the same keys."""
    return _by_key(connection, table, sa.select(table).where(_key(table).in_(list(rows))))


def _by_key(connection: Connection, table: sa.Table, query: sa.Select[Any]) -> dict[Row, Row]:
    places = [list(table.columns).index(column) for column in table.primary_key]
    return {tuple(row[place] for place in places): tuple(row) for row in connection.execute(query)}


def _add_missing(transaction: Transaction, table: sa.Table, rows: dict[Row, Row]) -> None:
    there = set(
        map(
            tuple,
            transaction.connection.execute(
                sa.select(*table.primary_key).where(_key(table).in_(list(rows)))
            ),
        )
    )
    names = table.columns.keys()
    missing = [dict(zip(names, row, strict=True)) for key, row in rows.items() if key not in there]
    if missing:
        transaction.connection.execute(sa.insert(table), missing)


def _key(table: sa.Table) -> sa.Tuple:
    return sa.tuple_(*table.primary_key)


def _count(connection: Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _usage(connection: Connection) -> Sequence[Row]:
    rows = connection.execute(sa.select(usage)).all()
    return sorted(map(tuple, rows))


def _user_ids(connection: Connection) -> Sequence[str]:
    return connection.scalars(sa.select(users.c.id)).all()
