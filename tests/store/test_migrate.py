"""Migrations: replayed, they are the declared schema; old nodes run on beside them.

covers: useby.store.metadata, useby.store.summary_tables, useby.store.household_tables
covers: useby.store.session_tables
"""

import asyncio
import contextlib
import io
import re
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from tests.support.postgres import Postgres
from tests.support.process_node_on_postgres import NodeProcessOnPostgres
from tests.support.time_limits import HANG_TIMEOUT

from useby.store import migrate
from useby.store.schema import metadata
from useby.store.sqlite import sqlite_engine

NODES = 4
NOT_EXPANDING = {
    "what old nodes read or write is gone": r"\bDROP (TABLE|COLUMN)\b|\bTRUNCATE\b",
    "old nodes look for the former name": r"\bRENAME\b",
    "a table that is written anew is empty to who has begun to read": r"\bALTER COLUMN \S+ TYPE\b",
    "old nodes do not write the column": r"\bADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b",
    "old nodes may write what is forbidden now": (
        r"\bSET NOT NULL\b|\bADD (CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)\b"
        r"|\bCREATE UNIQUE INDEX\b"
    ),
    "old nodes rely on the default": r"\bDROP DEFAULT\b",
    "old nodes can't write while it is built": r"\bCREATE INDEX (?!CONCURRENTLY\b)",
}
"""Steps forbidden to a migration of an existing table while nodes of the version before run."""


PARTS = re.compile(r",(?![^(]*\))|\A[^(]*\(|\)\s*\Z")
"""Separators between, before and behind the columns and constraints of a table's text."""
ALLOWED = {
    "0003": ["old nodes can't write while it is built"],  # of the time before the first release
    "0012": ["a table that is written anew is empty to who has begun to read"],
}
"""Steps that one migration may take. PostgreSQL rewrites no table for a longer VARCHAR, as
`test_gtins.py` proves."""


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    return ScriptDirectory.from_config(config)


def refused(statements: str) -> list[str]:
    """Return the reasons why old nodes would fail; a table made here may have anything."""
    made = re.findall(r"\bCREATE TABLE (\w+)", statements)
    of_old = [
        " ".join(each.split())
        for each in statements.split(";")
        if not any(re.search(rf"\b(ON|TABLE) {name}\b", each) for name in made)
    ]
    return [
        why
        for why, pattern in NOT_EXPANDING.items()
        if any(re.search(pattern, each, re.IGNORECASE) for each in of_old)
    ]


def sql_of(script: Script) -> str:
    """Return the SQL of a migration for PostgreSQL."""
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context):
        script.module.upgrade()
    return written.getvalue()


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # the next test compares it
def test_replaying_every_migration_equals_the_declared_schema(migrated: Path) -> None:
    engine = sqlite_engine(migrated, writes=False)
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        )
    engine.dispose()
    assert differences == []


def test_constraints_and_checks_are_the_declared_ones_too(migrated: Path) -> None:
    """Compare what Alembic does not: the text of every table, built both ways.

    Triggers are declared by their migration alone; `test_usage.py` tests what they do.
    """
    declared = sa.create_engine("sqlite://")
    metadata.create_all(declared)
    engine = sqlite_engine(migrated, writes=False)

    def texts(source: sa.Engine) -> dict[str, set[str]]:
        with source.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
                " AND name <> 'alembic_version' AND type <> 'trigger'"
            ).all()
        # A column that was added later stands at the end, on the line of what was there.
        return {name: {part.strip() for part in PARTS.split(sql)} for name, sql in rows}

    made, wanted = texts(engine), texts(declared)
    engine.dispose()
    declared.dispose()
    assert made == wanted


def test_head_is_the_newest_migration() -> None:
    assert scripts().get_heads() == [migrate.HEAD]


async def test_a_database_is_current_once_it_is_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert migrate.revision(url) is None
    for _ in range(2):
        await migrate.ensure_current(url)
        assert migrate.revision(url) == migrate.HEAD


@pytest.mark.parametrize(
    "script",
    [each for each in scripts().walk_revisions() if each.down_revision is not None],
    ids=lambda script: script.revision,
)
def test_a_migration_only_expands_so_that_old_nodes_go_on(script: Script) -> None:
    assert refused(sql_of(script)) == ALLOWED.get(script.revision, [])


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users DROP COLUMN name",
        "ALTER TABLE users RENAME name TO called",
        "ALTER TABLE users ALTER COLUMN name TYPE TEXT",
        "ALTER TABLE users ADD COLUMN shoe INTEGER NOT NULL",
        "ALTER TABLE users ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE users ADD CONSTRAINT tall CHECK (shoe > 40)",
        "CREATE UNIQUE INDEX one ON users (name)",
        "CREATE INDEX one ON users (name)",
        "ALTER TABLE users ALTER COLUMN seq DROP DEFAULT",
        "DROP TABLE users",
    ],
)
def test_a_statement_that_would_stop_old_nodes_is_recognized(statement: str) -> None:
    assert len(refused(f"CREATE TABLE new (id INTEGER NOT NULL);\n\n{statement};\n")) == 1


def test_statements_that_old_nodes_do_not_notice_are_allowed() -> None:
    statements = (
        "CREATE TABLE new (id INTEGER NOT NULL); CREATE UNIQUE INDEX one ON new (id);"
        "ALTER TABLE users ADD COLUMN shoe INTEGER DEFAULT 42 NOT NULL;"
        "ALTER TABLE users ADD COLUMN hat TEXT; CREATE INDEX two ON new (id);"
        "CREATE INDEX CONCURRENTLY three ON users (hat); DROP INDEX four"
    )
    assert refused(statements) == []


async def test_nodes_that_start_at_once_on_an_empty_server_make_the_tables_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    name = "started_at_once"
    await postgres.execute(f"CREATE DATABASE {name}")
    with contextlib.ExitStack() as stack:
        nodes = [
            NodeProcessOnPostgres(tmp_path / str(number), postgres.url(name))
            for number in range(NODES)
        ]
        for node in nodes:
            stack.callback(node.end)
            node.launch()
        for node in nodes:
            await asyncio.to_thread(node.wait_until_listening)
            async with httpx.AsyncClient(
                base_url=node.url, trust_env=False, timeout=HANG_TIMEOUT
            ) as rest:
                assert (await rest.get("/api/health/ready")).status_code == 200
        migrated = [node.log.count("Running upgrade  -> 0001") for node in nodes]
        assert sorted(migrated) == [0] * (NODES - 1) + [1]
        for node in nodes:
            assert node.stop() == 0
            node.assert_clean_log()
    versions = await postgres.fetch("SELECT version_num FROM alembic_version", database=name)
    assert [row[0] for row in versions] == [migrate.HEAD]
    await postgres.drop(name)
