"""Query plans of the database: each statement that some work runs, and its plan."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from useby.store.database import Database, Transaction

OWN_ROWS = "json_each", "anon_", "(subquery-", "CONSTANT ROW"
"""Names of what is no table: rows that were passed to the statement, and rows of its subquery."""


@dataclass(frozen=True)
class Planned:
    """A statement and the lines of the database's plan for it."""

    statement: str
    lines: tuple[str, ...]

    @property
    def scans(self) -> list[str]:
        """The lines of SQLite that read a whole table, or sort what an index has in order."""
        return [
            line
            for line in self.lines
            if (line.startswith("SCAN") and not any(each in line for each in OWN_ROWS))
            or "TEMP B-TREE" in line
        ]


async def plans_of(database: Database, work: Callable[[Transaction], object]) -> list[Planned]:
    """Run ``work`` as a write, and explain every statement on rows that it ran."""
    ran: list[tuple[str, Any]] = []

    def note(
        _c: Connection, _cursor: Any, statement: str, values: Any, _x: Any, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            ran.append((statement, values[0] if many else values))

    def explain(transaction: Transaction) -> list[Planned]:
        connection = transaction.connection
        words = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        return [
            Planned(
                statement,
                tuple(
                    row[-1] for row in connection.exec_driver_sql(f"{words} {statement}", values)
                ),
            )
            for statement, values in ran
        ]

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        await database.write(work)
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)
    return await database.write(explain)
