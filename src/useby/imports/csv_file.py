"""Read CSV: find its separator and yield its rows with their lines."""

import contextlib
import csv
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from useby.imports.grids import HEADER_WITHIN, Cells, fill, header_of, known_columns
from useby.imports.tables import BLANKS, Format, Table, UnreadableFile

SEPARATORS: Final = ",;\t"
_SEP_LINE: Final = re.compile(r'"?sep=([^\s\w"]|\t)\1*"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
"""First line that names the separator to Excel; some writers put the separator at its end, too."""
SAMPLE: Final = 256 * 1024
"""Characters from which the separator is found out."""
HOMEBOX: Final = "HB."
"""Beginning of the columns of Homebox."""


def read(text: str, encoding: str, chosen: Mapping[str, str]) -> Table:
    """Return the rows of a CSV file, or of Homebox's.

    Raises:
        UnreadableFile: The text is not CSV, or has not the needed columns.
    """
    begin, separator = 0, ""
    if named := _SEP_LINE.match(text):
        begin, separator = named.end(), named[1]
    else:
        separator = max(SEPARATORS, key=lambda each: _likelihood(text[:SAMPLE], each, chosen))
    head = header(text[begin : begin + SAMPLE], separator, chosen)
    is_homebox = any(cell.strip(BLANKS).startswith(HOMEBOX) for cell in head)
    table = Table(Format.HOMEBOX if is_homebox else Format.CSV, encoding, separator)
    fill(table, _rows(text, separator, begin), chosen)
    return table


def header(sample: str, separator: str, chosen: Mapping[str, str]) -> Cells:
    """Return the most likely header among the first rows; they may end in an error."""
    rows: list[Cells] = []
    with contextlib.suppress(UnreadableFile):
        rows.extend(cells for _, cells in islice(_rows(sample, separator, 0), 2 * HEADER_WITHIN))
    return rows[header_of(rows, chosen)] if rows else ()


def _likelihood(sample: str, separator: str, chosen: Mapping[str, str]) -> tuple[int, int]:
    """Return the numbers of columns found and of cells, as if this were the separator."""
    head = header(sample, separator, chosen)
    return len(known_columns(head, chosen)), len(head)


def _rows(text: str, separator: str, begin: int) -> Iterator[tuple[int, Cells]]:
    reader = csv.reader(_lines(text, begin), delimiter=separator, strict=True)
    skipped = 1 if begin else 0
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader, None)
        except csv.Error:
            # The beginning of the next row cannot be determined.
            raise UnreadableFile(
                f"line {line}: this row is not valid CSV: a cell has at most"
                f" {csv.field_size_limit()} characters and is quoted as a whole or not at all,"
                ' e.g. "Organic Milk"'
            ) from None
        if cells is None:
            return
        yield line, cells


def _lines(text: str, begin: int) -> Iterator[str]:
    """Yield the lines with their ends; an old Macintosh ends them by a carriage return alone."""
    mark = "\n" if "\n" in text else "\r"
    while begin < len(text):
        end = text.find(mark, begin) + 1 or len(text)
        yield text[begin:end]
        begin = end
