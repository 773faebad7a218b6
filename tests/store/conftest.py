"""The store's tests are of both stores."""

import pytest
from tests.support.databases import database_url

from useby.domain.events import Event
from useby.store.database import Database

__all__ = ["database_url"]


@pytest.fixture
def news(database: Database) -> list[Event]:
    published: list[Event] = []
    database.on_commit = published.append
    return published
