"""Make text cells harmless for spreadsheets, which run what begins like a formula (CWE-1236).

An apostrophe in front makes a cell text. A text that begins with apostrophes and goes on like a
formula gets one more, so that the import restores every text exactly.
"""

import re
from typing import Final

_RUNS: Final = re.compile("'*[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")
"""Beginning of a formula, in ASCII or in full-width characters, perhaps after apostrophes."""
_ESCAPED: Final = re.compile("'+[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs."""
    return f"'{text}" if _RUNS.match(text) else text


def as_it_was(text: str) -> str:
    """Return the text that ``harmless`` was given."""
    return text[1:] if _ESCAPED.match(text) else text
