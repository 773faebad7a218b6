"""Pass many rows to one statement, as search keys or as rows to write.

``values_table`` is a table of values that is passed to a statement in one parameter or a few: on
SQLite a JSON text, on PostgreSQL an array for each column. The statement's text, and its cached
plan, are thus the same for any number of rows. ``BulkWrite`` is a statement that writes many rows,
and ``delete_some`` deletes a limited number of them.

SQLite's driver releases the interpreter's lock at every step of a statement and then waits to get
it back. With a busy event loop in the process this costs more than the step. With rows written by
JSON, all in one step, a single post took 522 µs of CPU in place of 672 with ``executemany``,
although without a busy event loop it takes a fifth more (29 µs a row against 24).
"""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from useby.store.column_types import Exact, utc_text

Processor = Callable[[Any], Any]
ParameterOrder = list[tuple[str, Processor | None]]
"""Names of a driver's parameters, each with the function that converts its values."""


ROWS_TOGETHER = 250, 50, 25, 5
"""Rows that one statement writes as parameters on SQLite; many rows take several statements. An
inserted row of 24 columns takes some 18 µs of CPU with 50 in a statement, against 48 by JSON, whose
text SQLite reads once for each column, and 28 one by one. With 250 it takes as long, and a busy
node, whose threads wait for the interpreter's lock after each statement, stores a batch of 1,000
sooner. Rows of an update are passed in the same way."""
MANY = 25
"""Rows from which this is done; fewer ones, and what is left over, are written by JSON."""


class _Given(FunctionElement[Any]):
    """The values; ``values_table`` gives their columns names and types."""

    name = "values_table"
    inherit_cache = True

    def __init__(self, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        self.names = tuple(str(column.key) for column in columns)
        super().__init__(
            sa.bindparam("values_table", type_=sa.Text()),
            *(
                sa.bindparam(
                    f"given_{number}",
                    # One dimension, so that a JSON array is a value and not a second dimension.
                    type_=ARRAY(_unbounded(column.type), dimensions=1),
                )
                for number, column in enumerate(columns)
            ),
        )


def _unbounded(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type without its length: a cast to a shorter type would silently truncate."""
    return sa.Text() if isinstance(type_, sa.String) else type_


@compiles(_Given, "sqlite")
def _as_json(element: _Given, compiler: Any, *, given_rows: int = 0, **options: Any) -> str:
    rows, *_ = element.clauses
    if given_rows:
        row = f"({', '.join('?' * len(element.names))})"
        numbered = (f"column{number} AS {name}" for number, name in enumerate(element.names, 1))
        return f"(SELECT {', '.join(numbered)} FROM (VALUES {', '.join([row] * given_rows)}))"
    columns = ", ".join(
        f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(element.names)
    )
    return f"(SELECT {columns} FROM json_each({compiler.process(rows, **options)}))"


@compiles(_Given, "postgresql")
def _as_arrays(element: _Given, compiler: Any, *, given_rows: int = 0, **options: Any) -> str:
    _, *arrays = element.clauses
    values = [compiler.process(each, **options) for each in arrays]
    if given_rows == 1:
        columns = zip(values, element.names, strict=True)
        return f"(SELECT {', '.join(f'({value})[1] AS {name}' for value, name in columns)})"
    return f"(SELECT * FROM unnest({', '.join(values)}) AS rows({', '.join(element.names)}))"


def values_table(*columns: sa.ColumnElement[Any]) -> sa.TableValuedAlias:
    """Return a table of values with the names and types of ``columns``; one for a statement."""
    return _Given(columns).table_valued(
        *(sa.column(str(column.key), column.type) for column in columns), name="values_table"
    )


def values_params(
    connection: Connection, *columns: Sequence[str | int | datetime | None]
) -> dict[str, Any]:
    """Return the parameters that carry the values of ``values_table``, column by column."""
    if connection.dialect.name == "sqlite":
        return {
            "values_table": json.dumps(
                list(zip(*columns, strict=True)), ensure_ascii=False, default=utc_text
            )
        }
    return {f"given_{number}": list(column) for number, column in enumerate(columns)}


class CompiledStatement:
    """A statement that is compiled once for each driver and passed to it as text.

    SQLAlchemy's normal execution takes some 25 µs more, a third of a short write on SQLite.
    Rows are returned as by the driver: text and numbers, no datetimes.

    On PostgreSQL a table of one value has a text of its own. The server expects ten rows in any
    array, so it would make a plan for each execution; it keeps the plan for one row. Of a look-up
    with its epoch this is 0.2 ms in place of 0.9.
    """

    def __init__(self, statement: sa.Executable) -> None:
        """Store the statement; its parameters must be named."""
        self._statement: Any = statement
        self._made: dict[tuple[str, int], tuple[str, ParameterOrder]] = {}

    def __call__(self, connection: Connection, **values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
        """Execute the statement with these parameter values."""
        is_one_row = len(values.get("given_0", ())) == 1
        text, order = self.compiled(connection.dialect, 1 if is_one_row else 0)
        return connection.exec_driver_sql(
            text,
            tuple(
                values[name] if processor is None else processor(values[name])
                for name, processor in order
            ),
        )

    def compiled(self, dialect: Dialect, rows: int = 0) -> tuple[str, ParameterOrder]:
        """Return the text and the parameters' order for a driver.

        Args:
            dialect: The dialect of the driver.
            rows: Number of rows in the table of values, for a text that depends on it: that of one
                row on PostgreSQL, and on SQLite one that takes the values as parameters, row by
                row, in place of a JSON text. 0 for any number.
        """
        made = self._made.get((dialect.name, rows))
        if made is None:
            compiled = self._statement.compile(
                dialect=dialect, compile_kwargs={"given_rows": rows} if rows else {}
            )
            types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
            order = [(name, types[name].bind_processor(dialect)) for name in compiled.positiontup]
            made = self._made[dialect.name, rows] = str(compiled), order
        return made


class PackedSelect:
    """A select that fetches all rows at once, on SQLite packed into one row.

    SQLite's driver releases the interpreter's lock before every row and then waits to get it back:
    with a busy event loop, as in a storm of connections, a row took 30 µs of CPU, and now takes 12.
    """

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]) -> None:
        """Store the statement; its columns must not be binary."""
        rows = statement.subquery()
        as_one = sa.func.json_group_array(sa.func.json_array(*rows.c))
        self._types = [column.type for column in rows.c]
        self._rows = CompiledStatement(statement)
        self._as_one = CompiledStatement(sa.select(as_one))
        self._processors: dict[str, Sequence[tuple[int, Processor, Any]]] = {}

    def __call__(self, connection: Connection, **values: Any) -> Iterable[Sequence[Any]]:
        """Return the rows for these parameter values, as the types of the columns convert them."""
        rows: list[list[Any]]
        driver_types: Sequence[Any]
        if connection.dialect.name == "sqlite":
            rows = json.loads(self._as_one(connection, **values).scalar_one())
            driver_types = [None] * len(self._types)
        else:
            result = self._rows(connection, **values)
            driver_types = [each[1] for each in result.cursor.description]
            rows = list(map(list, result))
        for place, processor, of_null in self._processors_of(connection.dialect, driver_types):
            for row in rows:
                value = row[place]
                row[place] = of_null if value is None else processor(value)
        return rows

    def _processors_of(
        self, dialect: Dialect, driver_types: Sequence[Any]
    ) -> Sequence[tuple[int, Processor, Any]]:
        """Return the functions that convert a driver's values.

        Each stands between the place of its column and its result for NULL.
        """
        made = self._processors.get(dialect.name)
        if made is None:
            made = []
            for place, (type_, by) in enumerate(zip(self._types, driver_types, strict=True)):
                processor = type_.dialect_impl(dialect).result_processor(dialect, by)
                if processor is not None:
                    made.append((place, processor, processor(None)))
            self._processors[dialect.name] = made
        return made


class BulkWrite:
    """A statement that inserts many rows, or updates many rows by their key.

    On SQLite, many rows are passed as parameters (``ROWS_TOGETHER``).
    """

    def __init__(
        self,
        *columns: sa.Column[Any],
        where: Sequence[sa.Column[Any]] = (),
        empties: Sequence[sa.Column[Any]] = (),
    ) -> None:
        """Build the statement.

        Args:
            columns: The columns to write.
            where: The key of the rows to update; if empty, rows are inserted.
            empties: Columns that an update sets to NULL in each row.
        """
        both = (*columns, *where)
        self._inserts = not where
        self._types = [column.type for column in both]
        self._names = [f"at_{number}" for number in range(len(both))]
        self._binary = any(isinstance(each, sa.LargeBinary) for each in self._types)
        self._processors: dict[str, Sequence[Processor | None]] = {}
        self._together: dict[int, tuple[str, Sequence[int]]] = {}
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
        if not rows:
            return
        if len(rows) == 1 or (self._binary and connection.dialect.name == "sqlite"):
            for row in rows:  # JSON cannot hold bytes
                self._for_each(connection, **dict(zip(self._names, row, strict=True)))
            return
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if connection.dialect.name == "sqlite":
            columns = self._bound(columns, connection.dialect)
            if len(rows) >= MANY:
                self._write_together(connection, columns)
                return
        self._for_all(connection, **values_params(connection, *columns))

    def _bound(self, columns: Sequence[Sequence[Any]], dialect: Dialect) -> list[Sequence[Any]]:
        """Convert the values of columns for the driver."""
        processors = self._processors.get(dialect.name)
        if processors is None:
            impls = [type_.dialect_impl(dialect) for type_ in self._types]
            processors = [each.bind_processor(dialect) for each in impls]
            self._processors[dialect.name] = processors
        return [
            _converted(column, type_, processor)
            for column, type_, processor in zip(columns, self._types, processors, strict=True)
        ]

    def _write_together(self, connection: Connection, columns: Sequence[Sequence[Any]]) -> None:
        """Write rows of converted columns on SQLite, as parameters."""
        at, count = 0, len(columns[0])
        _, places = self._of_rows(connection.dialect, ROWS_TOGETHER[-1])
        rows = list(zip(*(columns[place] for place in places), strict=True))
        for size in ROWS_TOGETHER:
            for _ in range((count - at) // size):
                text, _ = self._of_rows(connection.dialect, size)
                some = itertools.chain.from_iterable(rows[at : at + size])
                connection.exec_driver_sql(text, tuple(some))
                at += size
        if at < count:
            rest = [column[at:] for column in columns]
            self._for_all(connection, **values_params(connection, *rest))

    def _of_rows(self, dialect: Dialect, size: int) -> tuple[str, Sequence[int]]:
        """Return the statement for a number of rows on SQLite, and its order of the columns."""
        made = self._together.get(size)
        if made is None and self._inserts:
            text, order = self._for_each.compiled(dialect)
            head, _, values = text.partition(" VALUES ")
            places = [self._names.index(name) for name, _ in order]
            made = self._together[size] = f"{head} VALUES {', '.join([values] * size)}", places
        elif made is None:
            text, _ = self._for_all.compiled(dialect, size)
            made = self._together[size] = text, range(len(self._names))
        return made


def delete_some(
    connection: Connection,
    table: sa.Table,
    most: int,
    whose: sa.ColumnElement[bool],
    *conditions: sa.ColumnElement[bool],
) -> int:
    """Delete some rows of a user that meet conditions; return their number.

    Their keys are read first. If the delete selected them, PostgreSQL might compare every row with
    each of them: of a table that has grown since its last ``ANALYZE`` it expects few rows.

    Args:
        connection: The running write.
        table: The table.
        most: Maximum number of rows.
        whose: The condition for the user's rows.
        conditions: Conditions beside it.
    """
    key = list(table.primary_key)
    found = connection.execute(sa.select(*key).where(whose, *conditions).limit(most)).all()
    if not found:
        return 0
    given = values_table(*key)
    deleted = sa.delete(table).where(whose, sa.tuple_(*key).in_(sa.select(*given.c)))
    return connection.execute(
        deleted, values_params(connection, *zip(*found, strict=True))
    ).rowcount


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
