"""The move to PostgreSQL, as an operator does it."""

from pathlib import Path

import pytest
from tests.support.cli_result import Useby

from useby.store.lock import serving_lock


@pytest.mark.usefixtures("nodes_key")
def test_a_file_is_copied_to_postgresql(useby: Useby, folder: Path, postgres_url: str) -> None:
    useby("user", "add", "ada@example.org")
    useby("token", "ada@example.org")
    useby("notify", "ada@example.org", "Tea is ready")
    result = useby("copy", "--to", postgres_url)
    assert (result.status, result.err) == (0, "")
    assert "users: 1\n" in result.out
    assert "useby.key" in result.out
    assert "ada@example.org" in useby("user", "list", "--database", postgres_url).out
    again = useby("copy", "--to", postgres_url)
    assert (again.status, again.out) == (0, result.out)


def test_a_file_that_a_node_serves_is_not_copied(
    useby: Useby, folder: Path, postgres_url: str
) -> None:
    useby("user", "add", "ada@example.org")
    with serving_lock(folder / "useby.db"):
        result = useby("copy", "--to", postgres_url)
    assert result.status == 1
    assert "is served by another node already" in result.err


@pytest.mark.parametrize("to", ["sqlite:///other.db", "mysql://x/y", "postgresql://"])
def test_another_target_is_refused_in_one_line(useby: Useby, to: str) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("copy", "--to", to)
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == 1
