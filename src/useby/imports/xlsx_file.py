"""Read the first sheet of an XLSX workbook row by row.

openpyxl reads the sheet as a stream, and takes its XML parser from defusedxml, which refuses
entities. A workbook is a ZIP archive: the sizes that its directory states are checked before
anything is unpacked, and no more than these sizes is ever unpacked. Tags are counted before they
are parsed. Cells beyond the last allowed column are not built, and rows are counted as they come,
because a single cell may claim to be in column XFD or in row 1,000,000.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import partial
from itertools import islice
from typing import Any, Final

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
MOST_UNPACKED: Final = 48 * 1024 * 1024
"""Maximum size of the unpacked XML, in bytes; 20,000 rows take some 10 MiB."""
MOST_PARTS: Final = 1000
"""Maximum files in the archive."""
MOST_IN_A_SHEET: Final = 3_000_000
"""Maximum tags and attributes of a sheet; a cell has some seven, and openpyxl may have all of them
in memory, as one row."""
MOST_STRINGS: Final = 1_000_000
"""Maximum tags and attributes of the table of shared strings."""
MOST_IN_A_PART: Final = 100_000
"""Maximum tags and attributes of another part, such as the styles."""
FIRST_ROWS: Final = 2 * HEADER_WITHIN
"""Rows that show how many columns the table has; later cells beyond them are ignored."""
PIECE: Final = 1024 * 1024
_ENTRY: Final = b"PK\x01\x02"
_PARSED: Final = (".xml", ".rels")
_SHEETS: Final = "xl/worksheets/"
_STRINGS: Final = "sharedStrings.xml"
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot contain (ECMA-376, ST_Xstring)."""
NOT_READABLE: Final = "the file is not a workbook that can be read; save it again as XLSX or CSV"


def read(data: bytes, chosen: Mapping[str, str]) -> Table:
    """Return the rows of a workbook's first sheet.

    Raises:
        UnreadableFile: The file is no workbook, is too large unpacked, contains XML entities, or
            has not the needed columns.
    """
    _check(data)
    table = Table(Format.XLSX)
    try:
        fill(table, _rows(data), chosen)
    except (UnreadableFile, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - the library raises many types for a hostile file
        raise UnreadableFile(NOT_READABLE) from None
    return table


def _check(data: bytes) -> None:
    """Refuse an archive that would take much more memory than a usual workbook.

    Raises:
        UnreadableFile: The archive is damaged or too large.
    """
    if data.count(_ENTRY) > MOST_PARTS:
        raise _too_large()
    try:
        is_small = _is_small(data)
    except Exception:  # noqa: BLE001 - the library raises many types for a hostile file
        raise UnreadableFile(NOT_READABLE) from None
    if not is_small:
        raise _too_large()


def _is_small(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [part for part in archive.infolist() if part.filename.endswith(_PARSED)]
        if sum(part.file_size for part in parts) > MOST_UNPACKED:
            return False
        for part in parts:
            with archive.open(part) as opened:
                if not _has_few_tags(part.filename, iter(partial(opened.read, PIECE), b"")):
                    return False
    return True


def _has_few_tags(name: str, pieces: Iterator[bytes]) -> bool:
    """Count tags and attributes: each takes many times its own length in memory."""
    most = MOST_IN_A_PART
    if name.startswith(_SHEETS):
        most = MOST_IN_A_SHEET
    elif name.endswith(_STRINGS):
        most = MOST_STRINGS
    count = 0
    for piece in pieces:
        count += piece.count(b"<") + piece.count(b"=")
        if count > most:
            return False
    return True


def _too_large() -> UnreadableFile:
    return UnreadableFile(
        f"the workbook has too many cells, or more than {MOST_UNPACKED // 2**20} MiB unpacked;"
        " save it as CSV, or import it in parts"
    )


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
        rows = sheet.iter_rows(max_col=max(widest, 1), values_only=True)
        for line, values in enumerate(rows, 1):
            if line > MOST_ROWS:
                raise too_many_rows()
            found = without_value.get(line)
            cells = _with_formulas(values, found) if found else values
            yield line, [_text(cell) for cell in cells[: _width(cells)]]
    finally:
        book.close()


def _with_formulas(values: Sequence[Any], found: Mapping[int, Formula]) -> Sequence[Any]:
    """Return the values of a row with its formulas that have none; columns count from 1."""
    return [found.get(column, value) for column, value in enumerate(values, 1)]


def _width(values: Sequence[Any]) -> int:
    """Return the number of cells up to the last one that has a value."""
    if values.count(None) == len(
        values
    ):  # far faster than the search, and most gaps are whole rows
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
