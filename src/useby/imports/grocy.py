"""Read Grocy's stock, from its SQLite file or from the answers of its API in one JSON file.

The JSON file is an object whose members are called after the objects of the API: ``stock``
(``/api/objects/stock``, an entry a lot, or ``/api/stock``, one a product), ``products``,
``locations``, ``quantity_units``, ``product_groups``, ``product_barcodes``. The answer of
``/api/stock`` alone is enough for names, dates and amounts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from useby.domain.barcodes import MAX_BARCODES, distinct
from useby.domain.stock import MAX_QUANTITY
from useby.imports.json_file import Element
from useby.imports.tables import MOST_ROWS, Format, Table, UnreadableFile, too_many_rows
from useby.store.foreign_file import BadFile, read_tables

Record = Mapping[str, Any]

TABLES: Final = {
    "stock": (
        *("id", "product_id", "amount", "best_before_date", "location_id", "note"),
        *("price", "purchased_date", "open", "opened_date"),
    ),
    "products": (
        *("id", "name", "product_group_id", "location_id", "qu_id_stock", "due_type"),
        "min_stock_amount",
        "default_best_before_days_after_open",
        "default_best_before_days_after_freezing",
        "default_best_before_days_after_thawing",
    ),
    "locations": ("id", "name", "is_freezer"),
    "quantity_units": ("id", "name"),
    "product_groups": ("id", "name"),
    "product_barcodes": ("id", "product_id", "barcode"),
}
"""Grocy's tables and objects, with the columns that are read."""
COLUMNS: Final[Mapping[str, str | None]] = {
    "product.name": "name",
    "best_before_date": "expiryDate",
    "amount": "quantity",
    "product.qu_id_stock": "unit",
    "product.product_group_id": "category",
    "location_id": "location",
    "location.is_freezer": "state",
    "product.due_type": "dateKind",
    "product_barcodes.barcode": "barcodes",
    "note": "notes",
    "price": "price",
    "purchased_date": "receivedOn",
    "amount_opened": "state",
    "open": "state",
    "opened_date": "stateSince",
    "product.min_stock_amount": "minimumStock",
    "product.default_best_before_days_after_open": "afterOpening",
    "product.default_best_before_days_after_freezing": "afterFreezing",
    "product.default_best_before_days_after_thawing": "afterThawing",
}
RULES: Final = {
    ours: theirs.removeprefix("product.")
    for theirs, ours in COLUMNS.items()
    if ours is not None and ours.startswith("after")
}
"""Grocy's field of each rule, in days. 0 is no rule, and -1 is never."""
TRUE: Final = ("1", "True", "true")
"""Values of ``open`` of an entry that is opened as a whole, and of ``is_freezer``."""
USE_BY: Final = "2"
"""Grocy's ``due_type`` of a product that expires; 1 is a best-before date."""
NO_DATE: Final = (
    "Grocy has no days after thawing for {}: what is frozen of it will have no date once it is"
    " thawed, until you type one"
)
"""Warning of a product that stands in a freezer."""


def is_grocy(first: Element) -> bool:
    """Return whether a JSON file is Grocy's, by its first element."""
    if first.member is not None:
        return first.member in TABLES
    value = first.value
    return isinstance(value, dict) and "product_id" in value and "best_before_date" in value


def read_sqlite(data: bytes) -> Table:
    """Return the stock of Grocy's SQLite file.

    Raises:
        UnreadableFile: It is another SQLite file, or a damaged one.
    """
    try:
        found = read_tables(data, TABLES, MOST_ROWS)
    except BadFile as error:
        raise UnreadableFile(f"{error}; copy grocy.db while Grocy is stopped") from None
    if not found.keys() >= {"stock", "products"}:
        raise UnreadableFile("the SQLite file is not Grocy's: it has no tables stock and products")
    table = Table(Format.GROCY)
    entries = enumerate(found.pop("stock"), 1)
    return _fill(table, [(number, entry) for number, entry in entries], found)


def read_json(elements: Iterable[Element], encoding: str) -> Table:
    """Return the stock of a JSON file.

    Raises:
        UnreadableFile: The file has no stock.
    """
    table = Table(Format.GROCY, encoding)
    found: dict[str, list[Record]] = {}
    stock: list[tuple[int, Record]] = []
    for element in elements:
        member, value = element.member or "stock", element.value
        if member not in TABLES or not element.is_listed:
            if member not in table.columns:
                table.leave_out(member, "it is not one of Grocy's objects that are read")
        elif not isinstance(value, dict):
            table.refuse_row(element.line, "must be an object of Grocy's API", value)
        elif member == "stock":
            stock.append((element.line, value))
        else:
            found.setdefault(member, []).append(value)
            if len(found[member]) > MOST_ROWS:
                raise too_many_rows()
    if not stock and not table.bad_rows and "products" not in found:
        raise UnreadableFile("the file has no stock: give the answer of /api/objects/stock")
    return _fill(table, stock, found)


@dataclass(frozen=True, slots=True)
class _Objects:
    """Objects of the file beside its stock, by Grocy's ids."""

    products: Mapping[str, Record]
    locations: Mapping[str, str]
    units: Mapping[str, str]
    groups: Mapping[str, str]
    barcodes: Mapping[str, Sequence[str]]
    freezers: frozenset[str]
    """Locations that are freezers."""

    def product_of(self, entry: Record) -> Record | None:
        """Return the product of an entry, which has it itself or names it."""
        own = entry.get("product")
        return own if isinstance(own, dict) else self.products.get(_id(entry, "product_id"))

    def values(self, entry: Record, product: Record, place: str) -> dict[str, Any]:
        """Return the values of an entry by our names, as if it were sealed and in no freezer."""
        return {
            "name": _text(product, "name"),
            "expiryDate": _text(entry, "best_before_date"),
            "quantity": _amount(entry.get("amount")),
            "unit": self.units.get(_id(product, "qu_id_stock"), ""),
            "category": self.groups.get(_id(product, "product_group_id"), ""),
            "location": self.locations.get(place, ""),
            "dateKind": "use_by" if _id(product, "due_type") == USE_BY else "best_before",
            "barcodes": self.barcodes.get(_id(entry, "product_id"), ()),
            "notes": _text(entry, "note"),
            "price": _some(entry.get("price")),
            "receivedOn": _text(entry, "purchased_date"),
            "minimumStock": _some(product.get("min_stock_amount")),
            **{ours: _days(product.get(theirs)) for ours, theirs in RULES.items()},
        }


def _objects(table: Table, found: Mapping[str, Iterable[Record]]) -> _Objects:
    def names(kind: str) -> Mapping[str, str]:
        return {_id(each, "id"): _text(each, "name") for each in found.get(kind, ())}

    locations = found.get("locations", ())
    return _Objects(
        {_id(each, "id"): each for each in found.get("products", ())},
        names("locations"),
        names("quantity_units"),
        names("product_groups"),
        _barcodes(table, found.get("product_barcodes", ())),
        frozenset(_id(each, "id") for each in locations if _id(each, "is_freezer") in TRUE),
    )


def _fill(
    table: Table,
    stock: Iterable[tuple[int, Record]],
    found: Mapping[str, Iterable[Record]],
) -> Table:
    table.columns.update(COLUMNS)
    objects = _objects(table, found)
    rows: dict[str, tuple[int, dict[str, Any]]] = {}
    warned: set[str] = set()
    empty = 0
    for line, entry in stock:
        product = objects.product_of(entry)
        if product is None:
            message = "the file has no product of this id: add the answer of /api/objects/products"
            table.refuse_row(line, message, entry.get("product_id"))
            continue
        place = _id(entry, "location_id") or _id(product, "location_id")
        values = objects.values(entry, product, place)
        if values["quantity"] == "0":
            empty += 1
            continue
        parts: Iterable[Mapping[str, Any]] = _parts(entry, values)
        if place in objects.freezers:
            parts = [_frozen(values)]
            name = values["name"]
            if not values["afterThawing"] and name not in warned:
                warned.add(name)
                table.warn(line, NO_DATE.format(name), "afterThawing", name)
        for part in parts:
            _put(rows, line, {name: value for name, value in part.items() if value})
    for line, row in rows.values():
        table.add(line, row)
    if empty:
        table.warn(None, f"entries with the amount 0 are passed over: {empty}")
    return table


def _put(rows: dict[str, tuple[int, dict[str, Any]]], line: int, row: dict[str, Any]) -> None:
    """Add a row, or its quantity to an equal one: Grocy has an entry for each purchase."""
    key = str(row | {"quantity": None})
    if key in rows:
        _, first = rows[key]
        if together := _sum(first.get("quantity"), row.get("quantity")):
            first["quantity"] = together
            return
        key += str(line)  # a value of another type is refused with its own row
    rows[key] = line, row


def _sum(*amounts: Any) -> str:
    """Return the sum of amounts that can be those of lots; empty for others."""
    try:
        numbers = [Decimal(each) for each in amounts]
        is_possible = all(0 < each <= MAX_QUANTITY for each in numbers)
        return _amount(sum(numbers)) if is_possible else ""
    except (ArithmeticError, TypeError, ValueError):
        return ""


def _frozen(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entry that is in a freezer.

    Grocy replaces the date of what is moved into a freezer by the one that counts there, and does
    not keep that of the package.
    """
    frozen = {"state": "frozen", "typedDate": values["expiryDate"], "expiryDate": ""}
    return {**values, **frozen}


def _barcodes(table: Table, found: Iterable[Record]) -> Mapping[str, Sequence[str]]:
    """Return the barcodes of each product, as many as a product can have."""
    barcodes: dict[str, list[str]] = {}
    for each in found:
        barcodes.setdefault(_id(each, "product_id"), []).append(_text(each, "barcode"))
    kept = {}
    for product_id, every in barcodes.items():
        kept[product_id] = list(distinct(every))
        if left := kept[product_id][MAX_BARCODES:]:
            message = f"a product has at most {MAX_BARCODES} barcodes; passed over: {len(left)}"
            table.warn(None, message, "barcodes", left[0])
            del kept[product_id][MAX_BARCODES:]
    return kept


def _parts(entry: Record, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield an entry's sealed part and its opened one, each if it is there."""
    amount, opened = values["quantity"], _amount(entry.get("amount_opened"))
    since = {"state": "opened", "stateSince": _text(entry, "opened_date")}
    if _id(entry, "open") in TRUE:
        yield {**values, **since}
        return
    try:
        sealed = Decimal(amount) - Decimal(opened or 0)
        is_split = sealed.is_finite() and 0 < Decimal(opened or 0) <= Decimal(amount)
    except ArithmeticError:  # a value of another type is refused with its row
        is_split = False
    if not is_split:
        yield values
        return
    if sealed > 0:
        yield {**values, "quantity": _amount(sealed)}
    yield {**values, **since, "quantity": opened}


def _some(value: Any) -> str:
    """Return an amount for which 0 stands where none is set."""
    amount = _amount(value)
    return "" if amount == "0" else amount


def _days(value: Any) -> str:
    """Return a rule for a number of days; empty for none."""
    days = _amount(value)
    return f"P{days}D" if days.isdecimal() and int(days) > 0 else ""


def _id(record: Record, name: str) -> str:
    """Return an id; older versions of Grocy send it as a text."""
    value = record.get(name)
    return "" if value is None else str(value)


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value).strip()


def _amount(value: Any) -> str:
    """Return an amount without the rounding error of a binary fraction."""
    if value in (None, "") or isinstance(value, bool):
        return ""
    try:
        number = round(Decimal(str(value)), 6)
    except ArithmeticError:
        return str(value)
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
