"""``make siege`` runs, and it notices what it is there to notice."""

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.ledger import Ledger
from tests.support.process_node import Person
from tests.support.time_limits import HANG_TIMEOUT

ROOT = Path(__file__).parent.parent
VISITORS = {
    "pipelines", "trailers", "readers", "bodies", "guesses", "searches", "moves", "reconnects",
}  # fmt: skip
FAULTY = """
import bench.siege as siege

kept = siege.Alone.kept

async def faulty(self):
    rows = await kept(self)
    for each in rows.values():
        each.pop()
    return rows

siege.Alone.kept = faulty
siege.typer.run(siege.main)
"""


class Kept:
    """Stands for a fleet whose database has these rows."""

    def __init__(self, rows: dict[str, list[tuple[int, str]]]) -> None:
        self._rows = rows

    async def kept(self) -> dict[str, list[tuple[int, str]]]:
        return self._rows


def besieged(into: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], Any]:
    """Run a short siege; return how it ended, and what it has kept."""
    done = subprocess.run(
        [sys.executable, *arguments, "--scale", "0.001", "--into", str(into)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3 * HANG_TIMEOUT,
        check=False,
    )
    assert (into / "siege.json").exists(), done.stdout + done.stderr
    kept = json.loads((into / "siege.json").read_text())
    return done, kept


@pytest.mark.timeout(4 * HANG_TIMEOUT)
def test_a_short_siege_loses_nothing_and_leaves_no_error_in_the_log(tmp_path: Path) -> None:
    """Its times and its memory are for a longer one to judge, on cores that are not busy."""
    done, kept = besieged(tmp_path, "-m", "bench.siege", "--seconds", "3")
    assert set(kept["visitors"]) == VISITORS
    met = [target["met"] for target in kept["targets"]]
    assert (met[0], met[-1]) == (True, True), done.stdout
    assert done.returncode == (0 if all(met) else 1)


@pytest.mark.timeout(4 * HANG_TIMEOUT)
def test_a_siege_fails_when_the_database_is_not_what_was_acknowledged(tmp_path: Path) -> None:
    faulty = "-c", FAULTY
    done, kept = besieged(tmp_path, *faulty, "--only", "guesses", "--seconds", "1")
    assert not kept["targets"][0]["met"]
    assert done.returncode == 1
    assert "a gap" in done.stdout or "lost, invented or doubled" in done.stdout


async def test_a_ledger_refuses_rows_that_are_lost_invented_doubled_or_in_another_order() -> None:
    good = [(1, "one"), (2, "two")]
    for rows in (
        *(good, good[:1], good[1:], [], [*good, (3, "an id that no answer named")]),
        *([*good, (3, "two")], [(1, "two"), (2, "one")], [(1, "one"), (3, "two")]),
    ):
        fleet: Any = Kept({"ada": rows})
        ledger = Ledger(fleet, [Person("ada", "ada@useby.example", "token", "session")])
        (account,) = ledger.accounts
        account.posted, account.received = ["one", "two"], {"one", "two"}
        with nullcontext() if rows is good else pytest.raises(AssertionError):
            await ledger.reckon()
