"""Databases with many products of which few are due, and the same writes by the bare driver."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from uuid_utils import uuid7

from useby.actions.alerts import BATCH, send_due
from useby.store import alerts
from useby.store.column_types import utc_text
from useby.store.database import Transaction
from useby.store.sqlite import sqlite_engine

EACH = 250
"""Products of a user."""
AHEAD = 60
"""Days until the first product outside the wave is due."""

_STOCK = (
    "INSERT INTO products (user_id, id, name, category, barcode, unit, location, notes, date_kind,"
    " expires_on, ends_at, expiring_from, alert_at, created_at, updated_at, quantity,"
    " lot_count, version) VALUES (?, ?, 'Organic Milk', 'dairy', '', 'l', 'fridge', '',"
    " 'best_before', ?, ?, ?, ?, ?, ?, ?, ?, 1)"
)
_LOT = "CASE :lot WHEN 0 THEN id ELSE substr(id, 1, 35) || char(:lot + 102) END"
"""Id of a lot: the first has the product's, and further ones end in a letter that no UUID has."""
_DAY = "CASE :lot WHEN 0 THEN expires_on ELSE date(expires_on, :lot || ' months') END"
_LOTS = (
    "INSERT INTO lots (household_id, id, product_id, quantity, received_on, state_since,"
    " printed_on, date_kind, lot_number, serial, location, state, expires_on, date_source)"
    f" SELECT user_id, {_LOT}, id, '1', date(created_at), created_at, {_DAY}, date_kind, '',"
    f" '', location, 'sealed', {_DAY}, 'printed' FROM products"
)
_RECEIPTS = (
    "INSERT INTO movements (household_id, id, product_id, number, lot_id, kind, quantity, change,"
    f" at, recorded_at) SELECT user_id, {_LOT}, id, :lot + 1, {_LOT}, 'received', '1', '1',"
    " created_at, created_at FROM products"
)
_SOME = "SELECT user_id, id FROM products WHERE user_id = ? ORDER BY id LIMIT ?"
_MAKE_DUE = (
    "UPDATE products SET name = ?, expires_on = ?, alert_at = ? WHERE user_id = ? AND id = ?"
)
_DATE_LOTS = (
    # The first lot of a product has the id of the product.
    "UPDATE lots SET printed_on = ?, expires_on = ? WHERE household_id = ? AND id = ?"
)
_NEWEST = "SELECT user_id, max(seq) FROM notifications GROUP BY user_id"
_NUMBER = "UPDATE users SET seq = ? WHERE id = ?"
_NOTIFY = (
    "INSERT INTO notifications (user_id, seq, id, message, kind, event, product_name, product_id,"
    " expires_on, days_left, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SAY = "INSERT INTO alerts_said (user_id, product_id, expiry, lead, said_at) VALUES (?, ?, ?, ?, ?)"
_PLACE = (
    "UPDATE products SET ends_at = ?, expiring_from = ?, alert_at = ?, alert_fault = NULL"
    " WHERE user_id = ? AND id = ?"
)


@dataclass(frozen=True)
class Wave:
    """Products that are due at one moment, the same number for each of some users."""

    users: Sequence[str]
    each: int
    at: datetime
    name: str
    """Name of the products."""
    day: int
    """Days until their date, at most 7; the waves of one database have different days."""

    @property
    def size(self) -> int:
        """Number of products."""
        return len(self.users) * self.each

    @property
    def expires_on(self) -> str:
        """Date of the products."""
        return (self.at + timedelta(days=self.day)).date().isoformat()


def stock(database: Path, users: Sequence[str], stored: int, now: datetime, lots: int = 1) -> None:
    """Store products, distributed over the users; none is due soon.

    Args:
        database: The database file.
        users: Ids of the users.
        stored: Number of products.
        now: Time of their receipt.
        lots: Number of lots of each product, a month apart.
    """

    def rows() -> Iterator[tuple[Any, ...]]:
        stamp = utc_text(now)
        for number in range(stored):
            due = now + timedelta(days=AHEAD + number % 300)
            moments = (utc_text(due + timedelta(days=7)), utc_text(due), utc_text(due))
            user, day = users[number % len(users)], (due + timedelta(days=7)).date().isoformat()
            yield user, str(uuid7()), day, *moments, stamp, stamp, str(lots), lots

    with _driver(database) as driver:
        driver.execute("PRAGMA synchronous=OFF")
        driver.execute("PRAGMA cache_size=-500000")
        driver.execute("BEGIN")
        driver.executemany(_STOCK, rows())
        for lot in range(lots):
            driver.execute(_LOTS, {"lot": lot})
            driver.execute(_RECEIPTS, {"lot": lot})
        driver.execute("COMMIT")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_due(database: Path, wave: Wave) -> None:
    """Make the wave's products due, as another program does that writes while a node runs."""
    with _driver(database, checkpoints=False) as driver:
        driver.execute("BEGIN IMMEDIATE")
        values = (wave.name, wave.expires_on, utc_text(wave.at))
        for user in wave.users:
            keys = driver.execute(_SOME, (user, wave.each)).fetchall()
            driver.executemany(_MAKE_DUE, [(*values, *key) for key in keys])
            dates = (wave.expires_on, wave.expires_on)
            driver.executemany(_DATE_LOTS, [(*dates, *key) for key in keys])
        driver.execute("COMMIT")


def write_barely(database: Path, wave: Wave, *, everything: bool) -> tuple[float, float]:
    """Write a wave's rows, made beforehand, with the driver alone and in batches of the same size.

    Args:
        database: The database file.
        wave: The products and their users.
        everything: Whether to write all rows that a wave writes, or the notifications alone.

    Returns:
        The elapsed seconds, and the seconds of CPU.
    """
    stamp, later = utc_text(wave.at), utc_text(wave.at + timedelta(days=1))
    message = f"{wave.name} expires in {wave.day} days"
    batches: list[tuple[list[Any], ...]] = []
    with _driver(database) as driver:
        keys = [key for user in wave.users for key in driver.execute(_SOME, (user, wave.each))]
        seqs = dict.fromkeys(wave.users, 0) | dict(driver.execute(_NEWEST).fetchall())
        for start in range(0, len(keys), BATCH):
            settled, notified, placed, numbered = [], [], [], {}
            for user, product in keys[start : start + BATCH]:
                numbered[user] = seqs[user] = seq = seqs[user] + 1
                what = message, "warning", "expiring", wave.name, product
                notified.append((user, seq, str(uuid7()), *what, wave.expires_on, wave.day, stamp))
                settled.append((user, product, wave.expires_on, 7, stamp))
                placed.append((later, stamp, later, user, product))
            numbers = [(seq, user) for user, seq in numbered.items()]
            batches.append((numbers, notified, settled, placed))
        statements = (_NUMBER, _NOTIFY, _SAY, _PLACE) if everything else ("", _NOTIFY)
        began, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            driver.execute("BEGIN IMMEDIATE")
            for statement, rows in zip(statements, batch, strict=False):
                if statement:
                    driver.executemany(statement, rows)
            driver.execute("COMMIT")
        return time.perf_counter() - began, time.process_time() - cpu


def clock_seconds(database: Path, now: datetime) -> tuple[int, float]:
    """Send the due alerts by the scheduler's functions; return their number and the CPU seconds."""
    engine = sqlite_engine(database, writes=True, checkpoints=True)
    claimed = 0
    with engine.connect() as connection:
        with connection.begin():
            alerts.next_due(connection)  # opens the connection and compiles the query
        cpu = time.process_time()
        while True:
            with connection.begin():
                batch = send_due(Transaction(connection), now)
            claimed += batch.claimed
            if not batch.goes_on:
                break
        with connection.begin():
            alerts.next_due(connection)
        cpu = time.process_time() - cpu
    engine.dispose()
    return claimed, cpu


@contextmanager
def _driver(database: Path, *, checkpoints: bool = True) -> Iterator[Connection]:
    """Open the driver's connection, configured as a node's writer is."""
    engine = sqlite_engine(database, writes=True, checkpoints=checkpoints)
    with closing(engine.raw_connection()) as pooled:
        driver = pooled.driver_connection
        assert isinstance(driver, Connection)  # noqa: S101 - it is the standard library's
        yield driver
    engine.dispose()
