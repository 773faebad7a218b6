"""Migrations: replayed, they are the declared schema."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from useby.store import migrate
from useby.store.schema import metadata
from useby.store.sqlite import sqlite_engine


def test_replaying_every_migration_equals_the_declared_schema(migrated: Path) -> None:
    engine = sqlite_engine(migrated, writes=False)
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        )
    engine.dispose()
    assert differences == []


def test_constraints_and_checks_are_the_declared_ones_too(migrated: Path) -> None:
    """What Alembic does not compare: the very text of every table, built both ways."""
    declared = sa.create_engine("sqlite://")
    metadata.create_all(declared)
    engine = sqlite_engine(migrated, writes=False)

    def texts(source: sa.Engine) -> dict[str, set[str]]:
        with source.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
                " AND name <> 'alembic_version'"
            ).all()
        return {name: {line.strip(" ,\t") for line in sql.splitlines()} for name, sql in rows}

    made, wanted = texts(engine), texts(declared)
    engine.dispose()
    declared.dispose()
    assert made == wanted


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_a_database_is_current_once_it_is_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert migrate.revision(url) is None
    for _ in range(2):
        migrate.bring_up(url)
        assert migrate.revision(url) == migrate.HEAD
