"""A fixture for folders whose every test is run on both stores."""

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of the test's own, on each store in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test of what SQLite alone has, such as its plans."""
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
"""For a test of what PostgreSQL alone has, such as rows that one transaction locks."""
