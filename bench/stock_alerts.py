"""Alerts over lots: their cost beside the code before lots, and beside a hundred times the stock.

The same number of products becomes due in each database in turn, and the scheduler's own functions
send their alerts. The database of each case is made beforehand.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.alert_data import EACH
from bench.earlier import NOW, Code, Worker, working
from bench.results import Row, Target

SEVERAL = 3
"""Lots of a product in the cases with several."""
FEWER = 100
"""Divisor of the stored lots in the smaller databases."""
DUE = 1000
LEAST_OF_BASE = 0.8
"""Smallest part of the alerts a second of the code before lots that lots may leave."""
MOST_GROWTH = 1.25
"""Largest ratio of the costs of an alert with all lots stored and with a hundredth of them."""


@dataclass(frozen=True)
class Case:
    """A database with products."""

    code: Code
    lots: int
    """Number of lots of a product; the code before lots has none and counts as one."""
    stored: int
    """Number of lots in all."""

    @property
    def products(self) -> int:
        """Number of products."""
        return max(1, self.stored // self.lots)

    @property
    def row(self) -> Row:
        """A row without figures."""
        each = "1 lot" if self.lots == 1 else f"{self.lots} lots"
        where = f"{self.stored:,} stored, {each} a product"
        if self.code is not NOW:
            where = f"{self.stored:,} stored"
        return Row("useby", f"{self.code.title}, {where}", "Alerts that are due")


def run(base: Code, folder: Path, stored: int, rounds: int) -> list[Row]:
    """Measure; the first row is that of the code before lots.

    Args:
        base: The code before lots.
        folder: Folder for the databases.
        stored: Number of lots in the largest databases.
        rounds: Number of rounds.
    """
    fewest = max(1, stored // FEWER)
    cases = [
        Case(base, 1, fewest),
        *(Case(NOW, lots, size) for lots in (1, SEVERAL) for size in (fewest, stored)),
    ]
    users = max(1, min(case.products for case in cases) // EACH)
    each = max(1, min(DUE // users, *(case.products // users for case in cases), EACH))
    rows = [case.row for case in cases]
    with ExitStack() as stack:
        workers = {code: stack.enter_context(working(code)) for code in (base, NOW)}
        larders = list(_stored(workers, cases, folder))
        for number in range(rounds + 1):
            for case, row, (database, ids) in zip(cases, rows, larders, strict=True):
                found = workers[case.code].order(
                    "send", database=database, ids=ids[:users], each=each, day=-1 - number
                )
                if number:  # the first round warms up
                    row.figures.setdefault("cpu", []).append(found["cpu"])
    return rows


def _stored(
    workers: dict[Code, Worker], cases: Sequence[Case], folder: Path
) -> Iterator[tuple[Path, list[str]]]:
    """Make the cases' databases; yield each file with the ids of its users."""
    for number, case in enumerate(cases):
        place = folder / f"alerts-{number}"
        made: dict[str, Any] = workers[case.code].order(
            "store",
            folder=place,
            users=max(1, case.products // EACH),
            products=case.products,
            lots=case.lots,
        )
        yield place / "useby.db", made["ids"]


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets for the rows of ``run``."""
    base, one, one_large, several, several_large = (row.median("cpu") for row in rows)
    words = f"alerts a second over the rate before lots ≥ {LEAST_OF_BASE}"
    growth = f"cost of an alert with all lots over that with a hundredth ≤ {MOST_GROWTH}"
    of_several = f"{SEVERAL} lots a product"
    return [
        Target(f"{words}, 1 lot a product", base / one, LEAST_OF_BASE, at_least=True),
        Target(f"{words}, {of_several}", base / several, LEAST_OF_BASE, at_least=True),
        Target(f"{growth}, 1 lot a product", one_large / one, MOST_GROWTH),
        Target(f"{growth}, {of_several}", several_large / several, MOST_GROWTH),
    ]
