"""Read a file of products: find its format, interpret its values, and validate each row."""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any, Final, TypeGuard

from useby.domain.barcodes import listed
from useby.domain.dates import DateOrder
from useby.domain.gs1 import check_digit_warning, upc_e_note
from useby.domain.lot import LotState
from useby.domain.mangled import repair
from useby.imports import (
    amounts,
    csv_file,
    days,
    grocy,
    json_file,
    lot_words,
    tandoor,
    useby_file,
    xlsx_file,
)
from useby.imports.headers import BEFORE_FREEZING, EXPORTED, is_german
from useby.imports.tables import (
    BLANKS,
    Format,
    Note,
    Number,
    Options,
    Row,
    Table,
    UnreadableFile,
)
from useby.imports.text import decode
from useby.schemas.imported import RowIn
from useby.schemas.imports import MOST_DATES, ImportReport, UnderstoodDate, shown
from useby.schemas.products import ProductIn
from useby.schemas.stock_file import StockProduct
from useby.store import foreign_file

DATES: Final = (
    *("expiryDate", "receivedOn", "stateSince", "typedDate", EXPORTED, BEFORE_FREEZING),
)
"""Columns of dates; each decides the order of day and month for itself, or else has the first's."""
NUMBERS: Final = ("quantity", "price", "minimumStock")
"""Columns of numbers; the decimal sign is the same in all."""
RULES: Final = ("shelfLife", "afterOpening", "afterFreezing", "afterThawing")
"""Columns of durations."""
LEAD_DIGITS: Final = 9
_CURRENCY: Final = re.compile(r"[€$£¥]|\b(?:EUR|USD|GBP|CHF)\b")
_DAYS: Final = re.compile(r"([0-9]{1,6})(?: ?(?:d|days?|tage?n?))?", re.IGNORECASE)
_LINE_END: Final = re.compile("[\r\n]+")
_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
_ARCHIVED: Final = ("true", "1", "yes")
_NO_LEADS: Final = ("none", "keine", "-")
_WRITTEN: Final = (Format.CSV, Format.XLSX)
"""Formats whose numbers a person may have written, in the way of a country."""
_NOTHING_LEFT: Final = (Format.HOMEBOX, Format.TANDOOR)
"""Programs that keep an item of which nothing is left, with the amount 0."""


class Reading:
    """The contents of a file: what was found out about it, and its rows."""

    def __init__(self, table: Table, options: Options) -> None:
        """Decide the order of dates and the decimal sign by the whole columns."""
        self.table = table
        self._today, self._zone = options.today, options.zone
        self.order: DateOrder | None = options.order
        self.order_line: int | None = None
        self._orders: dict[str, DateOrder | None] = dict.fromkeys(DATES, options.order)
        if self.order is None:
            self.order, self.order_line = self._order_of("expiryDate")
            for name in DATES:
                self._orders[name] = self._order_of(name)[0] or self.order
        numbers = (row.values.get(name) for name in NUMBERS for row in table.rows)
        self._decimal_commas = amounts.has_decimal_commas(
            (_without_currency(each) for each in numbers if _is_text(each)),
            otherwise=table.format in _WRITTEN
            and (table.separator == ";" or is_german(table.columns)),
        )
        self._noted: set[tuple[str, str]] = set()
        self._dates: dict[tuple[str, str], str | days.BadDate | None] = {}
        self._understood: list[UnderstoodDate] = []
        self._readers: Mapping[str, Callable[[int, Any], Any]] = {
            "expiryDate": partial(self._date, "expiryDate"),
            "receivedOn": self._received_on,
            "stateSince": partial(self._date, "stateSince"),
            "typedDate": partial(self._date, "typedDate"),
            EXPORTED: partial(self._date, EXPORTED),
            BEFORE_FREEZING: partial(self._date, BEFORE_FREEZING),
            **{name: partial(self._number, name) for name in NUMBERS},
            "barcode": self._barcode,
            "barcodes": self._barcodes,
            "dateKind": lot_words.date_kind,
            "state": lot_words.state,
            "leadDays": _lead_days,
            **dict.fromkeys(RULES, _duration),
        }
        self._external_ids: dict[str, tuple[int, ProductIn]] = {}

    @property
    def rows(self) -> int:
        """Number of rows, bad ones included."""
        return len(self.table.rows) + self.table.bad_rows

    def products(self) -> Iterator[tuple[int, ProductIn | None]]:
        """Yield the product of each row with its line; ``None`` for a bad row."""
        shape = StockProduct if self.table.format is Format.USEBY else None
        for row in self.table.rows:
            if shape is not None:
                yield row.line, self._validated(row, shape, row.values)
                continue
            if row.values.get("archived", "").lower() in _ARCHIVED:
                self.table.warn(row.line, "the item is archived and is passed over")
                continue
            if self.table.format in _NOTHING_LEFT and _is_zero(row.values.get("quantity")):
                self.table.warn(row.line, "nothing of the item is left, and it is passed over")
                continue
            yield row.line, self._product(row)

    def report(self) -> ImportReport:
        """Return the report of what was found out; nothing is stored yet."""
        table = self.table
        return ImportReport(
            format=table.format.value,
            encoding=table.encoding,
            separator=table.separator,
            date_order=self.order.value if self.order else None,
            date_order_line=self.order_line,
            dates=self._understood,
            columns=table.columns,
            bad=sorted(table.bad, key=lambda each: each.line or 0),
            warnings=table.warnings,
        )

    def _product(self, row: Row) -> ProductIn | None:
        values: dict[str, Any] = {}
        is_good = True
        for name, raw in self._fields(row):
            reader = self._readers.get(name)
            try:
                values[name] = reader(row.line, raw) if reader else raw
            except days.BadDate as error:
                self.table.refuse(row.line, str(error), name, raw)
                is_good = False
        values.pop("archived", None)
        if EXPORTED in values:
            values["typedDate"] = values.pop(EXPORTED)
        if self.table.format is Format.HOMEBOX and _is_zero(values.get("price")):
            del values["price"]  # Homebox writes 0 where no price is known
        _join_barcodes(values)
        new = self._validated(row, RowIn, values)
        return new if is_good else None

    def _fields(self, row: Row) -> Iterator[tuple[str, Any]]:
        """Yield the values of a row by our names.

        In a table of useby's own, the date that counted stands beside the printed one. It follows
        from a history that the table does not have, unless the lot is sealed. An empty one is
        computed, but what is frozen may have none, because time stands still.
        """
        state = lot_words.state(row.line, row.values.get("state", LotState.SEALED.value))
        is_sealed = state == LotState.SEALED
        for name, raw in row.values.items():
            if not (is_sealed and name in (EXPORTED, BEFORE_FREEZING)):
                yield name, raw
        has_none = EXPORTED in self.table.columns and EXPORTED not in row.values
        if has_none and state == LotState.FROZEN:
            yield EXPORTED, None

    def _validated(
        self, row: Row, shape: type[ProductIn], values: Mapping[str, Any]
    ) -> ProductIn | None:
        new = shape.read(values)
        if not isinstance(new, ProductIn):
            for each in new:
                column = each.at.partition(".")[0] or None
                value = None if column is None else row.values.get(column)
                self.table.refuse(row.line, each.message, column, value)
            return None
        return new if self._is_first(row.line, new) else None

    def _is_first(self, line: int, new: ProductIn) -> bool:
        """Refuse an external id that stands on an earlier line.

        An export has a row for each lot, and each row has the state of its lot.
        """
        if new.external_id is None:
            return True
        first, its = self._external_ids.setdefault(new.external_id, (line, new))
        if first == line:
            return True
        if "state" in new.model_fields_set and (new.name, new.barcode) == (its.name, its.barcode):
            return True
        message = f"{new.external_id!r} stands on line {first} already"
        self.table.refuse(line, message, "externalId", new.external_id)
        return False

    def _order_of(self, name: str) -> tuple[DateOrder | None, int | None]:
        """Return the order of dates in a column, and the line that decides it."""
        dates = ((row.line, row.values.get(name)) for row in self.table.rows)
        return days.order_of((line, date) for line, date in dates if isinstance(date, str))

    def _note(self, line: int, name: str, value: str, note: Note | None) -> None:
        """Warn of how the values of a column are read, once for each kind of note."""
        if note is not None and (name, note[0]) not in self._noted:
            self._noted.add((name, note[0]))
            self.table.warn(line, note[1], name, value)

    def _date(self, name: str, line: int, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            return value
        key = name, value
        if key not in self._dates:
            try:
                read = days.read(value, self._orders[name], self._today)
                self._dates[key] = read
                if name == "expiryDate" and read != value and len(self._understood) < MOST_DATES:
                    text = shown(value) or ""
                    self._understood.append(UnderstoodDate(line=line, text=text, date=read))
                if read is not None:
                    self._note(line, name, value, days.noted(value, read))
            except days.BadDate as error:
                self._dates[key] = error
        found = self._dates[key]
        if isinstance(found, days.BadDate):
            raise found
        return found

    def _received_on(self, line: int, value: Any) -> Any:
        """Return the day of a date, or of a date-time in the household's zone.

        A month of a workbook is its first day: something cannot be received in the future.
        """
        if isinstance(value, str) and _MONTH.fullmatch(value):
            return f"{value}-01"
        found = self._date("receivedOn", line, value)
        return days.day_of(found, self._zone) if isinstance(found, str) else found

    def _number(self, name: str, line: int, value: Any) -> Any:
        if isinstance(value, Decimal):
            return amounts.rounded(value)
        if not isinstance(value, str):
            return value
        if isinstance(value, Number):
            return amounts.plain(value, decimal_commas=False)
        text = _without_currency(value) if name == "price" else value
        commas = self._decimal_commas
        read = amounts.plain(text, decimal_commas=commas)
        if commas or "," in text or not self._has_certain_points:
            self._note(line, name, value, amounts.noted(text, read, decimal_commas=commas))
        return read

    @property
    def _has_certain_points(self) -> bool:
        """True if a program wrote the file: its decimal sign is a point."""
        table = self.table
        is_exported = table.separator == "," and EXPORTED in table.columns
        return is_exported or table.format not in _WRITTEN

    def _barcode(self, line: int, value: Any) -> Any:
        """Return a barcode, or a list of them if it is a list of GTINs."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            return value
        if len(codes := listed(value)) > 1:
            return [self._repaired(line, each) for each in codes]
        return self._repaired(line, value)

    def _barcodes(self, line: int, value: Any) -> Any:
        """Return a list of barcodes: of a cell, those of its lines."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, list):
            return [self._repaired(line, each) if isinstance(each, str) else each for each in value]
        if not isinstance(value, str):
            return value
        return [
            self._repaired(line, code)
            for each in _LINE_END.split(value)
            for code in listed(each.strip(BLANKS))
        ]

    def _repaired(self, line: int, value: str) -> str:
        repaired = repair(value)
        code = repaired.barcode
        found = [repaired.warning]
        if not repaired.is_lost:
            found += [check_digit_warning(code), upc_e_note(code)]
        for warning in found:
            if warning is not None:
                self.table.warn(line, warning, "barcode", value)
        return code


def read(data: bytes, options: Options) -> Reading:
    """Read a file.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    return Reading(_table(data, options), options)


def _table(data: bytes, options: Options) -> Table:
    wanted, chosen = options.format, options.columns
    if data.startswith(foreign_file.MARK) and wanted in (Format.AUTO, Format.GROCY):
        return grocy.read_sqlite(data)
    if data.startswith(xlsx_file.MARK) and wanted in (Format.AUTO, Format.XLSX):
        return xlsx_file.read(data, chosen)
    if wanted is Format.XLSX:
        raise UnreadableFile("the file is no XLSX workbook")
    text, encoding = decode(data)
    text = text.removeprefix("\ufeff")
    is_json = text.lstrip()[:1] in ("[", "{")
    if wanted in (Format.CSV, Format.HOMEBOX) or (wanted is Format.AUTO and not is_json):
        return csv_file.read(text, encoding, chosen)
    return _json(text, encoding, options)


def _json(text: str, encoding: str, options: Options) -> Table:
    elements = json_file.elements(text)
    first = next(elements, None)
    wanted = options.format
    if first is None:
        return Table(Format.JSON if wanted is Format.AUTO else wanted, encoding)
    found = chain([first], elements)
    if wanted is Format.GROCY or (wanted is Format.AUTO and grocy.is_grocy(first)):
        return grocy.read_json(found, encoding)
    if wanted is Format.USEBY or (wanted is Format.AUTO and useby_file.is_useby(first)):
        return useby_file.read(found, encoding)
    if wanted is Format.TANDOOR or (wanted is Format.AUTO and tandoor.is_tandoor(first)):
        return tandoor.read(found, encoding)
    return json_file.read(found, encoding, options.columns)


def _join_barcodes(values: dict[str, Any]) -> None:
    """Put a row's first barcode and the further ones into one list."""
    first, more = values.get("barcode"), values.get("barcodes", [])
    if isinstance(more, list) and (more or isinstance(first, list)):
        values.pop("barcode", None)
        before = first if isinstance(first, list) else [] if first is None else [first]
        values["barcodes"] = [*before, *more]


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not isinstance(value, Number)


def _without_currency(text: str) -> str:
    return _CURRENCY.sub("", text).strip(BLANKS)


def _is_zero(value: Any) -> bool:
    return value in (0, "0", "0.0", "0,0")


def _duration(_: int, value: Any) -> Any:
    """Return whole days as an ISO 8601 duration; other texts are validated as they are."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and (found := _DAYS.fullmatch(value)):
        return f"P{found[1]}D"
    return value.upper() if isinstance(value, str) else value


def _lead_days(_: int, value: Any) -> Any:
    """Parse ``7;2;0``, ``7 2 0`` or ``none``; other texts fail validation as they are."""
    if not isinstance(value, str):
        return value
    if value.casefold() in _NO_LEADS:
        return []
    parts = value.replace(";", " ").replace(",", " ").split()
    return [
        int(part) if part.isascii() and part.isdigit() and len(part) <= LEAD_DIGITS else part
        for part in parts
    ]
