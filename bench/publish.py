"""``python -m bench.publish``: put the latest run into ``docs/performance.md``.

A table stands between ``<!-- bench: NAME -->`` and ``<!-- end -->``; the chart and the figures go
next to the page.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from bench.__main__ import RESULTS
from bench.report import grids, verdict
from bench.results import Column, Row, Target

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"
FIGURES = DOCS / "performance.json"


def main() -> None:
    """Fill the page with the stored results; a scenario without results keeps its table."""
    kept = json.loads(FIGURES.read_text()) | json.loads((RESULTS / "latest.json").read_text())
    page = PAGE.read_text()
    for name, scenario in kept.items():
        page = _fill(page, name, _markdown(scenario))
    page = _fill(page, "machine", _sentence(kept["idle"]["machine"]))
    if (RESULTS / "cluster.json").exists():
        cluster = json.loads((RESULTS / "cluster.json").read_text())
        page = _fill(page, "cluster", f"{_markdown(cluster)}\n{cluster['idle']}")
    if (DOCS / "soak.json").exists():
        soak = json.loads((DOCS / "soak.json").read_text())
        page = _fill(page, "soak", f"{soak['summary']}.\n\n- {verdict(_target(soak['target']))}")
    PAGE.write_text(page)
    FIGURES.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    if (RESULTS / "latest.svg").exists():
        shutil.copy(RESULTS / "latest.svg", DOCS / "performance.svg")


def _fill(page: str, name: str, text: str) -> str:
    return re.sub(
        rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{text}\n{found[2]}",
        page,
        flags=re.DOTALL,
    )


def _markdown(scenario: dict[str, Any]) -> str:
    columns = {name: Column(**column) for name, column in scenario["columns"].items()}
    rows = [Row(**row) for row in scenario["rows"]]
    lines: list[str] = []
    for case, headings, cells in grids(columns, rows):
        named = [
            f"{heading} {unit}" if unit == "verified by" else f"{heading}, {unit}"
            for heading, unit in headings
        ]
        marks = ["---" if unit == "verified by" else "---:" for _, unit in headings]
        lines += [f"| {' | '.join([case, *named])} |", f"|{'|'.join(['---', *marks])}|"]
        lines += [f"| {' | '.join(line)} |" for line in cells]
        lines.append("")
    lines += [f"- without figures: {each}" for each in scenario.get("failures", ())]
    for target in scenario["targets"]:
        lines.append(f"- {verdict(_target(target))}")
    lines.append(f"\nMeasured {scenario['at'][:16].replace('T', ' ')} UTC {_where(scenario)}.")
    return "\n".join(lines)


def _target(stored: dict[str, Any]) -> Target:
    return Target(**{name: value for name, value in stored.items() if name != "met"})


def _where(scenario: dict[str, Any]) -> str:
    machine = scenario["machine"]
    load = f"load average at its end {machine['busy']}, the bench's own in it"
    return f"on {machine['cpu']}, {load}"


def _sentence(machine: dict[str, Any]) -> str:
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}; Python {machine['python']}, Node {machine['node']}, "
        f"{machine['nginx'].removeprefix('nginx version: ')}; useby {machine['useby']}; "
        f"databases on {machine['filesystem']}."
    )


if __name__ == "__main__":
    main()
