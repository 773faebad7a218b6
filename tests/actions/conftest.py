"""The actions are tested on both databases, some of them through REST."""

from tests.api.conftest import ada, rest
from tests.store.conftest import news
from tests.support.databases import database_url

__all__ = ["ada", "database_url", "news", "rest"]
