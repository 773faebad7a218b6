"""Statements that write many rows, on both databases.

covers: useby.store.bulk_write
"""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product

from useby.actions import inventory
from useby.domain.product import DateKind, Disposal, Product
from useby.store import schema
from useby.store.bulk import PackedSelect, delete_some
from useby.store.bulk_write import MANY, ROWS_TOGETHER, BulkWrite
from useby.store.database import Connection, Database, Transaction
from useby.store.product_rows import PRODUCT_COLUMNS, product_of

TICKETS = schema.tickets
_INSERT = BulkWrite(
    TICKETS.c.expires_at,  # in another order than the table's
    TICKETS.c.ticket_hash,
    TICKETS.c.user_id,
    TICKETS.c.session_id,
    TICKETS.c.issued_at,
    TICKETS.c.until,
    alike=(TICKETS.c.user_id, TICKETS.c.session_id, TICKETS.c.issued_at),
)
_UPDATE = BulkWrite(
    TICKETS.c.until,
    TICKETS.c.session_id,
    where=(TICKETS.c.user_id, TICKETS.c.ticket_hash),
    alike=(TICKETS.c.user_id, TICKETS.c.until),
)


@pytest.mark.parametrize(
    "count", [0, 1, 2, MANY - 1, MANY, sum(ROWS_TOGETHER), 2 * sum(ROWS_TOGETHER) - 1]
)
async def test_any_number_of_rows_is_inserted_and_updated_as_given(
    database: Database, count: int
) -> None:
    user = await a_kept_owner(database)
    moments = [NOON + timedelta(seconds=number) for number in range(count)]
    rows = [(each, f"é{n}", user.id, None, NOON, each) for n, each in enumerate(moments)]
    changes = [(NOON, f"s{n}", user.id, f"é{n}") for n in range(count)]

    def stored(connection: Connection) -> list[tuple[object, ...]]:
        wanted = sa.select(TICKETS.c.expires_at, TICKETS.c.session_id, TICKETS.c.until)
        return [tuple(row) for row in connection.execute(wanted.order_by(TICKETS.c.expires_at))]

    await database.write(lambda t: _INSERT(t.connection, rows))
    assert await database.read(stored) == [(each, None, each) for each in moments]
    await database.write(lambda t: _UPDATE(t.connection, changes))
    assert await database.read(stored) == [
        (each, f"s{number}", NOON) for number, each in enumerate(moments)
    ]


@pytest.mark.parametrize("place", [0, MANY, 2 * MANY - 1])
async def test_a_row_may_differ_in_a_column_that_is_usually_alike(
    database: Database, place: int
) -> None:
    user = await a_kept_owner(database)
    sessions = [None] * (2 * MANY)
    rows = [
        (NOON, f"{n}", user.id, "other" if n == place else each, NOON, NOON)
        for n, each in enumerate(sessions)
    ]
    changes = [
        (NOON + timedelta(seconds=n == place), each, user.id, f"{n}")
        for n, each in enumerate(sessions)
    ]
    its = sa.select(TICKETS.c.ticket_hash, TICKETS.c.session_id, TICKETS.c.until)

    def differing(connection: Connection) -> list[tuple[object, ...]]:
        rows = connection.execute(its).all()
        return [tuple(row) for row in rows if row[1:] != (None, NOON)]

    await database.write(lambda t: _INSERT(t.connection, rows))
    assert await database.read(differing) == [(f"{place}", "other", NOON)]
    await database.write(lambda t: _UPDATE(t.connection, changes))
    assert await database.read(differing) == [(f"{place}", None, NOON + timedelta(seconds=1))]


async def test_a_packed_select_returns_the_values_of_an_ordinary_one(database: Database) -> None:
    owner = await a_kept_owner(database)
    full = a_product(
        owner,
        "2026-06-01T10:30:00+02:00",
        name='Crème "brûlée"\n',
        quantity=Decimal("12345678901.000001"),
        unit="g",
        lead_days=(30, 7, 0),
        external_id="0",
        notes="null",
        date_kind=DateKind.BEST_BEFORE,
    )
    usual = a_product(owner)
    closed = a_product(owner, closed_as=Disposal.CONSUMED, closed_at=NOON, lot_count=0)
    wanted = [full, usual, closed]
    await database.write(lambda t: inventory.add_many(t, wanted, owner, NOON))
    all_of_them = sa.select(*PRODUCT_COLUMNS).order_by(schema.products.c.id)
    packed = PackedSelect(all_of_them)

    def both(connection: Connection) -> tuple[list[Product], list[Product]]:
        ordinary = connection.execute(all_of_them)
        return list(map(product_of, packed(connection))), list(map(product_of, ordinary))

    for _ in range(2):  # the second time with what the first has prepared
        assert await database.read(both) == (wanted, wanted)


async def test_some_rows_are_deleted_that_are_the_users_and_meet_the_conditions(
    database: Database,
) -> None:
    user, other = await a_kept_owner(database), await a_kept_owner(database)
    rows = [
        (NOON, f"{each.id}-{number}", each.id, None, NOON, NOON + timedelta(seconds=number % 2))
        for each in (user, other)
        for number in range(7)
    ]
    await database.write(lambda t: _INSERT(t.connection, rows))
    is_theirs, is_early = TICKETS.c.user_id == user.id, TICKETS.c.until == NOON

    def delete(transaction: Transaction) -> int:
        return delete_some(transaction.connection, TICKETS, 3, is_theirs, is_early)

    assert [await database.write(delete) for _ in range(3)] == [3, 1, 0]
    left = await database.read(
        lambda c: c.execute(sa.select(TICKETS.c.user_id, TICKETS.c.until)).all()
    )
    of_user = [until for user_id, until in left if user_id == user.id]
    assert of_user == [NOON + timedelta(seconds=1)] * 3
    assert len(left) == 3 + 7
