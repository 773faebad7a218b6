"""``make siege``: one node, eight hostile visitors at once, and the effect on its other users.

While the visitors are active, applications post and devices receive, with a ledger of every
acknowledged post, and a bystander measures the time the node takes for a post and for a ``PING``.
The command ends with a verdict, and with status 1 if a target is missed.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from tests.cluster.ledger import Ledger
from tests.support.bystander import Bystander, bystander_of
from tests.support.factories import a_product, an_owner
from tests.support.process_node import NodeProcess, Person

from bench.peer import held
from bench.report import machine, verdict
from bench.results import Target
from bench.soak import Look, growth
from bench.visitors import VISITORS, Access, Visitors
from useby.actions import inventory
from useby.process import raise_file_limit
from useby.store.schema import notifications as notifications_table

SETTINGS: dict[str, Any] = {
    "log_level": "INFO",
    "log_format": "json",
    "trusted_proxies": "127.0.0.1",  # each visitor has an address of its own
    "login_rate": "10/minute",
    "signup_rate": "10/minute",
    "ping_interval": 25,
    "ping_timeout": 20,
}
"""A node's default settings, where those of the tests differ."""
TOKEN_SECONDS = 12 * 3600
LISTENERS = 20
POSTERS = 2
PAUSE = 0.1
SIZES = 1, 1, 5
"""Notifications of the requests that a poster sends in one turn."""
LEAVERS = 60
BATCH = 1000
GROWTH = 1.1
P99_MS = 100.0
LOOKS = 60
LONGEST_HOLD = 20.0
UNEXPECTED = "Traceback", "never retrieved"
SHOWN = 3
"""Complaints and log lines that are printed."""

console = Console(width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True)
class Size:
    """Numbers of rows in the database before the siege begins."""

    searched: int
    moved: int
    left: int
    unread: int


LARGE = Size(searched=20_000, moved=40_000, left=100_000, unread=200_000)


class Alone:
    """One node in place of the ledger's fleet."""

    def __init__(self, node: Any) -> None:
        """Wrap a running node."""
        self.node = node
        self.dice = random.Random(0)  # noqa: S311 - it spreads reconnections

    def any_node(self) -> Any:
        """Return the only node."""
        return self.node

    async def kept(self) -> dict[str, list[tuple[int, str]]]:
        """Return each user's notifications in the database: numbers and ids, the numbers rising."""
        table = notifications_table.c
        found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        with self.node.writing() as transaction:
            rows = notifications_table.select().order_by(table.user_id, table.seq)
            for row in transaction.connection.execute(rows):
                found[row.user_id].append((row.seq, row.id))
        return found


@dataclass
class SiegeOutcome:
    """The results of a siege."""

    looks: list[Look]
    bystander: Bystander
    answers: dict[str, Counter[str]]
    complaints: list[str]
    """Complaints of the ledger and the bystander."""
    posted: int
    log: list[str]
    """Unexpected lines of the node's log."""

    def targets(self) -> list[Target]:
        """Return the targets of the verdict."""
        posts, pongs = _p99(self.bystander.seconds), _p99(self.bystander.pongs)
        return [
            Target("complaints of the ledger and the bystander ≤ 0", len(self.complaints), 0),
            Target(f"bystander's p99 from post to frame ≤ {P99_MS:g} ms", posts, P99_MS),
            Target(f"bystander's p99 from PING to pong ≤ {P99_MS:g} ms", pongs, P99_MS),
            growth(self.looks, GROWTH),
            Target("errors and tracebacks in the log ≤ 0", len(self.log), 0),
        ]


def main(
    seconds: Annotated[float, typer.Option(min=1.0, help="how long the visitors stay")] = 600.0,
    only: Annotated[str, typer.Option(help="names of visitors with commas; all by default")] = "",
    scale: Annotated[float, typer.Option(min=0.001, help="of the rows that are there before")] = 1,
    into: Annotated[Path | None, typer.Option(help="the folder for siege.json")] = None,
) -> None:
    """Besiege a node, and judge the effect on its other users."""
    names = tuple(only.split(",")) if only else tuple(VISITORS)
    if unknown := set(names) - set(VISITORS):
        raise typer.BadParameter(f"no such visitors: {', '.join(sorted(unknown))}")
    raise_file_limit()
    size = Size(**{name: round(count * scale) for name, count in asdict(LARGE).items()})
    with tempfile.TemporaryDirectory(prefix="useby-siege-") as folder:
        outcome = asyncio.run(_besiege(Path(folder), names, size, seconds))
    targets = outcome.targets()
    console.print(_table(outcome.answers))
    for line in (*outcome.complaints[:SHOWN], *outcome.log[:SHOWN]):
        console.print(line[:2000], style="red", markup=False)
    summary = (
        f"{seconds:g} seconds, {outcome.posted:,} notifications posted to {LISTENERS} listeners, "
        f"{len(outcome.bystander.seconds):,} by the bystander"
    )
    console.print(summary)
    for target in targets:
        console.print(verdict(target), markup=False)
    if into is not None:
        kept = {
            "summary": summary,
            "machine": machine(),
            "visitors": {name: dict(counts) for name, counts in outcome.answers.items()},
            "looks": [asdict(look) for look in outcome.looks],
            "targets": [asdict(target) | {"met": target.met} for target in targets],
        }
        (into / "siege.json").write_text(json.dumps(kept) + "\n")
    raise typer.Exit(0 if all(target.met for target in targets) else 1)


async def _besiege(folder: Path, only: Sequence[str], size: Size, seconds: float) -> SiegeOutcome:
    node = NodeProcess(folder, forked=False, **SETTINGS)
    try:
        access = _filled(node, only, size, min(LONGEST_HOLD, seconds / 6))
        people = [_person(node) for _ in range(LISTENERS)]
        bystander = _person(node)
        await asyncio.to_thread(node.start)
        outcome = await _watched(node, replace(access, url=node.url), people, bystander, seconds)
        status = await asyncio.to_thread(node.stop)
        if status:
            outcome.complaints.append(f"the node ended with {status}")
        outcome.log = [line for line in node.log.splitlines() if _is_unexpected(line)]
        return outcome
    finally:
        node.end()


async def _watched(
    node: Any, access: Access, people: Sequence[Person], bystander: Person, seconds: float
) -> SiegeOutcome:
    """Run the visitors for ``seconds`` while other users post and receive."""
    fleet: Any = Alone(node)
    ledger = Ledger(fleet, people)
    outcome = SiegeOutcome([], Bystander(), {}, [], 0, [])
    over = asyncio.Event()
    posting = asyncio.create_task(_post(ledger, over))
    measuring = asyncio.create_task(_measure(node, bystander, outcome, over))
    with _visiting(access) as visitors:
        await asyncio.to_thread(visitors.begin)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            memory = held(node.process.pid, "Pss_Anon") / 2**20
            outcome.looks.append(Look(passed, memory, node.usage.num_fds()))
            await asyncio.sleep(seconds / LOOKS)
        outcome.answers = await asyncio.to_thread(visitors.end)
    over.set()
    for task in (measuring, posting):
        await _complain(task, outcome)
    await _complain(_reckon(ledger), outcome)
    outcome.posted = sum(len(account.posted) for account in ledger.accounts)
    return outcome


@contextmanager
def _visiting(access: Access) -> Iterator[Visitors]:
    visitors = Visitors(access)
    try:
        yield visitors
    finally:
        visitors.kill()


async def _complain(what: Any, outcome: SiegeOutcome) -> None:
    """Await ``what``; its failure is a complaint and does not end the siege."""
    try:
        await what
    except Exception as error:  # noqa: BLE001 - the verdict names every error
        outcome.complaints.append(_words(error))


def _words(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(each) for each in error.exceptions)
    return f"{type(error).__name__}: {error}"


async def _post(ledger: Any, over: asyncio.Event) -> None:
    await ledger.connect_all()
    await ledger.post_all(ledger.accounts, sizes=SIZES, at_once=POSTERS, pause=PAUSE, over=over)


async def _measure(node: Any, person: Person, outcome: SiegeOutcome, over: asyncio.Event) -> None:
    async with bystander_of(node, person) as bystander:
        outcome.bystander = bystander
        await over.wait()


async def _reckon(ledger: Any) -> None:
    try:
        with suppress(TimeoutError):  # the reckoning names the missing notifications
            await ledger.until_all_is_heard()
    finally:
        await ledger.end()
    await ledger.reckon()


def _filled(node: Any, only: Sequence[str], size: Size, hold: float) -> Access:
    """Create the users whose accounts the visitors use, and their rows."""
    author, victim, searcher, mover, hoarder = (_person(node) for _ in range(5))
    leavers = [_person(node) for _ in range(LEAVERS)]
    _stock(node, searcher, size.searched)
    _stock(node, mover, size.moved)
    for person, count in ((hoarder, size.unread), (leavers[0], size.left)):
        for start in range(0, count, BATCH):
            node.notify(person, [f"unread {start + n}" for n in range(min(BATCH, count - start))])
    return Access(
        url="",
        only=only,
        hold_seconds=hold,
        author=author.token,
        victim=victim.email,
        searcher=searcher.token,
        mover=mover.token,
        leavers=[each.token for each in leavers],
        hoarder=hoarder.token,
    )


def _person(node: Any) -> Person:
    """Create a user whose token outlives the siege."""
    person: Person = node.person()
    return replace(person, token=node.token(person.id, person.session_id, TOKEN_SECONDS))


def _stock(node: Any, person: Person, count: int) -> None:
    owner = an_owner(id=person.id, email=person.email)
    now = datetime.now(UTC)
    for start in range(0, count, BATCH):
        wanted = [a_product(owner, "2126-03-04") for _ in range(min(BATCH, count - start))]
        with node.writing() as transaction:
            inventory.add_many(transaction, wanted, owner, now)


def _is_unexpected(line: str) -> bool:
    """Return whether a log line is an error or belongs to an uncaught exception."""
    try:
        level = json.loads(line).get("level", "")
    except (ValueError, AttributeError):
        level = ""
    return level in ("error", "critical") or any(each in line for each in UNEXPECTED)


def _p99(seconds: Sequence[float]) -> float:
    """Return the p99 in milliseconds; infinite if there are no values."""
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000 if seconds else float("inf")


def _table(answers: dict[str, Counter[str]]) -> Table:
    shown = Table("visitor", "rounds", "answers")
    for name, counts in answers.items():
        statuses = sorted(set(counts) - {"rounds"})
        rest = ", ".join(f"{status}: {counts[status]:,}" for status in statuses)
        shown.add_row(name, f"{counts['rounds']:,}", rest)
    return shown


if __name__ == "__main__":
    typer.run(main)
