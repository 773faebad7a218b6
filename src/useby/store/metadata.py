"""The metadata that all tables share, and what their indexes have in common."""

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def rows_where(condition: str) -> dict[str, Any]:
    """Return the options of an index of those rows that a condition holds for."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
