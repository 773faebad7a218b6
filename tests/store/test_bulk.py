"""Statements that write many rows, on both databases."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner

from useby.store import schema
from useby.store.bulk import TOGETHER, BulkWrite
from useby.store.database import Connection, Database

TICKETS = schema.tickets
_INSERT = BulkWrite(
    TICKETS.c.expires_at,  # in another order than the table's
    TICKETS.c.ticket_hash,
    TICKETS.c.user_id,
    TICKETS.c.session_id,
    TICKETS.c.issued_at,
    TICKETS.c.until,
)
_UPDATE = BulkWrite(
    TICKETS.c.until,
    TICKETS.c.session_id,
    where=(TICKETS.c.user_id, TICKETS.c.ticket_hash),
)


@pytest.mark.parametrize("count", [0, 1, 2, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 3])
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
