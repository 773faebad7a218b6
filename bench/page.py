"""``make lighthouse``: the page's first view as Lighthouse's phone loads it, and a long scroll.

Two loads of the view with 300 lots are audited on Lighthouse's throttled profile (a slow 4G network
and a processor four times as slow): the first one, and one with the files that the browser has
kept. Then a list of 5,000 lots is scrolled (``bench.scrolling``). The command ends with a verdict,
and with status 1 if a target is missed. Speed depends on what else the machine does.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from tests.support.lighthouse import Audit, audited_page
from tests.support.pages import sign_up
from tests.support.process_node import NodeProcess, serving

from bench.report import verdict
from bench.results import Target
from bench.scrolling import scrolled

LOTS: Final = 300
LEAST_SCORES: Final = {"performance": 95, "accessibility": 100, "best-practices": 100}
INTERACTIVE_MS: Final = 1_000
SHOWN: Final = {
    "first-contentful-paint": "first paint, ms",
    "largest-contentful-paint": "largest paint, ms",
    "interactive": "interactive, ms",
    "total-blocking-time": "blocked, ms",
    "cumulative-layout-shift": "layout shift",
    "total-byte-weight": "bytes",
}

console = Console(width=None if sys.stdout.isatty() else 120)


async def main() -> bool:
    """Audit both loads, then scroll; return whether every target is met."""
    met = True
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        await _fill(server)
        async with audited_page(server.url) as opened:
            for load in ("first load", "later load"):
                if load == "first load":
                    await opened.forget_files()
                audit = await opened.audit(f"{server.url}/#/due", tuple(LEAST_SCORES))
                met = _report(load, audit) and met
    lines, targets = await scrolled()
    for line in lines:
        console.print(line)
    return _verdicts(targets) and met


def _report(load: str, audit: Audit) -> bool:
    figures = [f"{name} {audit.figures[key]:,.2f}" for key, name in SHOWN.items()]
    console.print(f"{load}: {', '.join(figures)}, requests {audit.requests}")
    work = sorted(audit.work.items(), key=lambda each: -each[1])
    console.print(f"  main thread, ms: {', '.join(f'{name} {ms:.0f}' for name, ms in work)}")
    targets = [
        Target(f"{name} of the {load} ≥ {least}", audit.scores[name], least, at_least=True)
        for name, least in LEAST_SCORES.items()
    ]
    interactive = audit.figures["interactive"]
    targets.append(Target(f"ms until the {load} is interactive", interactive, INTERACTIVE_MS))
    return _verdicts(targets)


def _verdicts(targets: Sequence[Target]) -> bool:
    for target in targets:
        console.print(verdict(target))
    return all(target.met for target in targets)


async def _fill(server: NodeProcess) -> None:
    today = datetime.now(UTC).date()
    items = [
        {
            "name": f"Product {number}",
            "category": "Larder",
            "location": "Fridge",
            "expiryDate": str(today + timedelta(days=number % 40 - 3)),
        }
        for number in range(LOTS)
    ]
    async with server.rest() as rest:
        await sign_up(rest)
        answer = await rest.post("/api/products/batch", json={"items": items})
        answer.raise_for_status()


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
