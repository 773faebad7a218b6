"""A failing statement's error repeats none of the values that it was given."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from tests.support.factories import an_owner

from useby.store import accounts
from useby.store.database import Database, Transaction
from useby.store.schema import users

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2VjcmV0c2FsdA$secret-hash"
Fails = Callable[[Transaction], object]


def _too_long(transaction: Transaction) -> None:
    """A value that PostgreSQL refuses; SQLite takes it, so the e-mail is taken as well."""
    long = replace(an_owner(id="secret-id"), email="secret@" + "x" * 300)
    for _ in range(2):
        transaction.connection.execute(
            sa.insert(users).values(**accounts._values(long), id="secret-id", password_hash=HASH)
        )


def _twice(transaction: Transaction) -> None:
    for number in range(2):
        transaction.connection.execute(
            sa.insert(users).values(
                **accounts._values(an_owner(email="secret@useby.example")),
                id=f"secret-{number}",
                password_hash=HASH,
            )
        )


def _null(transaction: Transaction) -> None:
    """PostgreSQL repeats the whole row."""
    row = accounts._values(an_owner(email="secret@useby.example")) | {"name": None}
    transaction.connection.execute(
        sa.insert(users).values(**row, id="secret-id", password_hash=HASH)
    )


def _surrogate(transaction: Transaction) -> None:
    """The driver cannot encode it."""
    accounts.set_password_hash(transaction, "secret-id", f"{HASH}\ud800")


def _wrong_type(transaction: Transaction) -> None:
    """The driver takes it for no text, or no number."""
    transaction.connection.execute(
        sa.text("UPDATE users SET seq = :seq, password_hash = :hash WHERE seq = :seq"),
        {"seq": {"secret": HASH}, "hash": HASH},
    )


def _not_json(transaction: Transaction) -> None:
    """PostgreSQL repeats the text in the error's context, SQLite reports it as malformed."""
    cast = "json_array_length(:json)" if _is_sqlite(transaction) else "CAST(:json AS json)"
    transaction.connection.execute(sa.text(f"SELECT {cast}"), {"json": f'["{HASH}", secret'})


def _not_a_number(transaction: Transaction) -> None:
    """PostgreSQL repeats the text in the message itself."""
    if _is_sqlite(transaction):  # it would take it
        _not_json(transaction)
    transaction.connection.execute(
        sa.text("SELECT CAST(CAST(:number AS text) AS integer)"), {"number": f"secret {HASH}"}
    )


def _is_sqlite(transaction: Transaction) -> bool:
    return transaction.connection.dialect.name == "sqlite"


@pytest.mark.parametrize(
    "fails", [_too_long, _twice, _null, _surrogate, _wrong_type, _not_json, _not_a_number]
)
async def test_no_parameter_of_a_failing_statement_reaches_the_log(
    database: Database, fails: Fails, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        await database.write(fails)
    except Exception:
        logging.getLogger("useby").exception("a statement failed")
    else:
        pytest.fail("the statement did not fail")
    (record,) = (each for each in caplog.records if each.message == "a statement failed")
    written = logging.Formatter().format(record)
    assert "Error" in written
    answer = [line for line in written.splitlines() if not line.startswith("  ")]
    assert not [line for line in answer if "secret" in line or "argon2" in line]
