"""Read Tandoor's inventory: the answer of ``/api/inventory-entry/``, a page or a list."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from useby.imports.json_file import Element
from useby.imports.tables import Format, Table, UnreadableFile

PAGE: Final = "results"
"""Member of a page that has its entries."""
COLUMNS: Final[Mapping[str, str | None]] = {
    "food.name": "name",
    "expires": "expiryDate",
    "amount": "quantity",
    "unit.name": "unit",
    "food.supermarket_category.name": "category",
    "inventory_location.name": "location",
    "inventory_location.is_freezer": "state",
    "note": "notes",
    "code": "lotNumber",
    "expires_frozen": "typedDate",
}


def is_tandoor(first: Element) -> bool:
    """Return whether a JSON file is Tandoor's, by its first element."""
    if first.member is not None:
        return first.member in ("count", "next", "previous", PAGE)
    return isinstance(first.value, dict) and isinstance(first.value.get("food"), dict)


def read(elements: Iterable[Element], encoding: str) -> Table:
    """Return the entries of a file.

    Raises:
        UnreadableFile: The file is a page of something else.
    """
    table = Table(Format.TANDOOR, encoding)
    table.columns.update(COLUMNS)
    for element in elements:
        if element.member not in (None, PAGE):
            if element.member == "next" and element.value:
                table.warn(element.line, "the file is one page of several: import the next, too")
            continue
        if element.member == PAGE and not element.is_listed:
            raise UnreadableFile("the member results must be a list of entries")
        entry = element.value
        if not isinstance(entry, dict) or not isinstance(entry.get("food"), dict):
            table.refuse_row(element.line, "must be an inventory entry with its food", entry)
            continue
        values = {
            "name": _name(entry.get("food")),
            "expiryDate": entry.get("expires"),
            "quantity": entry.get("amount"),
            "unit": _name(entry.get("unit")),
            "category": _name(entry["food"].get("supermarket_category")),
            "location": _location(entry),
            "notes": entry.get("note"),
            "lotNumber": entry.get("code"),
            **_frozen(entry),
        }
        table.add(
            element.line, {name: each for name, each in values.items() if each not in (None, "")}
        )
    return table


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of an entry in a freezer, with the date that counts there if it has one.

    Tandoor keeps that date when the entry is moved to another place, where it does not count.
    """
    location, date = entry.get("inventory_location"), entry.get("expires_frozen")
    is_freezer = location.get("is_freezer") if isinstance(location, dict) else None
    if not (is_freezer or (is_freezer is None and date)):
        return {}
    return {"state": "frozen", "typedDate": date}


def _name(value: Any) -> str:
    """Return the name of a nested object, or of one that is given by its name."""
    name = value.get("name") if isinstance(value, dict) else value
    return name.strip() if isinstance(name, str) else ""


def _location(entry: Mapping[str, Any]) -> str:
    parts = (_name(entry.get("inventory_location")), _name(entry.get("sub_location")))
    return " / ".join(part for part in parts if part)
