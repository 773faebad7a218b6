"""Read products from a CSV or JSON file row by row, each with its line number."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from useby.cli.options import CommandError
from useby.schemas.products import ProductIn

COLUMNS: Final = {
    re.sub(r"[\W_]", "", name): str(field.alias) for name, field in ProductIn.model_fields.items()
}
"""JSON names of columns, by their names without case, blanks and underscores."""
NEEDED: Final = ("name", "expiryDate")
_SPACE: Final = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file, not validated yet."""

    line: int
    value: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in a row, with the number of its line."""

    line: int
    message: str


def read(path: Path) -> Iterator[Row | Fault]:
    """Return the rows of a file.

    Raises:
        CommandError: The file as a whole cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{path}:{line}: this line is not UTF-8; save the file as UTF-8"
        ) from None
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _csv(path, text)
    if suffix == ".json":
        return _json(path, text)
    raise CommandError(f"{path}: the file must be .csv or .json")


def _csv(path: Path, text: str) -> Iterator[Row | Fault]:
    head = text.partition("\n")[0]
    # A spreadsheet writes the separator of its own language.
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = _columns(path, next(reader, []))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            # The beginning of the next row cannot be determined.
            message = (
                f"this row is not valid CSV: a cell has at most {csv.field_size_limit()} characters"
                ' and is quoted as a whole or not at all, e.g. "Organic Milk"'
            )
            raise CommandError(f"{path}:{line}: {message}") from None
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            yield Fault(line, f"{len(cells)} cells under {len(columns)} columns")
            continue
        found = {name: cell for name, cell in zip(columns, cells, strict=True) if cell.strip()}
        if "leadDays" in found:
            yield Row(line, found | {"leadDays": _numbers(found["leadDays"])})
        else:
            yield Row(line, found)


def _columns(path: Path, heads: list[str]) -> list[str]:
    columns = []
    for head in heads:
        name = COLUMNS.get(re.sub(r"[\W_]", "", head).lower())
        if name is None:
            known = ", ".join(COLUMNS.values())
            raise CommandError(f"{path}:1: there is no column {head!r}; there are {known}")
        columns.append(name)
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise CommandError(f"{path}:1: the column {missing[0]} is missing")
    if len(set(columns)) < len(columns):
        raise CommandError(f"{path}:1: a column occurs twice")
    return columns


def _numbers(cell: str) -> list[int | str]:
    """Parse ``7;2;0`` or ``7 2 0``; other texts stay as they are and fail validation later."""
    return [
        int(part) if re.fullmatch(r"[0-9]{1,9}", part) else part
        for part in re.findall(r"[^\s;,]+", cell)
    ]


def _json(path: Path, text: str) -> Iterator[Row | Fault]:
    """Yield the items of a JSON array one by one, so that the line of each is exact."""
    decoder = json.JSONDecoder(parse_float=Decimal)
    line, at = 1, 0

    def skip() -> None:
        nonlocal line, at
        end = _space_end(text, at)
        line += text.count("\n", at, end)
        at = end

    skip()
    if text[at : at + 1] != "[":
        raise CommandError(
            f'{path}:{line}: the file must be a JSON array of products: [{{"name": …}}, …]'
        )
    at += 1
    skip()
    while text[at : at + 1] != "]":
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            where = error.lineno if isinstance(error, json.JSONDecodeError) else line
            message = 'this is not valid JSON; a product looks like {"name": "Milk", …}'
            raise CommandError(f"{path}:{where}: {message}") from None
        yield Row(line, value)
        line += text.count("\n", at, end)
        at = end
        skip()
        if text[at : at + 1] == ",":
            at += 1
            skip()
        elif text[at : at + 1] != "]":
            raise CommandError(f"{path}:{line}: a comma or the end of the array is missing")


def _space_end(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
