"""Import products from a file: read it, compare its rows with what is stored, store them.

A file is read and validated as a whole before anything is stored. It is then stored a slice at a
time, and others write in between; importing it a second time changes nothing, so that an import
that failed midway may be repeated.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from uuid_utils import uuid7

from useby.actions import inventory
from useby.domain.account import User
from useby.domain.alerts import NEVER_ENDS_AT
from useby.domain.gs1 import canonical_gtin
from useby.domain.product import Product
from useby.domain.quota import Limits
from useby.imports import reading
from useby.imports.reading import Reading
from useby.imports.tables import Options
from useby.schemas.products import product_from
from useby.store import accounts, products, usage
from useby.store.database import Connection, Database, Transaction
from useby.store.notifications import UnknownUser

SLICE: Final = 200
"""Rows in a transaction. They take some 10 ms of SQLite's writer."""
MANY: Final = 1000
"""Number of added products from which PostgreSQL's statistics are updated at once."""
MOST_COPIES: Final = 50
"""Maximum rows of a file with the same name, barcode and date."""

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A valid row of a file."""

    line: int
    product: Product
    given: frozenset[str]
    """Fields of the product that the row has; the others of a stored product stay as they are."""
    copy: int = 0
    """Number of earlier rows with the same name, barcode and date. The second of two such rows
    is the second of two such products."""


@dataclass(frozen=True, slots=True)
class Upserted:
    """Result of an import: numbers of products added, changed, and left unchanged."""

    added: int = 0
    changed: int = 0
    same: int = 0

    def __add__(self, more: "Upserted") -> "Upserted":
        """Return the result of both."""
        return Upserted(self.added + more.added, self.changed + more.changed, self.same + more.same)


def read(
    data: bytes,
    options: Options,
    user: User,
    now: datetime,
    on_row: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Reading, list[ImportedRow]]:
    """Read and validate a file; takes seconds for a large one.

    Args:
        data: The file.
        options: Choices of the person who imports.
        user: The owner.
        now: The current time, aware.
        on_row: Called with the numbers of rows read and of all rows.

    Returns:
        The file with the faults of its rows, and the valid rows.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    found = reading.read(data, options)
    rows = list(_valid(found, user, now, on_row))
    return found, rows


def _valid(
    found: Reading, user: User, now: datetime, on_row: Callable[[int, int], None]
) -> Iterator[ImportedRow]:
    copies: dict[Key, int] = {}
    fields: dict[frozenset[str], frozenset[str]] = {}
    total = found.rows
    for number, (line, new) in enumerate(found.products(), 1):
        on_row(number, total)
        if new is None:
            found.table.bad_rows += 1
            continue
        product = product_from(new, user.id, str(uuid7()), now)
        copy = 0
        if product.external_id is None:
            copy = copies.get(_key(product), 0)
            if copy == MOST_COPIES:
                found.table.refuse_row(
                    line, f"stands {MOST_COPIES} times already; give its quantity", product.name
                )
                continue
            copies[_key(product)] = copy + 1
        given = frozenset(new.model_fields_set)
        yield ImportedRow(line, product, fields.setdefault(given, _of_product(given)), copy)


def _of_product(given: frozenset[str]) -> frozenset[str]:
    return frozenset("expiry" if name == "expiry_date" else name for name in given)


def _key(product: Product) -> Key:
    barcode = canonical_gtin(product.barcode) or product.barcode
    return product.name, barcode, "" if product.expiry is None else product.expiry.key


def _ends_at(product: Product, user: User) -> datetime:
    return NEVER_ENDS_AT if product.expiry is None else product.expiry.ends_at(user.zone)


def compare(
    connection: Connection, rows: Sequence[ImportedRow], user: User
) -> tuple[list[Product], list[Product]]:
    """Compare rows with the user's stored products.

    A row with an external id is the product that has it. Another row is the product without an
    external id that has its name, barcode and date.

    Returns:
        The new products, and the changed ones as they will be stored.
    """
    ids = [row.product.external_id for row in rows]
    by_id = products.by_external_id(connection, user.id, [each for each in ids if each is not None])
    keys = [
        (row.product.name, _ends_at(row.product, user))
        for row in rows
        if row.product.external_id is None
    ]
    by_key: dict[Key, list[Product]] = {}
    for product in products.without_external_id(connection, user.id, keys):
        by_key.setdefault(_key(product), []).append(product)
    new: list[Product] = []
    changed: list[Product] = []
    for row in rows:
        if row.product.external_id is not None:
            before = by_id.get(row.product.external_id)
        else:
            before = next(iter(by_key.get(_key(row.product), [])[row.copy :]), None)
        if before is None:
            new.append(row.product)
            continue
        values = {name: getattr(row.product, name) for name in row.given}
        after = dataclasses.replace(before, **values)
        if after != before:
            changed.append(dataclasses.replace(after, updated_at=row.product.updated_at))
    return new, changed


def store_slice(
    transaction: Transaction,
    rows: Sequence[ImportedRow],
    user_id: str,
    now: datetime,
    limits: Limits | None = None,
) -> Upserted:
    """Lock the owner, and add or change products.

    Changed products keep id, creation time and closing. The caller reports the added ones
    (``inventory.notify_added``).

    Raises:
        UnknownUser: The account does not exist any more; nothing is stored.
        QuotaReached: The account would exceed a limit; nothing is stored.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    new, changed = compare(transaction.connection, rows, user)
    if limits is not None:
        usage.require_room(transaction.connection, user_id, limits, products=len(new), unread=1)
    inventory.store_many(transaction, new, changed, user, now)
    return _counted(rows, new, changed)


async def compare_all(database: Database, rows: Sequence[ImportedRow], user: User) -> Upserted:
    """Count what an import would add and change."""
    done = Upserted()
    for at in range(0, len(rows), SLICE):
        some = rows[at : at + SLICE]
        new, changed = await database.read(partial(compare, rows=some, user=user))
        done += _counted(some, new, changed)
    return done


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
        would = await compare_all(database, rows, user)
        await database.read(
            lambda c: usage.require_room(c, user.id, limits, products=would.added, unread=1)
        )
    done = Upserted()
    for at in range(0, len(rows), SLICE):
        some = rows[at : at + SLICE]
        work = partial(store_slice, rows=some, user_id=user.id, now=now, limits=limits)
        done += await database.write(work, large=True)
        on_stored(at + len(some), some[-1].line)
        await asyncio.sleep(pause)
    if done.added:
        await database.write(lambda t: inventory.notify_added(t, user, done.added, now))
    if done.added >= MANY:
        await database.write(products.refresh_statistics, large=True)
    return done


def _counted(
    rows: Sequence[ImportedRow], new: Sequence[Product], changed: Sequence[Product]
) -> Upserted:
    return Upserted(len(new), len(changed), len(rows) - len(new) - len(changed))
