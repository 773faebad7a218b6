"""Calendar days of a zone, and other forms of dates, in SQL that is alike on both databases.

SQLite has no time zones. So the zone's offsets over the period are passed to a statement as a table
of values, and each moment is joined with the offset that counts then.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from useby.domain.zone_offsets import Offset
from useby.store.bulk import values_params, values_table
from useby.store.column_types import UtcDateTime


def offsets_table() -> sa.CTE:
    """Return the table of offsets, with columns ``begins``, ``ends`` and ``seconds``.

    It is materialized, because SQLite would parse its parameter for every row that is joined.
    """
    given = values_table(
        sa.column("begins", UtcDateTime()),
        sa.column("ends", UtcDateTime()),
        sa.column("seconds", sa.Integer()),
    )
    return sa.select(*given.c).cte("offsets").prefix_with("MATERIALIZED")


def offsets_params(connection: Connection, offsets: Sequence[Offset]) -> dict[str, Any]:
    """Return the parameters of ``offsets_table``."""
    return values_params(connection, *zip(*offsets, strict=True))


def counts_at(offsets: sa.FromClause, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that an offset is the one that counts at a moment."""
    return sa.and_(offsets.c.begins <= moment, offsets.c.ends > moment)


class local_day(FunctionElement[Any]):  # noqa: N801 - used as functions of SQL are
    """Calendar day of a moment, with its offset in seconds."""

    type = sa.Date()
    inherit_cache = True


class days_between(FunctionElement[int]):  # noqa: N801
    """Number of days from the second day to the first."""

    type = sa.Integer()
    inherit_cache = True


class month_of(FunctionElement[str]):  # noqa: N801
    """Month of a day, e.g. ``2026-03``."""

    type = sa.Text()
    inherit_cache = True


class expiry_key(FunctionElement[str]):  # noqa: N801
    """``Expiry.key`` of a date, of which the first column has the day or the second the instant."""

    type = sa.Text()
    inherit_cache = True


class monday_of(FunctionElement[str]):  # noqa: N801
    """Monday of a day's week, e.g. ``2026-03-02``."""

    type = sa.Text()
    inherit_cache = True


_FORMS: dict[type[FunctionElement[Any]], dict[str, str]] = {
    local_day: {
        "sqlite": "date({0}, {1} || ' seconds')",
        "postgresql": "CAST(({0} AT TIME ZONE 'UTC') + {1} * INTERVAL '1 second' AS DATE)",
    },
    days_between: {
        "sqlite": "CAST(julianday({0}) - julianday({1}) AS INTEGER)",
        "postgresql": "({0} - {1})",
    },
    expiry_key: {
        "sqlite": "coalesce({0}, substr({1}, 1, 19) || 'Z')",
        "postgresql": (
            "coalesce(to_char({0}, 'YYYY-MM-DD'),"
            " to_char({1} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))"
        ),
    },
    month_of: {"sqlite": "substr({0}, 1, 7)", "postgresql": "to_char({0}, 'YYYY-MM')"},
    monday_of: {
        "sqlite": "date({0}, 'weekday 0', '-6 days')",
        "postgresql": "to_char({0} - (EXTRACT(ISODOW FROM {0})::int - 1), 'YYYY-MM-DD')",
    },
}


def _compile(element: Any, compiler: Any, **options: Any) -> str:
    form = _FORMS[type(element)][compiler.dialect.name]
    return form.format(*(compiler.process(each, **options) for each in element.clauses))


for _function in _FORMS:
    compiles(_function)(_compile)
