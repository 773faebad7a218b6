"""Turn rows of cells (CSV, XLSX) into named values: find the header, and map its columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from useby.domain.safe_cells import as_it_was
from useby.imports.headers import LEFT_OUT, SILENT, USE_BY_DATES, our_name, states_use_by
from useby.imports.tables import BLANKS, MOST_COLUMNS, Formula, Number, Table, UnreadableFile

Cells = Sequence[str]
Lines = Iterable[tuple[int, Cells]]
"""Rows of cells, each with the number of its line."""

NEEDED: Final = ("name", "expiryDate")
"""Columns without which a table is not one of products."""
NO_VALUE: Final = (
    "the cell has a formula without a stored value; open and save the file in a spreadsheet program"
)
HEADER_WITHIN: Final = 30
"""The header is one of this many first rows that are not empty."""


def fill(table: Table, lines: Lines, chosen: Mapping[str, str]) -> None:
    """Add the rows of a grid to ``table``.

    Args:
        table: The table.
        lines: The rows of the file.
        chosen: Our names by the file's names of columns, as a person chose them.

    Raises:
        UnreadableFile: There is no header with the needed columns.
    """
    rows = _not_empty(lines)
    first = list(islice(rows, HEADER_WITHIN))
    place = header_of([cells for _, cells in first], chosen)
    for line, cells in first[:place]:
        text = " ".join(cell for cell in cells if cell)
        table.warn(line, "this line stands before the header and is passed over", value=text)
    heads = first[place][1] if first else []
    names = _columns(table, heads, chosen)
    common = _stated_kind(table, heads, names)
    for line, cells in chain(first[place + 1 :], rows):
        if len(cells) > len(names):
            message = (
                f"the row has {len(cells)} cells under {len(names)} columns; a cell that contains"
                " the separator is quoted as a whole"
            )
            table.refuse_row(line, message, cells[-1])
            continue
        found = zip(names, cells, strict=False)
        values = {name: cell for name, cell in found if name and cell}
        formula = next((name for name in values if isinstance(values[name], Formula)), None)
        if formula is not None:
            table.refuse_row(line, NO_VALUE, values[formula], formula)
            continue
        table.add(line, common | values)


def _stated_kind(table: Table, heads: Cells, names: Sequence[str | None]) -> dict[str, str]:
    """Return the kind of date that the header of the dates states, for rows that have none."""
    head = next(head for head, name in zip(heads, names, strict=True) if name == "expiryDate")
    if not states_use_by(head):
        return {}
    table.warn(None, USE_BY_DATES.format(head), "dateKind", head)
    return {"dateKind": "use_by"}


def header_of(rows: Sequence[Cells], chosen: Mapping[str, str]) -> int:
    """Return the place of the row that has most words of ours, the most likely header."""
    most, place = 0, 0
    for number, cells in enumerate(rows):
        known = len(known_columns(cells, chosen))
        if known > most:
            most, place = known, number
    return place


def known_columns(cells: Cells, chosen: Mapping[str, str]) -> set[str]:
    """Return our names of the columns in a header."""
    names = (our_name(cell, chosen) for cell in cells if cell)
    return {name for name in names if name is not None}


def _not_empty(lines: Lines) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that have a value, without blanks around cells and empty cells at the end."""
    for line, raw in lines:
        cells = [
            cell if isinstance(cell, Number | Formula) else as_it_was(cell.strip(BLANKS))
            for cell in raw
        ]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise UnreadableFile(f"line {line}: the file has more than {MOST_COLUMNS} columns")
        if cells:
            yield line, cells


def _columns(table: Table, heads: Cells, chosen: Mapping[str, str]) -> list[str | None]:
    """Return our name of each column of the header; ``None`` for those that are left out."""
    names: list[str | None] = []
    for head in heads:
        name = our_name(head, chosen) if head else LEFT_OUT
        if name in names and name not in (None, LEFT_OUT):
            # Homebox's warranty stands aside for a field that is called after the date.
            if table.columns.get("HB.warranty_expires") == name:
                names[names.index(name)] = None
                table.leave_out("HB.warranty_expires", "another column has the date")
            else:
                table.leave_out(head, f"another column is {name} already")
                names.append(None)
                continue
        names.append(_known(table, head, name))
    missing = [name for name in NEEDED if name not in names]
    if missing:
        found = ", ".join(head for head in heads[:20] if head) or "none"
        raise UnreadableFile(
            f"the column {missing[0]} is missing; the file's columns are: {found}. Name it with"
            f" map=THEIRS:{missing[0]}",
            table.columns,
        )
    if absent := [theirs for theirs in chosen if not _is_there(theirs, heads, chosen)]:
        raise UnreadableFile(f"map names a column that the file does not have: {absent[0]}")
    return names


def _known(table: Table, head: str, name: str | None) -> str | None:
    if name == LEFT_OUT:
        if head:
            table.columns[head] = None
        return None
    if name is None:
        table.leave_out(head, "its name is unknown")
        return None
    if name in SILENT:
        table.columns[head] = None
        return name
    table.columns[head] = name
    return name


def _is_there(theirs: str, heads: Cells, chosen: Mapping[str, str]) -> bool:
    one = {theirs: chosen[theirs]}
    return any(our_name(head, one) == chosen[theirs] for head in heads)
