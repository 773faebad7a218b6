"""The store's tests are of both stores."""

import pytest

from both import database_url
from useby.domain.news import News
from useby.store.engine import Database

__all__ = ["database_url"]


@pytest.fixture
def news(database: Database) -> list[News]:
    told: list[News] = []
    database.on_commit = told.append
    return told
