"""Tables of what was found."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.rows import Column, Row


def table(title: str, columns: Mapping[str, Column], rows: Sequence[Row]) -> Table:
    """The rows as a table: the median of each figure, and its spread over the rounds."""
    shown = Table(title=title, title_justify="left")
    for heading in ("case", "peer", "token verified by"):
        shown.add_column(heading)
    for column in columns.values():
        shown.add_column(f"{column.heading}\n{column.unit}", justify="right")
    case = ""
    for row in rows:
        if case and row.case != case:
            shown.add_section()
        case = row.case
        cells = [_cell(row, name, column) for name, column in columns.items()]
        shown.add_row(case, row.peer, row.token or "nobody", *cells)
    return shown


def _cell(row: Row, name: str, column: Column) -> str:
    if name not in row.figures:
        return ""
    middle = f"{row.median(name):,.{column.digits}f}"
    if len(row.figures[name]) == 1:
        return middle
    least, most = row.spread(name)
    return f"{middle} ({least:,.{column.digits}f}-{most:,.{column.digits}f})"
