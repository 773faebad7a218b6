"""A person's stock on the command line, as tests of the commands use it."""

import json
from typing import Any

from tests.support.cli_result import CliResult, Useby

EMAIL = "ada@example.org"
FAR = "2126-03-04"
"""A date that is fresh in every test."""


class Shelf:
    """Calls commands for one person."""

    def __init__(self, useby: Useby) -> None:
        self.useby = useby

    def __call__(self, *words: str) -> CliResult:
        return self.useby(*words, "--user", EMAIL)

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
