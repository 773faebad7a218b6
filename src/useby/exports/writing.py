"""Write pages of stock as JSON, CSV or XLSX."""

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from useby.domain.account import User
from useby.domain.policy_scopes import kept_policies
from useby.domain.safe_cells import harmless
from useby.exports.rows import HEADER, Cell, rows
from useby.schemas.policy_file import exported_policies
from useby.schemas.stock import plain
from useby.schemas.stock_file import FORMAT, VERSION, exported
from useby.store.exports import Kept


class ExportFormat(StrEnum):
    """Format of an export."""

    JSON = "json"
    """useby's own form, with all lots and movements."""
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES = {
    ExportFormat.JSON: "application/json",
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Writer(Protocol):
    """Writes pages one after the other. Used in one thread at a time."""

    whole: bool
    """True if it writes all lots with their movements, false for the open lots alone."""

    def write(self, page: Sequence[Kept]) -> bytes:
        """Return what a page adds to the file; perhaps nothing yet."""

    def end(self) -> Iterator[bytes]:
        """Yield the rest of the file."""

    def close(self) -> None:
        """Release what the writer holds, also if it did not come to its end."""


class JsonWriter:
    """Writes useby's own form, a product a line, after the owner's policies of alerts."""

    whole = True

    def __init__(self, owner: User) -> None:
        """Begin the file."""
        policies = ",\n".join(exported_policies(kept_policies(owner)))
        listed = f'"policies":[\n{policies}\n],' if policies else ""
        self._before = f'{{"format":"{FORMAT}","version":{VERSION},{listed}"products":['

    def write(self, page: Sequence[Kept]) -> bytes:
        """Return the lines of a page."""
        lines = [exported(each.product, each.lots, each.movements) for each in page]
        before, self._before = self._before, ","
        return (before + "\n" + ",\n".join(lines)).encode()

    def end(self) -> Iterator[bytes]:
        """Yield the end of the list."""
        before = self._before.removeprefix(",")
        yield f"{before}\n]}}\n".encode()

    def close(self) -> None:
        """Do nothing."""


class CsvWriter:
    """Writes CSV (RFC 4180) in UTF-8."""

    whole = False

    def __init__(self, zone: ZoneInfo) -> None:
        """Begin the file; instants have the offset of ``zone``."""
        self._zone = zone
        self._out = io.StringIO(newline="")
        self._csv = csv.writer(self._out)
        self._csv.writerow(HEADER)

    def write(self, page: Sequence[Kept]) -> bytes:
        """Return the lines of a page."""
        self._csv.writerows(map(_text, row) for row in rows(page, self._zone))
        return self._taken()

    def end(self) -> Iterator[bytes]:
        """Yield the header, if there was no page."""
        yield self._taken()

    def close(self) -> None:
        """Do nothing."""

    def _taken(self) -> bytes:
        data = self._out.getvalue().encode()
        self._out.seek(0)
        self._out.truncate()
        return data


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return harmless(cell)
    return plain(cell) if isinstance(cell, Decimal) else cell.isoformat()


def writer_of(format_: ExportFormat, owner: User) -> Writer:
    """Return a writer of a format."""
    if format_ is ExportFormat.JSON:
        return JsonWriter(owner)
    if format_ is ExportFormat.CSV:
        return CsvWriter(owner.zone)
    from useby.exports.xlsx_file import XlsxWriter  # noqa: PLC0415 - only this format needs it

    return XlsxWriter(owner.zone)
