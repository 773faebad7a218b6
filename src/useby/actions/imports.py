"""Store the rows of a file, or count what they would add and change.

A file is read, validated and compared with what is stored as a whole before anything is stored. It
is then stored a slice at a time, and others write in between; importing it a second time changes
nothing, so that an import that failed midway may be repeated: it stores the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

from useby.actions import floods, import_rows, inventory, policies, stock
from useby.actions.import_comparison import Compared, RowRefused, Upserted, compare, looking
from useby.actions.import_rows import ImportedRow, ProductKey, product_key
from useby.domain.account import User
from useby.domain.household import Actor, SharedStock
from useby.domain.policy import PolicyFields, Scope
from useby.domain.quota import Limits
from useby.imports.reading import Reading
from useby.imports.tables import Options, Table
from useby.store import member_policies, products
from useby.store.database import Connection, Database, StoreUnavailable, Transaction

SLICE: Final = 200
"""Rows in a transaction. They take some 30 ms of SQLite's writer."""
MOVEMENTS: Final = 1000
"""Maximum movements in a transaction, with the lots that they are of. A row of useby's own file
that has more, up to the limit of a product, is a transaction of its own."""
HELD: Final = timedelta(minutes=10)
"""Time after which alerts are sent, even if an import of several slices has not ended: the process
may have died."""
MANY: Final = 1000
"""Number of added products after which, and at the end, PostgreSQL's statistics are updated."""

GivenPolicies = Mapping[tuple[Scope, str], PolicyFields]
NO_POLICIES: Final[GivenPolicies] = MappingProxyType({})


NOTHING: Final = Upserted()


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows that can be stored, and the numbers that this would come to."""

    rows: Sequence[ImportedRow]
    counts: Upserted = NOTHING
    is_refused: bool = False
    """True if nothing is to be stored, because of bad rows."""


def store_slice(
    transaction: Transaction,
    rows: Sequence[ImportedRow],
    actor: Actor | str,
    now: datetime,
    limits: Limits | None = None,
) -> Upserted:
    """Lock the owner, and add or change products and lots.

    Changed products keep id and creation time, and closed lots stay closed. The caller reports the
    added products (``inventory.notify_added``).

    Raises:
        RowRefused: A product cannot be what the rows make of it; nothing is stored.
        UnknownUser: The account does not exist any more; nothing is stored.
        UnknownHousehold: The person is no member of the household any more; nothing is stored.
        NotAllowed: The role of the person does not allow it any more; nothing is stored.
        QuotaReached: The account would exceed a limit; nothing is stored.
    """
    user = inventory.lock_to_delete(transaction, actor, limits)
    connection = transaction.connection
    found = compare(connection, rows, user, now, partial(stock.load, transaction, user))
    if found.refused:
        raise found.refused[0]
    if limits is not None:
        inventory.require_room(connection, user, limits, len(found.new))
    added = {each.id for each in stock.add(transaction, found.new, user)}
    if isinstance(user, SharedStock) and user.acting is not None:
        own = (
            (row.product.id, *each) for row in rows if row.product.id in added for each in row.own
        )
        member_policies.add(transaction, user.id, user.acting, own)
    stock.store(transaction, found.changed, now)
    return found.counts


async def read(
    database: Database,
    data: bytes,
    options: Options,
    user: User,
    now: datetime,
    *,
    skip_bad: bool,
    on_row: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Reading, Plan]:
    """Read and validate a file, and compare it with what is stored.

    Args:
        database: The database.
        data: The file.
        options: Choices of the person who imports.
        user: The owner.
        now: The current time, aware.
        skip_bad: True to leave out bad rows, false to store nothing if there are any.
        on_row: Called with the numbers of rows read and of all rows.

    Returns:
        The file with the faults of its rows, and the plan.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    found, rows = await asyncio.to_thread(import_rows.read, data, options, user, now, on_row)
    table = found.table
    if table.bad_rows and not skip_bad:
        return found, Plan(rows, is_refused=True)
    planned = await plan(database, table, rows, user, now)
    is_refused = table.bad_rows and not (skip_bad and (planned.rows or table.policies))
    return found, replace(planned, is_refused=bool(is_refused))


async def plan(
    database: Database, table: Table, rows: Sequence[ImportedRow], user: User, now: datetime
) -> Plan:
    """Compare all rows of a file with what is stored; add those that are not possible to ``table``.

    A product that has such a row is left out with all of its rows.
    """
    counts, refused = await _compared(database, rows, user, now)
    added = policies.missing(user, table.policies)
    counts = replace(counts, policies=len(added))
    if not refused:
        return Plan(rows, counts)
    for each in refused:
        table.refuse_row(each.row.line, str(each), each.row.product.name)
    bad = {product_key(each.row.product) for each in refused}
    left = [row for row in rows if product_key(row.product) not in bad]
    table.bad_rows += len(rows) - len(left) - len(refused)
    return Plan(left, counts)


async def _compared(
    database: Database, rows: Sequence[ImportedRow], user: User, now: datetime
) -> tuple[Upserted, list[RowRefused]]:
    """Count what an import would add and change, and find the rows that are not possible."""
    done = Upserted()
    new: set[ProductKey] = set()
    refused: list[RowRefused] = []

    def work(connection: Connection, some: Sequence[ImportedRow]) -> Compared:
        return compare(connection, some, user, now, looking(connection, user))

    for some in _slices(rows):
        found = await database.read(partial(work, some=some))
        done += found.counts
        new.update(found.new_keys)
        refused += found.refused
    return replace(done, products=len(new)), refused


async def store_all(
    database: Database,
    rows: Sequence[ImportedRow],
    user: User,
    now: datetime,
    *,
    actor: Actor | None = None,
    given: GivenPolicies = NO_POLICIES,
    limits: Limits | None = None,
    expected: Upserted | None = None,
    pause: float = 0.0,
    on_stored: Callable[[int, int], None] = lambda *_: None,
) -> Upserted:
    """Store policies and then rows in slices, and notify the devices of the added products.

    Args:
        database: The database.
        rows: The rows of a plan.
        user: The owner.
        now: The current time, aware.
        actor: The person who acts; ``None`` for an operator.
        given: Policies of alerts of the person; those that are there already stay as they are.
        limits: Limits of the account; ``None`` for an operator, who may exceed them.
        expected: The counts of the plan, of which ``limits`` are to hold.
        pause: Seconds between two slices, in which other programs may write.
        on_stored: Called with the number of rows stored and the line of the last one.

    Raises:
        RowRefused: Others have changed a product since the plan; the slices before are stored.
        TooManyPolicies: The account would have too many policies; nothing is stored.
        UnknownUser: The account is gone.
        QuotaReached: The account would exceed a limit; nothing is stored.
    """
    done, new, who, slices = Upserted(), 0, actor or user.id, list(_slices(rows))
    if limits is not None and len(slices) > 1:
        would = expected or (await _compared(database, rows, user, now))[0]
        await database.read(lambda c: inventory.require_room(c, user, limits, would.products))
    if given:
        person = user.id if actor is None else actor.user_id
        new = await database.write(lambda t: policies.put_missing(t, person, given, now))
    async with _alerts_held(database, user.id, now) if len(slices) > 1 else nullcontext():
        store = partial(store_slice, actor=who, now=now, limits=limits)
        async for some, stored in _in_slices(database, slices, store):
            done += stored
            on_stored(some, rows[some - 1].line)
            await asyncio.sleep(pause)
        await database.write(lambda t: _report(t, who, done.products, now))
    if done.products >= MANY:
        await database.write(products.refresh_statistics, large=True)
    return replace(done, policies=new)


def _report(transaction: Transaction, who: Actor | str, count: int, now: datetime) -> None:
    if not count:
        return
    owner = inventory.lock_to_delete(transaction, who)
    inventory.notify_added(transaction, owner, count, now)


def _slices(rows: Sequence[ImportedRow]) -> Iterator[Sequence[ImportedRow]]:
    """Divide rows into those of each transaction."""
    some: list[ImportedRow] = []
    movements = 0
    for row in rows:
        its = 0 if row.whole is None else len(row.whole.movements)
        if some and (len(some) == SLICE or movements + its > MOVEMENTS):
            yield some
            some, movements = [], 0
        some.append(row)
        movements += its
    if some:
        yield some


async def _in_slices(
    database: Database, slices: Sequence[Sequence[ImportedRow]], store: Callable[..., Upserted]
) -> AsyncIterator[tuple[int, Upserted]]:
    """Store rows; yield the number of rows stored so far, and what the last slice added."""
    done, added, refreshed = 0, 0, False
    for some in slices:
        stored = await database.write(partial(store, rows=some), large=True)
        done += len(some)
        added += stored.products
        if not refreshed and added >= MANY:
            await database.write(products.refresh_statistics, large=True)
            refreshed = True
        yield done, stored


@asynccontextmanager
async def _alerts_held(database: Database, user_id: str, now: datetime) -> AsyncIterator[None]:
    """Hold a user's alerts, so that those of products stored in between are due together."""
    await database.write(lambda t: floods.begin_hold(t, user_id, now + HELD))
    try:
        yield
    finally:
        with suppress(StoreUnavailable):  # then the hold ends after ``HELD``
            await database.write(lambda t: floods.release_hold(t, user_id, now))
