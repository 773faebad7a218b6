"""PostgreSQL's errors are classified by their code and their severity."""

import asyncpg
import pytest

from useby.store.postgres_errors import is_away, is_broken, is_worth_another


def error(code: str, severity: str) -> asyncpg.PostgresError:
    """Return an error as the driver makes it of a message of the server."""
    return asyncpg.PostgresError.new({"C": code, "S": severity, "V": severity, "M": "it failed"})


@pytest.mark.parametrize("severity", ["FATAL", "PANIC"])
@pytest.mark.parametrize("code", ["42501", "55000", "28000", "57P01", "XX000"])
def test_after_a_fatal_error_the_connection_is_broken_whatever_its_code(
    code: str, severity: str
) -> None:
    failure = error(code, severity)
    assert is_broken(failure)
    assert is_away(failure, failure)


@pytest.mark.parametrize(
    ("code", "away"),
    [("42501", False), ("55000", False), ("23505", False), ("55P03", True), ("53300", True)],
)
def test_another_error_leaves_the_connection_usable(code: str, away: bool) -> None:
    failure = error(code, "ERROR")
    assert not is_broken(failure)
    assert is_away(failure, failure) is away


@pytest.mark.parametrize(("code", "retried"), [("40001", True), ("40P01", True), ("40003", False)])
def test_only_a_certain_rollback_because_of_another_transaction_is_retried(
    code: str, retried: bool
) -> None:
    assert is_worth_another(error(code, "ERROR")) is retried


@pytest.mark.parametrize(
    ("failure", "broken"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.InterfaceError("the connection is closed"), True),
        (asyncpg.InternalClientError("unexpected"), True),
        (asyncpg.OutdatedSchemaCacheError("altered"), False),
        (ArithmeticError(), False),
    ],
    ids=repr,
)
def test_errors_of_the_driver_are_classified_by_their_kind(
    failure: Exception, broken: bool
) -> None:
    assert is_broken(failure) is broken
