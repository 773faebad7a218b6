"""A person's stock on the command line, as tests of the commands use it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support.cli_result import CliResult, Useby

EMAIL = "ada@example.org"
FAR = "2126-03-04"
"""A date that is fresh in every test."""


NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
"""Time at which the commands run."""


def days_ahead(days: int) -> date:
    """Return the day that is so many days after the commands run; before, if negative."""
    return NOW.date() + timedelta(days=days)


class Shelf:
    """Calls commands for one person."""

    def __init__(self, useby: Useby, email: str = EMAIL) -> None:
        self.useby, self._email = useby, email

    def __call__(self, *words: str) -> CliResult:
        return self.useby(*words, "--user", self._email)

    def done(self, *words: str) -> Any:
        """The JSON of a command that succeeds."""
        result = self(*words, "--json")
        assert result.status == 0, result.err
        return json.loads(result.out)

    def add(self, name: str, date: str = FAR, *words: str) -> str:
        """Add a product and return its id."""
        return str(self.done("product", "add", name, date, *words)["id"])

    def add_lot(self, name: str, date: str, *words: str) -> str:
        """Add a lot to a product and return its id."""
        (lot,) = self.done("lot", "add", name, date, *words)["lots"]
        return str(lot["id"])

    def lots(self, *words: str) -> list[Any]:
        """The open lots."""
        return list(self.done("lot", "list", *words))

    def quantities(self, name: str) -> list[str]:
        """The quantities of a product's open lots, in the order in which they are taken."""
        return [each["quantity"] for each in self.lots(name)]
