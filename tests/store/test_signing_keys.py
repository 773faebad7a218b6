"""Ids of the keys that nodes sign with."""

import logging

import pytest

from useby.store import signing_keys
from useby.store.database import Database


async def test_a_database_that_no_node_has_served_has_no_key(database: Database) -> None:
    assert await database.read(signing_keys.current_id) is None


async def test_the_newest_key_is_stored_and_a_change_is_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            await signing_keys.record(database, "first")
        assert caplog.messages == []
        await signing_keys.record(database, "second")
    assert await database.read(signing_keys.current_id) == "second"
    (message,) = caplog.messages
    assert "sign-ins under the old one have ended" in message
