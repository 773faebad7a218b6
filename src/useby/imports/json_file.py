"""Read JSON element by element, so that the line of each one is exact and none is read twice."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from useby.imports.headers import (
    LEFT_OUT,
    SILENT,
    USE_BY_DATES,
    our_name,
    states_use_by,
)
from useby.imports.tables import BLANKS, MOST_COLUMNS, Format, Table, UnreadableFile

_SPACE: Final = re.compile(r"[ \t\r\n]*")
MOST_MEMBERS: Final = 64
"""Maximum members of the object around the arrays."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an array, or a member of the object around it."""

    member: str | None
    """Key of the member in which it stands; ``None`` for an element of the outer array."""
    line: int
    value: Any
    is_listed: bool = True
    """False for a member that is no array."""


def elements(text: str) -> Iterator[Element]:
    """Yield the elements of an array, or of the arrays that are members of an object.

    Raises:
        UnreadableFile: The text is not JSON of this form.
    """
    yield from _Walk(text).document()


def read(found: Iterator[Element], encoding: str, chosen: Mapping[str, str]) -> Table:
    """Return the rows of an array of products with the names of the REST API.

    Raises:
        UnreadableFile: The text is not an array.
    """
    table = Table(Format.JSON, encoding)
    names: dict[str, str | None] = {}
    for element in found:
        if element.member is not None:
            raise UnreadableFile('the file must be an array of products: [{"name": …}, …]')
        if not isinstance(element.value, dict):
            message = 'must be an object, e.g. {"name": "Milk", "expiryDate": "2099-03-04"}'
            table.refuse_row(element.line, message, element.value)
            continue
        values: dict[str | None, Any] = {}
        for key, value in element.value.items():
            if key not in names:
                names[key] = _named(table, key, chosen)
            if names[key] is not None and value not in ("", None):
                values[names[key]] = value.strip(BLANKS) if isinstance(value, str) else value
                if names[key] == "expiryDate" and states_use_by(key):
                    values.setdefault("dateKind", "use_by")
        table.add(element.line, {name: each for name, each in values.items() if name})
    return table


def _named(table: Table, key: str, chosen: Mapping[str, str]) -> str | None:
    if len(table.columns) >= MOST_COLUMNS:
        return None
    name = our_name(key, chosen)
    if name == LEFT_OUT:
        table.columns[key] = None
    elif name is None:
        table.leave_out(key, "its name is unknown")
    elif name in SILENT:
        table.columns[key] = None
        return None if name == "archived" else name
    else:
        table.columns[key] = name
        if name == "expiryDate" and states_use_by(key):
            table.warn(None, USE_BY_DATES.format(key), "dateKind", key)
        return name
    return None


class _Walk:
    """Position in a JSON text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(parse_float=Decimal)
        self._line, self._at = 1, 0

    def document(self) -> Iterator[Element]:
        self._skip()
        if self._takes("["):
            yield from self._array(None)
        elif self._takes("{"):
            yield from self._object()
        else:
            raise UnreadableFile('the file must be an array of products: [{"name": …}, …]')
        if self._at < len(self._text):
            raise self._fault("the file goes on after its JSON")

    def _object(self) -> Iterator[Element]:
        if self._takes("}"):
            return
        for _ in range(MOST_MEMBERS):
            key = self._value()
            if not isinstance(key, str) or not self._takes(":"):
                raise self._fault("a key and a colon are missing")
            line = self._line
            if self._takes("["):
                yield from self._array(key)
            else:
                yield Element(key, line, self._value(), is_listed=False)
            if self._takes("}"):
                return
            if not self._takes(","):
                raise self._fault("a comma or the end of the object is missing")
        raise self._fault(f"the object has more than {MOST_MEMBERS} members")

    def _array(self, member: str | None) -> Iterator[Element]:
        if self._takes("]"):
            return
        while True:
            line = self._line
            yield Element(member, line, self._value())
            if self._takes("]"):
                return
            if not self._takes(","):
                raise self._fault("a comma or the end of the array is missing")

    def _value(self) -> Any:
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError, ArithmeticError):
            raise self._fault(
                'this is not valid JSON; a product looks like {"name": "Milk", …}'
            ) from None
        self._line += self._text.count("\n", self._at, end)
        self._at = end
        self._skip()
        return value

    def _takes(self, char: str) -> bool:
        if not self._text.startswith(char, self._at):
            return False
        self._at += 1
        self._skip()
        return True

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        end = match.end() if match else self._at
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _fault(self, message: str) -> UnreadableFile:
        return UnreadableFile(f"line {self._line}: {message}")
