"""``make bench-channels``: the cost of channels for posts, alerts and live pushes, and their speed.

It prints each target with its outcome, and stores all in ``latest.json``, from where ``python -m
bench.publish`` puts it on the page. The code without an outbox is this code with its trigger
dropped.
"""

import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from uuid_utils import uuid7

from bench import durable, report, webhooks
from bench.__main__ import RESULTS
from bench.alert_data import Wave, clock_seconds, make_due, stock
from bench.peer import HOST, Peer
from bench.peers import useby
from bench.posts import Posts, Task
from bench.results import Case, Column, Plan, Row, RunningPeer, Target, interleaved
from bench.users import BenchUsers, create_users
from useby.domain.channel import LONGEST_AFTER, Channel, ChannelKind
from useby.domain.notification import Cause, Draft, Severity
from useby.process import raise_file_limit
from useby.store import channels, notifications
from useby.store.database import Transaction
from useby.store.sqlite import sqlite_engine

TITLE = "Channels"
COLUMNS = {
    "cpu": Column("CPU each", "µs", digits=0),
    "p50": Column("p50 from post to frame", "ms", digits=2),
    "p99": Column("p99 from post to frame", "ms", digits=2),
    "rate": Column("sent", "a second", digits=0, more_is_better=True),
}
POSTS, ALERTS, PUSHES = "Posts", "Alerts", "A live push"
MOST_WITHOUT, MOST_WITH_TWO, MOST_WAITING, LEAST_SENT = 1.1, 1.4, 1.2, 500.0
CHANNELS_OF_DEAD = 20
PUSHES_A_SECOND = 200.0
USERS = 70
ALERTS_EACH = 15
"""Products of each user, all of which are due in each round."""
TRIGGER = "DROP TRIGGER outbox_of_notifications"

Change = Callable[[Transaction, BenchUsers], None]
console = Console(width=None if sys.stdout.isatty() else 120)


def a_channel(user_id: str, target: str, after: timedelta = timedelta()) -> Channel:
    """Return a webhook of a user."""
    kind, now = ChannelKind.WEBHOOK, datetime.now(UTC)
    secret = "whsec_" + "A" * 44
    return Channel(str(uuid7()), user_id, kind, "Hook", now, target, secret, after=after)


def unchanged(_transaction: Transaction, _users: BenchUsers) -> None:
    """Leave a database as it is: no user has a channel."""


def without_outbox(transaction: Transaction, _users: BenchUsers) -> None:
    """Drop the trigger."""
    transaction.connection.exec_driver_sql(TRIGGER)


def two_channels(transaction: Transaction, users: BenchUsers) -> None:
    """Give each user two channels, on which nothing is due during a run."""
    for each in users.ids:
        for _ in range(2):
            channels.add(transaction, a_channel(each, f"http://{HOST}:9/", LONGEST_AFTER))


def waiting(target: str, rows: int) -> Change:
    """Return a change that has rows wait on a target, for the last user."""

    def change(transaction: Transaction, users: BenchUsers) -> None:
        user_id, now = users.ids[-1], datetime.now(UTC)
        for _ in range(CHANNELS_OF_DEAD):
            channels.add(transaction, a_channel(user_id, target))
        draft = Draft(user_id, "It waits", Severity.INFO, Cause.CUSTOM)
        notifications.add(transaction, [draft] * (rows // CHANNELS_OF_DEAD), now)

    return change


CALM, WAITING = "no channel", "waiting"
CHANGES: Mapping[str, tuple[str, Change]] = {
    "no outbox": ("no outbox", without_outbox),
    CALM: ("an outbox, no channel", unchanged),
    "two channels": ("two channels", two_channels),
}


def peer(name: str, title: str, change: Change) -> Peer:
    """Return useby with another database."""

    def environment(users: BenchUsers, folder: Path) -> Mapping[str, str]:
        variables = useby.PEER.environment(users, folder)
        alter(folder / "useby.db", users, change)
        return {**variables, "USEBY_OUTBOUND_ALLOWED_NETWORKS": f"{HOST}/32"}

    return replace(useby.PEER, name=name, title=title, environment=environment)


def alter(database: Path, users: BenchUsers, change: Change) -> None:
    """Change a SQLite file."""
    engine = sqlite_engine(database, writes=True)
    with engine.begin() as connection:
        change(Transaction(connection), users)
    engine.dispose()


@contextmanager
def dead_target() -> Iterator[str]:
    """Take connections and never answer, until the block ends; yields the URL."""
    with socket.create_server((HOST, 0), backlog=4096) as taken:
        yield f"http://{HOST}:{taken.getsockname()[1]}/"


def served(plan: Plan, rows: int) -> list[Row]:
    """Measure posts, and live pushes with and without rows that wait on a dead target."""

    def measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
        running.load.connect(0, durable.POSTERS)
        requests = durable.requests(running, plan, durable.POSTERS)
        with Posts(running.server.port) as posts:
            posts.run(Task(requests, durable.POSTERS * 4))  # warms up imports and compilers
            figures = durable.post(running, posts, Task(requests, plan.pushes))
            if running.peer.name in CHANGES:  # the others post as many before their pushes
                yield POSTS, {"cpu": figures["cpu"]}
            if running.peer.name in (CALM, WAITING):
                steady = Task(requests, plan.pushes // 2, per_second=PUSHES_A_SECOND)
                figures = durable.post(running, posts, steady)
                yield PUSHES, {name: figures[name] for name in ("p50", "p99")}

    with dead_target() as target:
        peers = [peer(name, title, change) for name, (title, change) in CHANGES.items()]
        title = f"{rows:,} rows wait on a dead target"
        return interleaved([*peers, peer(WAITING, title, waiting(target, rows))], plan, measure)


def alerts(users: BenchUsers, folder: Path, rounds: int) -> list[Row]:
    """Measure alerts that are due in each database, by the scheduler's own functions."""
    rows = [Row(name, title, ALERTS) for name, (title, _) in CHANGES.items()]
    files = []
    for name, (_, change) in CHANGES.items():
        files.append(folder / f"alerts {name}.db")
        shutil.copy(users.database, files[-1])
        stock(files[-1], users.ids, len(users.ids) * ALERTS_EACH, datetime.now(UTC))
        alter(files[-1], users, change)
    for number in range(rounds + 1):
        for row, file in zip(rows, files, strict=True):
            now = datetime.now(UTC)
            wave = Wave(users.ids, ALERTS_EACH, now, "Organic Milk", -1 - number)
            make_due(file, wave)
            sent, cpu = clock_seconds(file, now)
            if sent != wave.size:
                raise RuntimeError(f"{sent} alerts were sent in place of {wave.size}")
            if number:  # the first round warms up
                row.figures.setdefault("cpu", []).append(cpu / sent * 1e6)
    return rows


def targets(rows: list[Row]) -> list[Target]:
    """Return the targets of the rows that were measured."""
    found = {(row.case, row.peer): row for row in rows}
    made = []
    for case, what in ((POSTS, "CPU of a post"), (ALERTS, "CPU of an alert")):
        base = found[case, "no outbox"].median("cpu")
        for name, bound in (("no channel", MOST_WITHOUT), ("two channels", MOST_WITH_TWO)):
            words = f"{what} with {name} over that without an outbox ≤ {bound}"
            made.append(Target(words, found[case, name].median("cpu") / base, bound))
    calm = found[PUSHES, CALM].median("p99")
    words = f"p99 of a live push with rows that wait over that without ≤ {MOST_WAITING}"
    made.append(Target(words, found[PUSHES, WAITING].median("p99") / calm, MOST_WAITING))
    sent = found[webhooks.CASE, "useby"].median("rate")
    words = f"webhooks a second to a local receiver ≥ {LEAST_SENT:g}"
    return [*made, Target(words, sent, LEAST_SENT, at_least=True)]


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    posted: Annotated[int, typer.Option(min=100, help="posts of a round")] = 4000,
    wait: Annotated[int, typer.Option(min=100, help="rows that wait on a dead target")] = 100_000,
    sent: Annotated[int, typer.Option(min=100, help="webhooks of a round")] = 5000,
    into: Annotated[Path, typer.Option(help="the folder for the JSON")] = RESULTS,
) -> None:
    """Measure the cost and the speed of channels on this machine; it takes some ten minutes."""
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as name:
        folder = Path(name)
        users = create_users(folder, USERS)
        plan = Plan(users, folder, rounds, (USERS,), posted, console)
        rows = served(plan, wait) + alerts(users, folder, rounds)
        rows += webhooks.run(users, folder, sent, rounds)
    its = targets(rows)
    report.show(console, TITLE, COLUMNS, rows, its)
    report.store(into, "channels", sys.modules[__name__], rows, its, plan.failures)
    missed = sum(not target.met for target in its)
    console.print(f"{missed} of {len(its)} targets missed; kept in {into}")


if __name__ == "__main__":
    typer.run(main)
