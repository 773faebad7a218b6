"""``python -m bench.households``: alerts of households of four, and of people who share nothing.

The same number of notifications is due at one moment in two databases, and the scheduler's own
functions send them. In the one, each belongs to another product; in the other, four members with
policies, quiet hours and digests of their own get one each.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from bench import report
from bench.alert_data import Wave, clock_seconds, make_due, stock
from bench.results import Column, Row, Target
from useby.domain.account import User
from useby.domain.household import Household, Role
from useby.domain.notification import Severity
from useby.domain.policy import Lead, Policy, PolicyFields, Scope, StoredPolicy
from useby.domain.quiet import Deferral, Digest, Every, QuietWindow, Weekday
from useby.store import accounts, households, migrate
from useby.store.database import Transaction
from useby.store.sqlite import sqlite_engine

TITLE: Final = "Households"
COLUMNS: Final = {
    "cpu": Column("the scheduler's CPU a notification", "µs"),
    "rate": Column("notifications", "a second of CPU", digits=0),
}
MEMBERS: Final = 4
LEAST: Final = 0.5
"""Smallest part of the plain rate that households may leave."""
NEVER_NOW: Final = QuietWindow((Weekday.MON,), time(3, 0), time(3, 1))
INFO: Final = Digest(Every.DAY, severities=(Severity.INFO,))
OWN: Final = {
    (Scope.ACCOUNT, ""): StoredPolicy(PolicyFields((Lead(9), Lead(2), Lead(0)))),
    (Scope.CATEGORY, "dairy"): StoredPolicy(PolicyFields((Lead(5), Lead(1)))),
}


def main(
    stored: Annotated[int, typer.Option(min=100, help="lots in the households")] = 100_000,
    shared: Annotated[int, typer.Option(min=1, help="households")] = 1_000,
    each: Annotated[int, typer.Option(min=1, max=5, help="due products of a household")] = 5,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """Measure the alerts of households on this machine."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as name:
        plain, ours = Path(name) / "plain.db", Path(name) / "households.db"
        alone = people(plain, shared * MEMBERS, now)
        founders = people(ours, shared, now)
        share(ours, founders, now)
        stock(plain, alone, stored, now)
        stock(ours, founders, stored, now)
        size = shared * MEMBERS * each
        rows = {
            plain: Row("useby", "accounts that share nothing", f"{size:,} notifications due"),
            ours: Row("useby", f"households of {MEMBERS}", f"{size:,} notifications due"),
        }
        for number in range(rounds + 1):
            for database, users in ((plain, alone), (ours, founders)):
                wave = Wave(users, each, now, "Organic Milk", day=-rounds - number)
                make_due(database, wave)
                claimed, cpu = clock_seconds(database, now)
                if claimed != len(users) * each:
                    raise RuntimeError(f"{claimed} products were claimed")
                if number:  # the first round warms up
                    figures = rows[database].figures
                    figures.setdefault("cpu", []).append(cpu / size * 1e6)
                    figures.setdefault("rate", []).append(size / cpu)
        _check(ours, size * (rounds + 1))
    found = list(rows.values())
    report.show(console, TITLE, COLUMNS, found, targets(found))


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the target for the rows of ``main``."""
    plain, ours = (row.median("rate") for row in rows)
    words = f"notifications a second over the rate without households ≥ {LEAST}"
    return [Target(words, ours / plain, LEAST, at_least=True)]


def people(database: Path, count: int, now: datetime) -> list[str]:
    """Make a database with people; return their ids."""
    migrate.upgrade(f"sqlite:///{database}")
    ids = [f"person-{number}" for number in range(count)]
    _write(database, [_person(each, now) for each in ids])
    return ids


def _person(user_id: str, now: datetime) -> User:
    return User(user_id, None, "", "Europe/Berlin", Policy(), now - timedelta(days=99))


def _write(database: Path, people: Sequence[User]) -> None:
    engine = sqlite_engine(database, writes=True)
    with engine.begin() as connection:
        for each in people:
            accounts.add_user(Transaction(connection), user=each, password_hash=None)
    engine.dispose()


def share(database: Path, founders: Sequence[str], now: datetime) -> None:
    """Let three others join each household: one with policies, quiet hours or a digest each."""
    others = {
        founder: [
            replace(_person(f"{founder}-1", now), policies=OWN),
            replace(
                _person(f"{founder}-2", now),
                time_zone="America/New_York",
                deferral=Deferral((NEVER_NOW,)),
            ),
            replace(
                _person(f"{founder}-3", now),
                time_zone="Asia/Tokyo",
                deferral=Deferral(digest=INFO),
            ),
        ]
        for founder in founders
    }
    _write(database, [each for theirs in others.values() for each in theirs])
    engine = sqlite_engine(database, writes=True)
    with engine.begin() as connection:
        transaction = Transaction(connection)
        for founder, theirs in others.items():
            households.put(transaction, Household(founder, time_zone="Europe/Berlin"))
            for each in theirs:
                since = now - timedelta(days=30)
                households.add_member(transaction, founder, each.id, Role.EDITOR, since)
    engine.dispose()


def _check(database: Path, wanted: int) -> None:
    engine = sqlite_engine(database, writes=False)
    with engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT count(*) FROM notifications").scalar_one()
    engine.dispose()
    if stored != wanted:
        raise RuntimeError(f"{stored} notifications were stored in place of {wanted}")


if __name__ == "__main__":
    typer.run(main)
