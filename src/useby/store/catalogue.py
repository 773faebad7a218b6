"""Names of products of all the world by their GTIN, which an operator may load from a file."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.database import Transaction
from useby.store.schema import catalogue


class Entry(NamedTuple):
    """An entry of the catalogue."""

    code: str
    """The canonical GTIN."""
    name: str
    brand: str
    quantity: str
    """Contents as on the package, such as ``500 g``."""


def _upsert() -> sa.Executable:
    given = values_table(*catalogue.c)
    # SQLite needs a condition here: without one, it takes ON for a part of a join.
    rows = sa.select(*given.c).where(given.c.code.is_not(None))
    # The clause has the same text on both databases.
    new = insert(catalogue).from_select([column.name for column in catalogue.c], rows)
    changeable = [column.name for column in catalogue.c if not column.primary_key]
    differs = sa.or_(*(catalogue.c[name] != new.excluded[name] for name in changeable))
    return new.on_conflict_do_update(
        index_elements=[catalogue.c.code],
        set_={name: new.excluded[name] for name in changeable},
        where=differs,
    )


_UPSERT: Final = CompiledStatement(_upsert())


def put(transaction: Transaction, entries: Sequence[Entry]) -> None:
    """Store entries; one whose code exists already replaces it. Each code occurs once."""
    if entries:
        columns = list(zip(*entries, strict=True))
        _UPSERT(transaction.connection, **values_params(transaction.connection, *columns))


def get(connection: Connection, code: str) -> Entry | None:
    """Return the entry of a canonical GTIN."""
    row = connection.execute(sa.select(*catalogue.c).where(catalogue.c.code == code)).first()
    return Entry(*row) if row else None
