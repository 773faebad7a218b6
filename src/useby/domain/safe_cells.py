"""Make text cells harmless for spreadsheets, which run what begins like a formula (CWE-1236).

An apostrophe in front makes a cell text. A spreadsheet may cut a line of CSV at another separator
than the one that was meant, and then quotation marks do not hold a cell together. So the parts of a
cell between semicolons, tabs and line ends are made harmless, too. A text that begins with
apostrophes and goes on like a formula gets one more, so the import restores every text exactly.
"""

import re
from typing import Final

_SIGN: Final = "[=+@\uff1d\uff0b\uff0d\uff20-]"
"""First character of a formula, in ASCII or full-width."""
_RUNS: Final = re.compile(rf"\A(?='*[\t\r\n])|(?:\A|(?<=[;\t\r\n]))(?='*{_SIGN})")
"""Place before a tab, a line end or a formula, perhaps after apostrophes, where a cell begins."""
_ESCAPED: Final = re.compile(rf"\A'(?='*[\t\r\n])|(?:\A|(?<=[;\t\r\n]))'(?='*{_SIGN})")
_SUSPECT: Final = re.compile(rf"[\t\r\n]|{_SIGN}")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs."""
    return _RUNS.sub("'", text) if _SUSPECT.search(text) else text


def as_it_was(text: str) -> str:
    """Return the text that ``harmless`` was given."""
    return _ESCAPED.sub("", text) if "'" in text else text
