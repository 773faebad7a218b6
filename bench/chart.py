"""The chart of a run: for each scenario the bars of its main figure, as one SVG.

A bar much longer than all others is cut off and marked.
"""

import statistics
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT = 760, 200, 130
BAR, GAP = 16, 6
TITLE, SPACE = 34, 22
DWARFING = 5
"""Bars longer than this many times the median are cut off there."""
OURS, THEIRS, FLOOR, INK, FAINT = "#1a7f5a", "#8fa3b0", "#d4b483", "#24292f", "#6e7781"


def svg(kept: Mapping[str, Any]) -> str:
    """Return the chart of the results that ``report.store`` has stored."""
    shapes: list[str] = []
    top = 12
    for scenario in kept.values():
        for case in dict.fromkeys(row["case"] for row in scenario["rows"]):
            for name, column in scenario["columns"].items():
                rows = [
                    row
                    for row in scenario["rows"]
                    if row["case"] == case and row["figures"].get(name)
                ]
                if column["charted"] and rows:
                    title = f"{scenario['title']} · {case}"
                    better = "more" if column["more_is_better"] else "less"
                    unit = f"{column['heading']}, {column['unit']}; {better} is better"
                    shapes += _panel(title, unit, rows, name, column["digits"], top)
                    top += TITLE + len(rows) * (BAR + GAP) + SPACE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>' + "".join(shapes) + "</svg>\n"
    )


def _panel(
    title: str, unit: str, rows: list[dict[str, Any]], name: str, digits: int, top: int
) -> Iterator[str]:
    """Yield one figure's bars: the median, and a line from the least to the greatest round."""
    yield f'<text x="12" y="{top + 14}" font-weight="600">{escape(title)}</text>'
    yield f'<text x="12" y="{top + 28}" fill="{FAINT}" font-size="11">{escape(unit)}</text>'
    middles = [statistics.median(row["figures"][name]) for row in rows]
    cut = DWARFING * statistics.median(middles)
    longest = max(min(max(row["figures"][name]), cut) for row in rows) or 1
    scale = (WIDTH - LEFT - RIGHT) / longest
    for number, (row, middle) in enumerate(zip(rows, middles, strict=True)):
        y = top + TITLE + number * (BAR + GAP)
        figures = row["figures"][name]
        length, least, most = (
            min(each, longest) * scale for each in (middle, min(figures), max(figures))
        )
        colour = {"useby": OURS, "bare": FLOOR}.get(row["peer"], THEIRS)
        label = f"{middle:,.{digits}f}" + (" (cut off)" if middle > longest else "")
        yield (
            f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(row["title"])}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<line x1="{LEFT + least:.1f}" x2="{LEFT + most:.1f}" '
            f'y1="{y + BAR / 2}" y2="{y + BAR / 2}" stroke="{INK}"/>'
            f'<text x="{LEFT + most + 6:.1f}" y="{y + 12}">{label}</text>'
        )
