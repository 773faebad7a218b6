"""Statements that insert many rows, or update many rows by their key.

SQLite's driver releases the interpreter's lock several times for each statement and then waits to
get it back. With a busy event loop in the process this costs more than most statements. So many
rows are written by one statement, on SQLite by these rules:

- Fewer than ``MANY`` rows are passed as a JSON text (``store.bulk``). A single post took 522 µs of
  CPU in place of 672 with ``executemany``.
- More rows are passed as parameters. SQLite reads a JSON text once for each column.
- Columns of which all rows have the same value, such as the owner or what is empty in most rows,
  are passed once for all rows. A batch of 1,000 products took 28 ms of CPU in statements when each
  row had its 74 values, and now takes 18.

``BulkWrite.statements`` does all that needs no connection, so that a caller can do it before the
transaction begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.types import TypeEngine

from useby.store.bulk import (
    CompiledStatement,
    FilledStatement,
    Processor,
    values_for,
    values_table,
)
from useby.store.column_types import Exact

ROWS_TOGETHER: Final = 500, 250, 50, 25, 5
"""Rows that one statement writes as parameters on SQLite; many rows take several statements. 35
columns of 500 rows are 17,500 parameters, of which SQLite allows 32,766."""
MANY: Final = 25
"""Rows from which this is done; fewer ones, and what is left over, are written by JSON."""


class BulkWrite:
    """A statement that inserts many rows, or updates many rows by their key."""

    def __init__(
        self,
        *columns: sa.Column[Any],
        where: Sequence[sa.Column[Any]] = (),
        empties: Sequence[sa.Column[Any]] = (),
        alike: Sequence[sa.Column[Any]] = (),
    ) -> None:
        """Build the statement.

        Args:
            columns: The columns to write.
            where: The key of the rows to update; if empty, rows are inserted.
            empties: Columns that an update sets to NULL in each row.
            alike: Columns of which the rows of a batch usually have the same value each. If that is
                so for all these columns, the value is passed once.
        """
        both = (*columns, *where)
        self._types = [column.type for column in both]
        self._names = [f"at_{number}" for number in range(len(both))]
        self._binary = any(isinstance(each, sa.LargeBinary) for each in self._types)
        self._alike = [place for place, column in enumerate(both) if column in set(alike)]
        self._others = [place for place in range(len(both)) if place not in set(self._alike)]
        self._once = frozenset(str(both[place].key) for place in self._alike)
        self._processors: dict[str, Sequence[Processor | None]] = {}
        one = [
            sa.bindparam(n, type_=each) for n, each in zip(self._names, self._types, strict=True)
        ]
        rows = values_table(*both)
        many = [rows.c[each.name] for each in both]
        if where:
            nothing = dict.fromkeys(empties, sa.null())
            self._for_each = CompiledStatement(_update(columns, where, one).values(nothing))
            self._for_all = CompiledStatement(_update(columns, where, many).values(nothing))
        else:
            new = sa.insert(columns[0].table)
            self._for_each = CompiledStatement(new.values(dict(zip(columns, one, strict=True))))
            self._for_all = CompiledStatement(new.from_select(columns, sa.select(*many)))

    def __call__(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows, each with the values of the columns, then those of the key."""
        execute(connection, self.statements(connection.dialect, rows))

    def statements(
        self, dialect: Dialect, rows: Sequence[Sequence[Any]]
    ) -> Iterator[FilledStatement]:
        """Yield the statements that write rows, as ``__call__`` takes them, for a driver."""
        if not rows:
            return
        if len(rows) == 1 or (self._binary and dialect.name == "sqlite"):
            for row in rows:  # JSON cannot hold bytes
                yield self._for_each.filled(dialect, **dict(zip(self._names, row, strict=True)))
            return
        if dialect.name != "sqlite":
            yield self._for_all.filled(dialect, **values_for(dialect, *zip(*rows, strict=True)))
            return
        at = 0
        for size in ROWS_TOGETHER if len(rows) >= MANY else ():
            for _ in range((len(rows) - at) // size):
                yield self._of_parameters(dialect, rows[at : at + size])
                at += size
        if rest := rows[at:]:
            columns = self._bound(list(zip(*rest, strict=True)), dialect)
            yield self._for_all.filled(dialect, **values_for(dialect, *columns))

    def _of_parameters(self, dialect: Dialect, rows: Sequence[Sequence[Any]]) -> FilledStatement:
        """Return the statement that passes rows as parameters, on SQLite."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if self._alike and all(_is_alike(columns[place]) for place in self._alike):
            text, _ = self._for_all.compiled(dialect, len(rows), self._once)
            first = self._bound([column[:1] for column in columns], dialect)
            columns = self._bound(columns, dialect, self._others)
            return text, (
                *(first[place][0] for place in self._alike),
                *chain.from_iterable(zip(*columns, strict=True)),
            )
        text, _ = self._for_all.compiled(dialect, len(rows))
        return text, tuple(chain.from_iterable(zip(*self._bound(columns, dialect), strict=True)))

    def _bound(
        self,
        columns: Sequence[Sequence[Any]],
        dialect: Dialect,
        places: Iterable[int] | None = None,
    ) -> list[Sequence[Any]]:
        """Convert the values of columns for the driver: all columns, or those at some places."""
        processors = self._processors.get(dialect.name)
        if processors is None:
            impls = [type_.dialect_impl(dialect) for type_ in self._types]
            processors = [each.bind_processor(dialect) for each in impls]
            self._processors[dialect.name] = processors
        return [
            _converted(columns[place], self._types[place], processors[place])
            for place in (range(len(columns)) if places is None else places)
        ]


def execute(connection: Connection, statements: Iterable[FilledStatement]) -> None:
    """Execute statements of ``BulkWrite.statements``."""
    for text, parameters in statements:
        connection.exec_driver_sql(text, parameters)


def _is_alike(column: Sequence[Any]) -> bool:
    """Return whether a column has the same value in all rows.

    A decimal column is none of ``alike``: 1 and 1.0 are equal, and each keeps its digits.
    """
    return column.count(column[0]) == len(column)


def _converted(
    column: Sequence[Any], type_: TypeEngine[Any], processor: Processor | None
) -> Sequence[Any]:
    """Convert a column's values for the driver."""
    if processor is None:
        return column
    if isinstance(type_, Exact):  # 1 and 1.0 are equal, and each keeps its digits
        return list(map(processor, column))
    return list(map(_EachOnce(processor).__getitem__, column))


def _update(
    columns: Sequence[sa.Column[Any]],
    where: Sequence[sa.Column[Any]],
    values: Sequence[sa.ColumnElement[Any]],
) -> sa.Update:
    key = values[len(columns) :]
    return (
        sa.update(columns[0].table)
        .where(*(column == value for column, value in zip(where, key, strict=True)))
        .values(dict(zip(columns, values, strict=False)))
    )


class _EachOnce(dict[Any, Any]):
    """Values converted for the driver, equal ones once: in a batch most values are equal."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        super().__init__()

    def __missing__(self, value: Any) -> Any:
        """Convert a value that is new."""
        converted = self[value] = self._processor(value)
        return converted
