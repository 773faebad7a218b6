"""``python -m bench.policy_change``: the transactions that follow the change of a policy.

An account with many lots changes the policy of all its alerts, so that none of them is due, or
all are. The stock is its own, or that of a household of four. The scheduler's functions do the
rest.
While one of the transactions runs, no other can write, so the longest one counts.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console

from bench import report
from bench.alert_data import stock
from bench.households import MEMBERS, people, share
from bench.results import Column, Row, Target
from useby.actions import floods, policies
from useby.actions.alerts import send_due
from useby.domain.policy import Lead, PolicyFields, Scope
from useby.process import tune_interpreter
from useby.store import alert_holds, slices
from useby.store.database import Transaction
from useby.store.sqlite import sqlite_engine

T = TypeVar("T")

TITLE: Final = "The change of a policy"
COLUMNS: Final = {
    "longest": Column("longest transaction", "ms"),
    "cpu": Column("most CPU of one", "ms"),
    "usual": Column("median CPU of one", "ms"),
    "count": Column("transactions", "", digits=0),
    "all": Column("all of them", "s"),
}
MOST_MS: Final = 50.0
NONE_DUE: Final = PolicyFields((Lead(8), Lead(1)))
ALL_DUE: Final = PolicyFields((Lead(3650), Lead(1)))


@dataclass(frozen=True)
class Case:
    """A policy that is changed."""

    title: str
    scope: Scope
    fields: PolicyFields
    is_shared: bool


CASES: Final = (
    Case("an account alone, no alert due", Scope.ACCOUNT, NONE_DUE, is_shared=False),
    Case("an account alone, all alerts due", Scope.ACCOUNT, ALL_DUE, is_shared=False),
    Case(f"a household of {MEMBERS}, no alert due", Scope.HOUSEHOLD, NONE_DUE, is_shared=True),
    Case(f"a household of {MEMBERS}, all alerts due", Scope.HOUSEHOLD, ALL_DUE, is_shared=True),
)


@dataclass
class Writer:
    """Runs transactions one after the other, and keeps the time of each."""

    database: Path
    seconds: list[tuple[float, float, str]]
    """Elapsed time, CPU and name of each transaction."""

    def change(self, user: str, case: Case, now: datetime) -> None:
        """Change a policy, and do what the scheduler does then."""
        engine = sqlite_engine(self.database, writes=True, checkpoints=True)
        with engine.connect() as connection:

            def timed(name: str, work: Callable[[Transaction], T]) -> T:
                began, cpu = time.perf_counter(), time.process_time()
                with connection.begin():
                    done = work(Transaction(connection))
                took = time.perf_counter() - began, time.process_time() - cpu
                self.seconds.append((*took, name))
                return done

            timed("change", lambda t: policies.put(t, user, case.scope, "", case.fields, now))
            while True:
                while timed("alerts", lambda t: send_due(t, now)).goes_on:
                    pass
                with connection.begin():
                    is_waiting = slices.are_waiting(connection)
                    until = alert_holds.next_until(connection)
                if is_waiting:
                    timed("slice", lambda t: slices.do_slice(t, now))
                elif until is not None and until <= now:
                    timed("release", lambda t: floods.release(t, now))
                else:
                    break
        engine.dispose()


def main(
    stored: Annotated[int, typer.Option(min=100, help="lots of the account")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Measure the transactions after the change of a policy on this machine."""
    tune_interpreter()  # as a node does, in which the collector is not in the way of these writes
    console = Console(width=None if sys.stdout.isatty() else 110)
    now = datetime.now(UTC)
    rows = [Row("useby", case.title, f"{stored:,} lots") for case in CASES]
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as name:
        few = _made(Path(name) / "few.db", MEMBERS, now, is_shared=True)
        for case in CASES:  # compiles the statements
            _seconds(few, case, now)
        made = {
            each: _made(Path(name) / f"{each}.db", stored, now, is_shared=each)
            for each in (False, True)
        }
        for _ in range(rounds):
            for case, row in zip(CASES, rows, strict=True):
                _keep(row, _seconds(made[case.is_shared], case, now), console)
    report.show(console, TITLE, COLUMNS, rows, targets(rows))


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets for the rows of ``main``."""
    words = f"ms of the longest transaction ≤ {MOST_MS:.0f}"
    return [Target(f"{words}, {row.title}", row.median("longest"), MOST_MS) for row in rows]


def _seconds(made: Path, case: Case, now: datetime) -> list[tuple[float, float, str]]:
    """Change a policy in a copy of a database."""
    copy = Path(shutil.copy(made, made.with_suffix(".copy")))
    writer = Writer(copy, [])
    writer.change("person-0", case, now)
    copy.unlink()
    return writer.seconds


def _made(database: Path, stored: int, now: datetime, *, is_shared: bool) -> Path:
    ids = people(database, 1, now)
    if is_shared:
        share(database, ids, now)
    stock(database, ids, stored, now)
    return database


def _keep(row: Row, seconds: Sequence[tuple[float, float, str]], console: Console) -> None:
    longest, _, name = max(seconds)
    cpu = [each for _, each, _ in seconds]
    console.print(f"{row.title}: the longest transaction is one of {name}")
    figures = {"longest": longest * 1000, "cpu": max(cpu) * 1000, "count": len(seconds)}
    figures["usual"] = statistics.median(cpu) * 1000
    figures["all"] = sum(each for each, *_ in seconds)
    for key, figure in figures.items():
        row.figures.setdefault(key, []).append(figure)


if __name__ == "__main__":
    typer.run(main)
