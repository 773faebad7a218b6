"""Many rows at once: as what a statement looks for, and as what it writes.

``values_table`` is a table of values passed to a statement in one parameter or a few, so that its
text, and what the server keeps for it, is the same however many there are: on SQLite a JSON text,
on PostgreSQL an array a column. ``BulkWrite`` is a statement that many rows are written by at once.

SQLite's driver lets other threads run at every step of a statement, and then waits for its turn.
Beside a busy event loop that costs more than the step: with rows written by JSON, all in one step,
a single post took 522 µs of CPU in place of 672 with ``executemany``, although without such a
neighbour it takes a fifth more (29 µs a row against 24).
"""

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

from useby.store.schema import utc_text

Processor = Callable[[Any], Any]
Order = list[tuple[str, Processor | None]]
"""Of a driver's parameters: their names, each with what makes its values fit."""


class _Given(FunctionElement[Any]):
    """The values themselves; ``values_table`` gives them their columns' names and types."""

    name = "values_table"
    inherit_cache = True

    def __init__(self, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        self.names = tuple(str(column.key) for column in columns)
        super().__init__(
            sa.bindparam("values_table", type_=sa.Text()),
            *(
                sa.bindparam(f"given_{number}", type_=ARRAY(_unbounded(column.type)))
                for number, column in enumerate(columns)
            ),
        )


def _unbounded(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type without its length: what is cast to a shorter one is cut, and nothing said."""
    return sa.Text() if isinstance(type_, sa.String) else type_


@compiles(_Given, "sqlite")
def _as_json(element: _Given, compiler: Any, **options: Any) -> str:
    rows, *_ = element.clauses
    columns = ", ".join(
        f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(element.names)
    )
    return f"(SELECT {columns} FROM json_each({compiler.process(rows, **options)}))"


@compiles(_Given, "postgresql")
def _as_arrays(element: _Given, compiler: Any, **options: Any) -> str:
    _, *arrays = element.clauses
    values = ", ".join(compiler.process(each, **options) for each in arrays)
    return f"(SELECT * FROM unnest({values}) AS rows({', '.join(element.names)}))"


def values_table(*columns: sa.ColumnElement[Any]) -> sa.TableValuedAlias:
    """A table of values with the names and types of ``columns``; one a statement."""
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
    """A statement compiled once for each driver, and handed to it as text.

    SQLAlchemy's own way to the driver takes some 25 µs more, a third of a short write on SQLite.
    Rows come back as the driver gives them: text and numbers, no moments.
    """

    def __init__(self, statement: sa.Executable) -> None:
        """Take the statement; its parameters are named."""
        self._statement: Any = statement
        self._made: dict[str, tuple[str, Order]] = {}

    def __call__(self, connection: Connection, **values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
        """Run it with the values of its parameters."""
        text, order = self._compiled(connection.dialect)
        return connection.exec_driver_sql(
            text,
            tuple(
                values[name] if processor is None else processor(values[name])
                for name, processor in order
            ),
        )

    def _compiled(self, dialect: Dialect) -> tuple[str, Order]:
        made = self._made.get(dialect.name)
        if made is None:
            compiled = self._statement.compile(dialect=dialect)
            types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
            order = [(name, types[name].bind_processor(dialect)) for name in compiled.positiontup]
            made = self._made[dialect.name] = str(compiled), order
        return made


class PackedSelect:
    """A select whose rows come all at once, on SQLite as one.

    SQLite's driver lets other threads run before every row and then waits for its turn: beside a
    busy event loop, as in a storm of connections, a row took 30 µs of CPU, and so takes 12.
    """

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]) -> None:
        """Take the statement; what it selects is text, numbers and truth values."""
        rows = statement.subquery()
        as_one = sa.func.json_group_array(sa.func.json_array(*rows.c))
        self._rows = CompiledStatement(statement)
        self._as_one = CompiledStatement(sa.select(as_one))

    def __call__(self, connection: Connection, **values: Any) -> Iterable[Sequence[Any]]:
        """The rows that the values of its parameters lead to."""
        if connection.dialect.name == "sqlite":
            rows: list[list[Any]] = json.loads(self._as_one(connection, **values).scalar_one())
            return rows
        return self._rows(connection, **values)


class BulkWrite:
    """A statement that writes many rows: new ones, or those of a table that have a key."""

    def __init__(self, *columns: sa.Column[Any], where: Sequence[sa.Column[Any]] = ()) -> None:
        """Make the statement.

        Args:
            columns: What is written.
            where: The key of rows that are there; without it they are new.
        """
        both = (*columns, *where)
        self._types = [column.type for column in both]
        self._names = [f"at_{number}" for number in range(len(both))]
        self._binary = any(isinstance(each, sa.LargeBinary) for each in self._types)
        one = [
            sa.bindparam(n, type_=each) for n, each in zip(self._names, self._types, strict=True)
        ]
        rows = values_table(*both)
        many = [rows.c[each.name] for each in both]
        if where:
            self._for_each = CompiledStatement(_update(columns, where, one))
            self._for_all = CompiledStatement(_update(columns, where, many))
        else:
            new = sa.insert(columns[0].table)
            self._for_each = CompiledStatement(new.values(dict(zip(columns, one, strict=True))))
            self._for_all = CompiledStatement(new.from_select(columns, sa.select(*many)))

    def __call__(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows, each with its values in the order of the columns, then of the key."""
        if not rows:
            return
        if len(rows) == 1 or (self._binary and connection.dialect.name == "sqlite"):
            for row in rows:  # JSON has no bytes
                self._for_each(connection, **dict(zip(self._names, row, strict=True)))
            return
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if connection.dialect.name == "sqlite":
            columns = [
                _bound(column, type_, connection.dialect)
                for column, type_ in zip(columns, self._types, strict=True)
            ]
        self._for_all(connection, **values_params(connection, *columns))


def _bound(column: Sequence[Any], type_: TypeEngine[Any], dialect: Dialect) -> Sequence[Any]:
    """A column's values as the driver takes them."""
    processor = type_.dialect_impl(dialect).bind_processor(dialect)
    return column if processor is None else list(_each_once(column, processor))


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


def _each_once(column: Iterable[Any], processor: Processor) -> Iterable[Any]:
    """Each value as the driver takes it, worked out once: in a batch they are mostly the same."""
    known: dict[Any, Any] = {}
    for value in column:
        if value not in known:
            known[value] = processor(value)
        yield known[value]
