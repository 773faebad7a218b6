"""Sums of decimals are exact on both stores."""

from decimal import Decimal, localcontext

import pytest
import sqlalchemy as sa

from useby.store.bulk import values_params, values_table
from useby.store.column_types import Exact
from useby.store.database import Connection, Database
from useby.store.exact_sums import exact_sum

LARGEST = Decimal("999999999999.999999")
CRUMB = Decimal("0.000001")
PAIRS = [
    [],
    [("1", "1")],
    [("0.1", "0.2")] * 10,
    [("7", None), (None, "7"), ("1.5", "2")],
    [("1", "0")],
    [(str(LARGEST), str(LARGEST))] * 50,
    [(str(LARGEST), format(CRUMB, "f")), (format(CRUMB, "f"), format(CRUMB, "f"))],
    [("123456.789", "1000000"), ("1000000.5", "999999.999999"), ("10", "3.10")],
]
"""Rows of two decimals."""


@pytest.mark.parametrize("pairs", PAIRS, ids=range(len(PAIRS)))
async def test_a_sum_is_exact(
    database: Database, pairs: list[tuple[str | None, str | None]]
) -> None:
    rows = values_table(sa.column("one", Exact()), sa.column("other", Exact()))
    wanted = sa.select(exact_sum(rows.c.one), exact_sum(rows.c.one, rows.c.other))

    def read(connection: Connection) -> tuple[Decimal | None, Decimal | None]:
        columns = list(zip(*pairs, strict=True)) or [(), ()]
        if connection.dialect.name != "sqlite":
            columns = [
                tuple(None if each is None else Decimal(each) for each in column)
                for column in columns
            ]
        found = connection.execute(wanted, values_params(connection, *columns)).one()
        return found[0], found[1]

    with localcontext(prec=60):
        ones = [Decimal(one) for one, _ in pairs if one is not None]
        products = [
            Decimal(one) * Decimal(other)
            for one, other in pairs
            if one is not None and other is not None
        ]
        expected = tuple(sum(each) if each else None for each in (ones, products))
    assert await database.read(read) == expected
