"""Write a workbook with one sheet; openpyxl writes its rows to a file on a disk as they come."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from useby.domain.safe_cells import harmless
from useby.exports.rows import HEADER, Cell, rows
from useby.store.exports import Kept

PIECE: Final = 64 * 1024
MOST_DIGITS: Final = 15
"""Digits that a number of a spreadsheet keeps; a longer one is written as text."""
_NOT_XML: Final = re.compile("[\0-\x08\x0b\x0c\r\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""Characters that XML cannot contain or that a parser changes, and what begins like an escape."""


class XlsxWriter:
    """Writes XLSX: days as dates, quantities as numbers, and everything else as text."""

    whole = False

    def __init__(self, zone: ZoneInfo) -> None:
        """Begin the file; instants have the offset of ``zone``."""
        self._zone = zone
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Stock")
        self._sheet.append(HEADER)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - ``close`` closes it

    def write(self, page: Sequence[Kept]) -> bytes:
        """Write the rows of a page to the disk; nothing can be sent yet."""
        for row in rows(page, self._zone):
            self._sheet.append([self._cell(cell) for cell in row])
        return b""

    def end(self) -> Iterator[bytes]:
        """Yield the workbook."""
        self._book.save(self._file)
        self._file.seek(0)
        yield from iter(partial(self._file.read, PIECE), b"")

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        if not self._sheet.closed:
            self._sheet.close()

    def _cell(self, cell: Cell) -> Any:
        if isinstance(cell, Decimal):
            return cell if len(cell.normalize().as_tuple().digits) <= MOST_DIGITS else f"{cell:f}"
        if not isinstance(cell, str):
            return cell
        if not cell:
            return None
        text = WriteOnlyCell(self._sheet)
        text.value = escaped(harmless(cell))
        text.data_type = "s"
        return text


def escaped(text: str) -> str:
    """Return a text with the escapes that a workbook has (ECMA-376, ST_Xstring)."""
    return _NOT_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
