"""Store the rows of a file, or count what they would add and change.

A file is read and validated as a whole before anything is stored. It is then stored a slice at a
time, and others write in between; importing it a second time changes nothing, so that an import
that failed midway may be repeated.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from useby.actions import floods, inventory, stock
from useby.actions.import_comparison import Compared, Upserted, compare, looking
from useby.actions.import_rows import ImportedRow, ProductKey
from useby.domain.account import User
from useby.domain.quota import Limits
from useby.store import accounts, products, usage
from useby.store.database import Connection, Database, StoreUnavailable, Transaction
from useby.store.notifications import UnknownUser

SLICE: Final = 200
"""Rows in a transaction. They take some 30 ms of SQLite's writer."""
HELD: Final = timedelta(minutes=10)
"""Time after which alerts are sent, even if an import of several slices has not ended: the process
may have died."""
MANY: Final = 1000
"""Number of added products after which, and at the end, PostgreSQL's statistics are updated."""


def store_slice(
    transaction: Transaction,
    rows: Sequence[ImportedRow],
    user_id: str,
    now: datetime,
    limits: Limits | None = None,
) -> Upserted:
    """Lock the owner, and add or change products and lots.

    Changed products keep id and creation time, and closed lots stay closed. The caller reports the
    added products (``inventory.notify_added``).

    Raises:
        ActionRefused: A product would come to more than it can have; nothing is stored.
        UnknownUser: The account does not exist any more; nothing is stored.
        QuotaReached: The account would exceed a limit; nothing is stored.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    connection = transaction.connection
    found = compare(connection, rows, user, now, partial(stock.hold, transaction, user))
    if limits is not None:
        usage.require_room(connection, user_id, limits, products=len(found.new), unread=1)
    stock.add(transaction, found.new, user)
    stock.settle(transaction, found.changed, now)
    return found.counts


async def compare_all(
    database: Database, rows: Sequence[ImportedRow], user: User, now: datetime
) -> Upserted:
    """Count what an import would add and change."""
    done = Upserted()
    new: set[ProductKey] = set()

    def work(connection: Connection, some: Sequence[ImportedRow]) -> Compared:
        return compare(connection, some, user, now, looking(connection, user))

    for at in range(0, len(rows), SLICE):
        found = await database.read(partial(work, some=rows[at : at + SLICE]))
        done += found.counts
        new.update(found.new_keys)
    return replace(done, products=len(new))


async def store_all(
    database: Database,
    rows: Sequence[ImportedRow],
    user: User,
    now: datetime,
    *,
    limits: Limits | None = None,
    pause: float = 0.0,
    on_stored: Callable[[int, int], None] = lambda *_: None,
) -> Upserted:
    """Store rows in slices, and notify the devices of the added products.

    Args:
        database: The database.
        rows: The valid rows of a file.
        user: The owner.
        now: The current time, aware.
        limits: Limits of the account; ``None`` for an operator, who may exceed them.
        pause: Seconds between two slices, in which other programs may write.
        on_stored: Called with the number of rows stored and the line of the last one.

    Raises:
        UnknownUser: The account does not exist any more.
        QuotaReached: The account would exceed a limit; nothing is stored.
    """
    if limits is not None and len(rows) > SLICE:
        would = await compare_all(database, rows, user, now)
        await database.read(
            lambda c: usage.require_room(c, user.id, limits, products=would.products, unread=1)
        )
    done, refreshed = Upserted(), False
    async with _alerts_held(database, user.id, now) if len(rows) > SLICE else nullcontext():
        for at in range(0, len(rows), SLICE):
            some = rows[at : at + SLICE]
            work = partial(store_slice, rows=some, user_id=user.id, now=now, limits=limits)
            done += await database.write(work, large=True)
            on_stored(at + len(some), some[-1].line)
            if not refreshed and done.products >= MANY:
                await database.write(products.refresh_statistics, large=True)
                refreshed = True
            await asyncio.sleep(pause)
        if done.products:
            await database.write(lambda t: inventory.notify_added(t, user, done.products, now))
    if done.products >= MANY:
        await database.write(products.refresh_statistics, large=True)
    return done


@asynccontextmanager
async def _alerts_held(database: Database, user_id: str, now: datetime) -> AsyncIterator[None]:
    """Hold a user's alerts, so that those of products stored in between are due together."""
    await database.write(lambda t: floods.hold(t, user_id, now + HELD))
    try:
        yield
    finally:
        with suppress(StoreUnavailable):  # then the hold ends after ``HELD``
            await database.write(lambda t: floods.release_hold(t, user_id, now))
