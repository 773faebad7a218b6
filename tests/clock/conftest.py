"""The clock's tests are of both stores."""

from both import database_url

__all__ = ["database_url"]
