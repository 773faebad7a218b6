"""Read the first sheet of an XLSX workbook row by row.

openpyxl reads the sheet as a stream, and takes its XML parser from defusedxml, which refuses
entities. ``workbook_parts`` bounds what it reads. Cells beyond the last allowed column are not
built, and rows are counted as they come, because a single cell may claim to be in column XFD or in
row 1,000,000.

A cell of which a spreadsheet shows a month and no day is a month: of a typed 05/2026 it makes the
1st of May.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from useby.imports import workbook_parts
from useby.imports.formulas import formulas
from useby.imports.grids import HEADER_WITHIN, Cells, fill
from useby.imports.tables import (
    MOST_COLUMNS,
    MOST_ROWS,
    Format,
    Formula,
    Number,
    Table,
    UnreadableFile,
    too_many_rows,
)

MARK: Final = b"PK\x03\x04"
"""First bytes of a ZIP archive."""
FIRST_ROWS: Final = 2 * HEADER_WITHIN
"""Rows that show how many columns the table has; later cells beyond them are ignored."""
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot contain (ECMA-376, ST_Xstring)."""
_NO_TOKENS: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].|;.*', re.DOTALL)
"""Parts of a number format that are no tokens: literals, colours and locales, and further formats
behind the first one (ECMA-376, section 18.8.31)."""


def read(data: bytes, chosen: Mapping[str, str]) -> Table:
    """Return the rows of a workbook's first sheet.

    Raises:
        UnreadableFile: The file is no workbook, is too large unpacked, contains XML entities, or
            has not the needed columns.
    """
    workbook_parts.check(data)
    table = Table(Format.XLSX)
    try:
        fill(table, _rows(data), chosen)
    except (UnreadableFile, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - the library raises many types for a hostile file
        raise UnreadableFile(workbook_parts.NOT_READABLE) from None
    return table


def _rows(data: bytes) -> Iterator[tuple[int, Cells]]:
    from openpyxl import load_workbook  # noqa: PLC0415 - only this format needs it

    # The library warns of styles and extensions that have no meaning here.
    warnings.filterwarnings("ignore", module=r"openpyxl\.")
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        sheet: Any = book.worksheets[0]
        # The size that a sheet states may be wrong.
        sheet.reset_dimensions()
        without_value = formulas(sheet._get_source)  # noqa: SLF001 - openpyxl has no other way
        first = islice(sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), FIRST_ROWS)
        # Each row is filled up to the last column, so a table of seven columns is read as such.
        widest = max(map(_width, first), default=0)
        for line, cells in enumerate(sheet.iter_rows(max_col=max(widest, 1)), 1):
            if line > MOST_ROWS:
                raise too_many_rows()
            values = [_value(cell) for cell in cells]
            if found := without_value.get(line):
                values = _with_formulas(values, found)
            yield line, [_text(value) for value in values[: _width(values)]]
    finally:
        book.close()


def _value(cell: Any) -> Any:
    """Return the value of a cell; of one that shows a month without its day, the month as text."""
    value = cell.value
    if isinstance(value, date) and value.day == 1 and _shows_a_month(cell.number_format):
        return value.strftime("%Y-%m")
    return value


@lru_cache(maxsize=256)
def _shows_a_month(number_format: str) -> bool:
    """Return whether a format shows month and year, and neither a day nor a time."""
    tokens = set(_NO_TOKENS.sub("", number_format).casefold())
    return {"m", "y"} <= tokens and tokens.isdisjoint("dhs")


def _with_formulas(values: Sequence[Any], found: Mapping[int, Formula]) -> list[Any]:
    """Return the values of a row with its formulas that have none; columns count from 1."""
    return [found.get(column, value) for column, value in enumerate(values, 1)]


def _width(values: Sequence[Any]) -> int:
    """Return the number of cells up to the last one that has a value."""
    # This is far faster than the search, and most gaps are whole rows.
    if values.count(None) == len(values):
        return 0
    return next(n for n in range(len(values), 0, -1) if values[n - 1] is not None)


def _text(value: Any) -> str:
    """Return a cell as a person would write it in a text file."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_whole = isinstance(value, float) and value.is_integer()
        return Number(format(value, ".0f") if is_whole else value)
    if isinstance(value, str) and "_x" in value and not isinstance(value, Formula):
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
    return value if isinstance(value, str) else str(value)
