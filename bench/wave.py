"""The alert wave: many products stored, few due at one moment, until each frame has arrived.

No other peer schedules alerts. The comparison is with the driver below useby: sqlite3's own
``executemany`` of the same rows, made beforehand, into the same tables, in batches of the same
size.

With a URL of an empty PostgreSQL database in ``USEBY_DATABASE_URL`` a node on it is also measured.
"""

import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench import alert_data_postgres
from bench.alert_data import EACH, Wave, clock_seconds, make_due, stock, write_barely
from bench.peer import Peer
from bench.peers import find
from bench.peers.control import STAMP
from bench.results import Column, Plan, Row, RunningPeer, Target, running_peer
from bench.users import BenchUsers, create_accounts

TITLE = "Alert wave"
COLUMNS = {
    "rate": Column("alerts, from due to the last frame", "a second", digits=0),
    "cpu": Column("server CPU an alert", "µs"),
    "p50": Column("p50 from due to frame", "ms", digits=0),
    "last": Column("the last frame", "ms", digits=0),
    "clock": Column("the clock's CPU an alert", "µs"),
}
DUE = 20_000
PRODUCTS_DUE = 10
"""Due products of a user in a wave."""
STORED = 50
"""Stored products for each due one."""
SOONER = 100, 10, 1
"""Divisors of the stored products in the cases that measure the scheduler's cost."""
CLOCK_DUE = 20
"""Divisor of the due products in these cases."""
CLOCK_ROUNDS = 5
"""Factor of the rounds in these cases: a round is some seventy milliseconds of CPU."""
LEAD_SECONDS = 3.0
"""Time from making products due to the moment at which they are due."""
LEAD_SECONDS_POSTGRES = 20.0
"""The same on PostgreSQL, where a node finds what another program has made due within 15 s."""
IN_A_FRAME = 2
"""Number of stamps in a frame: in the message, and in the product's name."""
QUIET_SECONDS = 0.3
"""Time before that moment in which the harness does nothing."""
OURS = "useby"
ON_POSTGRES = "useby on PostgreSQL"
ALERTS_ON_POSTGRES = 5000
"""Alerts a second that a node on PostgreSQL has to send."""
ALL, ALONE = "sqlite3, all rows of the wave", "sqlite3, the notifications alone"


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Measure waves on a node, the bare driver between them, and then the scheduler by itself."""
    if not any(peer.name == "useby" for peer in peers):
        return []
    due = min(DUE, plan.pushes)
    stored = due * STORED
    users = plan.users.ids[: max(1, stored // EACH)]
    owners = users[: max(1, due // PRODUCTS_DUE)]
    databases = {}
    for fewer in SOONER:
        plan.console.print(f"{stored // fewer:,} products are stored", style="dim")
        databases[fewer] = plan.folder / f"stock-{fewer}.db"
        shutil.copy(plan.users.database, databases[fewer])
        some = users[: max(1, len(users) // fewer)]
        stock(databases[fewer], some, stored // fewer, datetime.now(UTC))
    bare = plan.folder / "bare.db"
    shutil.copy(databases[1], bare)
    case = f"{stored:,} stored, {due:,} of {len(owners):,} users due"
    rows = {
        title: Row("useby" if title == OURS else "bare", title, case)
        for title in (OURS, ALL, ALONE)
    }
    with _node(plan, f"sqlite:///{databases[1]}") as running:
        running.load.connect(0, len(owners))
        for number in range(plan.rounds + 1):
            at = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
            wave = Wave(owners, PRODUCTS_DUE, at, "", day=2 - number)
            found = {
                OURS: _on_node(running, wave, partial(make_due, databases[1])),
                ALL: _barely(bare, wave, everything=True),
                ALONE: _barely(bare, wave, everything=False),
            }
            if number:  # the first round warms up
                for title, figures in found.items():
                    _add(rows[title], figures)
    few = users[: max(1, len(users) // SOONER[0])]
    url = os.environ.get("USEBY_DATABASE_URL", "")
    there = [_on_postgres(plan, url, users, owners)] if url.startswith("postgres") else []
    return [*rows.values(), *there, *_clocks(plan, databases, few, due // CLOCK_DUE)]


def _on_postgres(plan: Plan, url: str, users: Sequence[str], owners: Sequence[str]) -> Row:
    """Measure the same waves on an empty PostgreSQL database."""
    asyncio.run(create_accounts(url, plan.users.ids))
    alert_data_postgres.stock(url, users)
    size = len(owners) * PRODUCTS_DUE
    case = f"{len(users) * EACH:,} stored, {size:,} of {len(owners):,} users due"
    row = Row("useby", ON_POSTGRES, case)
    with _node(plan, url) as running:
        running.load.connect(0, len(owners))
        for number in range(plan.rounds + 1):
            at = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS_POSTGRES)
            wave = Wave(owners, PRODUCTS_DUE, at, "", day=2 - number)
            figures = _on_node(running, wave, partial(alert_data_postgres.make_due, url))
            if number:
                _add(row, figures)
    return row


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets: half the bare driver's rate, and a cost that follows what is due."""
    rates = {row.title: row.median("rate") for row in rows if "rate" in row.figures}
    clocks = [row.median("clock") for row in rows if "clock" in row.figures]
    if not rates:
        return []
    there = rates.get(ON_POSTGRES)
    words = f"alerts a second on PostgreSQL ≥ {ALERTS_ON_POSTGRES:,}"
    return [
        *([Target(words, there, ALERTS_ON_POSTGRES, at_least=True)] if there else []),
        Target(
            "alerts a second ≥ 0.5 times the bare driver's rows",
            rates[OURS],
            rates[ALL] / 2,
            at_least=True,
        ),
        Target(
            "the clock's CPU with all stored ≤ 1.2 times that with a hundredth",
            clocks[-1],
            clocks[0] * 1.2,
        ),
    ]


def _on_node(
    running: RunningPeer, wave: Wave, make_due: Callable[[Wave], None]
) -> dict[str, float]:
    """Make a wave due on a node that serves its users."""
    lead = wave.at - datetime.now(UTC)
    at = time.monotonic_ns() + round(lead / timedelta(microseconds=1)) * 1000
    make_due(replace(wave, name=f"{STAMP}{at:019}"))
    time.sleep(max(0.0, (at - time.monotonic_ns()) / 1e9 - QUIET_SECONDS))
    if time.monotonic_ns() > at:
        raise RuntimeError("the wave was due before it was written")
    running.load.reset()
    cpu = running.server.cpu()
    running.load.received(wave.size * IN_A_FRAME)
    used = running.server.cpu() - cpu
    ages = sorted(running.load.ages())
    return {
        "rate": wave.size / ages[-1] * 1e9,
        "cpu": used / wave.size * 1e6,
        "p50": statistics.median(ages) / 1e6,
        "last": ages[-1] / 1e6,
    }


def _barely(database: Path, wave: Wave, *, everything: bool) -> dict[str, float]:
    seconds, cpu = write_barely(
        database, replace(wave, name=f"{STAMP}{0:019}"), everything=everything
    )
    return {"rate": wave.size / seconds, "cpu": cpu / wave.size * 1e6}


def _clocks(plan: Plan, databases: Mapping[int, Path], users: Sequence[str], due: int) -> list[Row]:
    """Measure the scheduler's own cost: the same products due in databases of each size.

    Args:
        plan: The plan.
        databases: The databases, by the divisor of their size.
        users: The users of the smallest database.
        due: Number of due products.
    """
    each = max(1, due // len(users))
    size = each * len(users)
    rows = {
        fewer: Row("useby", OURS, f"{due * CLOCK_DUE * STORED // fewer:,} stored, {size:,} due")
        for fewer in databases
    }
    for number in range(plan.rounds * CLOCK_ROUNDS + 1):
        for fewer, database in databases.items():
            now = datetime.now(UTC)
            make_due(database, Wave(users, each, now, "Organic Milk", day=-plan.rounds - number))
            sent, cpu = clock_seconds(database, now)
            if sent != size:
                raise RuntimeError(f"{sent} alerts were sent in place of {size}")
            if number:
                _add(rows[fewer], {"clock": cpu / sent * 1e6})
    return list(rows.values())


def _add(row: Row, figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        row.figures.setdefault(name, []).append(value)


@contextmanager
def _node(plan: Plan, url: str) -> Iterator[RunningPeer]:
    """Run a node on the database at ``url`` with a load generator."""
    useby = find("useby")

    def environment(users: BenchUsers, folder: Path) -> Mapping[str, str]:
        return {**useby.environment(users, folder), "USEBY_DATABASE_URL": url}

    with running_peer(replace(useby, environment=environment), plan) as running:
        yield running
