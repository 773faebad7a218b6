"""PostgreSQL: run work of one statement in one round trip.

PostgreSQL runs a statement outside of a transaction as a transaction of its own, so it needs no
``BEGIN`` and no ``COMMIT``, which are round trips. The statement goes to the driver directly, as
SQLAlchemy's execution on an event loop takes twice the CPU of the driver's: a look-up of one row
took 1.1 ms in a transaction, 0.7 in SQLAlchemy's autocommit, and takes 0.3 (measured on two slow
cores).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from useby.store.postgres_errors import driver_error, hide_values_in, is_broken

T = TypeVar("T")


class _StatementResult:
    """Result of the statement: what ``store.bulk`` uses of SQLAlchemy's result."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self.cursor.fetchall())


class _OneStatement:
    """Stand-in for SQLAlchemy's connection that executes one statement of ``store.bulk``."""

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self.dialect = dialect
        self._driver = driver

    def exec_driver_sql(self, statement: str, parameters: Sequence[Any]) -> _StatementResult:
        """Execute the statement.

        Raises:
            RuntimeError: It is the second one, which would not be in the same transaction.
        """
        driver, self._driver = self._driver, None
        if driver is None:
            raise RuntimeError("work of one statement has executed another one")
        cursor = driver.cursor()
        cursor.execute(statement, parameters)
        return _StatementResult(cursor)


def run_one_statement(engine: sa.Engine, work: Callable[[Connection], T]) -> T:
    """Run work of one statement on a connection of the pool, inside of a greenlet.

    Raises:
        PostgresError: The driver's error, without values; nothing was written.
        Exception: Any other error of the driver or of ``work``.
    """
    try:
        pooled = engine.raw_connection()
    except Exception as error:  # noqa: BLE001 - SQLAlchemy's driver has errors of its own
        raise driver_error(error) from None
    driver: Any = pooled.dbapi_connection
    driver.autocommit = True
    try:
        return work(cast("Connection", _OneStatement(driver, engine.dialect)))
    except BaseException as error:
        cause = driver_error(error)
        hide_values_in(cause)
        if is_broken(cause) or not isinstance(cause, Exception):
            engine.pool._invalidate(pooled, error)  # noqa: SLF001 - SQLAlchemy's own execution does the same
        if cause is error:
            raise
        raise cause from None
    finally:
        driver.autocommit = False
        pooled.close()
