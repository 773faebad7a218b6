"""Find the formulas of an XLSX sheet whose values the workbook does not have.

A program that writes a formula without computing it stores no value, and openpyxl then returns an
empty cell. A formula with an empty text as its value has the type ``str``.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO, Any, Final

from useby.imports.tables import MOST_COLUMNS, Formula, UnreadableFile
from useby.schemas.imports import MOST_VALUE

MOST: Final = 10_000
"""Maximum formulas without a value; a workbook with more is refused as a whole."""
PIECE: Final = 1024 * 1024
_TAG: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s/>]")
_PLACE: Final = re.compile("([A-Za-z]{1,3})[0-9]+")


def formulas(opened: Callable[[], IO[bytes]]) -> Mapping[int, Mapping[int, Formula]]:
    """Return the formulas without a value, by row and column, both counted from 1.

    Args:
        opened: Opens the XML of the sheet.

    Raises:
        UnreadableFile: There are too many.
    """
    # It is that of defusedxml, which refuses entities.
    from openpyxl.xml.functions import iterparse  # noqa: PLC0415 - only this format needs it

    found: dict[int, dict[int, Formula]] = defaultdict(dict)
    with opened() as source:
        if not _has_formulas(source):
            return found
    number = line = 0
    with opened() as source:
        for _, row in iterparse(source):
            if row.tag != f"{_TAG}row":
                continue
            line = int(row.get("r", line + 1))
            for column, formula in _in_row(row):
                found[line][column] = formula
                number += 1
                if number > MOST:
                    raise UnreadableFile(
                        f"the workbook has more than {MOST:,} formulas without a stored value; open"
                        " and save the file in a spreadsheet program"
                    )
            row.clear()
    return found


def _has_formulas(source: IO[bytes]) -> bool:
    end = b""
    for piece in iter(partial(source.read, PIECE), b""):
        if _FORMULA.search(end + piece):
            return True
        end = piece[-MOST_VALUE:]
    return False


def _in_row(row: Any) -> "list[tuple[int, Formula]]":
    """Return the columns of a row that have a formula without a value."""
    found, column = [], 0
    for cell in row:
        place = _PLACE.fullmatch(cell.get("r", ""))
        column = _number_of(place[1]) if place else column + 1
        formula = cell.find(f"{_TAG}f")
        if formula is None or cell.get("t") == "str" or column > MOST_COLUMNS:
            continue
        if not cell.findtext(f"{_TAG}v"):
            text = (formula.text or "")[:MOST_VALUE]
            found.append((column, Formula(f"={text}")))
    return found


def _number_of(letters: str) -> int:
    """Return the number of a column: 1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
