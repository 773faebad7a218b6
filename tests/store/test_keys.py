"""Every table's keys begin with their user, so that rows can be partitioned by user.

covers: useby.store.schema
"""

import pytest
import sqlalchemy as sa

from useby.store.schema import metadata

EXCEPTED = {
    ("users", "email"): "Who signs in has nothing else to say who they are.",
    (
        "refresh_tokens",
        "token_hash",
    ): "The token names nobody; it is looked up once in a quarter hour.",
    (
        "calendars",
        "secret_hash",
    ): "The address names nobody; a calendar application asks for it a few times an hour.",
    (
        "household_invitations",
        "token_hash",
    ): "The token names nobody; it is looked up when a person opens its link, and accepts.",
    (
        "api_keys",
        "key_hash",
    ): "The key names nobody; it is looked up once by each node, and then found in memory.",
    (
        "service_answers",
        "key_id",
        "key",
    ): "A service posts to many users; its requests are few, and belong to its key.",
    ("catalogue", "code"): "It is of no user; each database of a part of them has its own copy.",
    ("epoch", "id"): "One row of the whole database, read with each comparison.",
    ("push_keys", "id"): "One row of the whole database, read when a node starts.",
    ("signing_keys", "id"): "One row of the whole database, read when a node starts.",
}


def _keys(table: sa.Table) -> list[tuple[str, ...]]:
    unique = [each for each in table.constraints if isinstance(each, sa.UniqueConstraint)]
    indexes = [each for each in table.indexes if each.unique]
    keys: list[sa.PrimaryKeyConstraint | sa.UniqueConstraint | sa.Index]
    keys = [table.primary_key, *unique, *indexes]
    return [tuple(column.name for column in key.columns) for key in keys]


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: str(table.name))
def test_no_key_of_a_table_is_unique_across_users(table: sa.Table) -> None:
    is_owner = table.name in ("users", "households")
    owners = {"id"} if is_owner else {"user_id", "household_id"}
    across = {(table.name, *key) for key in _keys(table) if not owners & set(key)}
    assert across <= set(EXCEPTED), "a partition can't hold that"


def test_each_exception_is_one() -> None:
    there = {(table.name, *key) for table in metadata.tables.values() for key in _keys(table)}
    assert set(EXCEPTED) <= there
