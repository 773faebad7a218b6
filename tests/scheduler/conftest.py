"""The clock's tests are of both stores."""

from tests.support.databases import database_url

__all__ = ["database_url"]
