"""Tables of what was found."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from bench.rows import Column, Row


def tables(title: str, columns: Mapping[str, Column], rows: Sequence[Row]) -> Iterator[Table]:
    """A table for each case: the median of each figure, and its spread over the rounds."""
    for case in dict.fromkeys(row.case for row in rows):
        shown = Table(title=f"{title} · {case}", title_justify="left", title_style="bold")
        shown.add_column("peer")
        shown.add_column("token\nverified by")
        for column in columns.values():
            shown.add_column(f"{column.heading}\n{column.unit}", justify="right")
        for row in rows:
            if row.case == case:
                cells = [cell(row, name, column) for name, column in columns.items()]
                shown.add_row(row.peer, row.token or "nobody", *cells)
        yield shown


def cell(row: Row, name: str, column: Column) -> str:
    """A figure's median, and its least and most where there was more than one round."""
    if name not in row.figures:
        return ""
    middle = f"{row.median(name):,.{column.digits}f}"
    if len(row.figures[name]) == 1:
        return middle
    least, most = row.spread(name)
    return f"{middle} ({least:,.{column.digits}f} to {most:,.{column.digits}f})"
