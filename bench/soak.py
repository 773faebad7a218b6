"""``python -m bench.soak``: run a node for a quarter of an hour; check whether it keeps growing.

Connections come and go; notifications are posted, delivered and marked read all the time. The
node's memory that is in no file and its descriptors are recorded every few seconds.
"""

import json
import statistics
import tempfile
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.durable import requests
from bench.peer import HOST
from bench.peers import find
from bench.posts import Posts, Task
from bench.report import machine
from bench.results import Plan, RunningPeer, Target, running_peer
from bench.users import create_users
from useby.process import raise_file_limit

DOCS = Path(__file__).parent.parent / "docs"
POSTERS = 64
CHURNERS = 200
CHURN_A_SECOND = 100
POSTS_A_SECOND = 100
EVERY_SECONDS = 5.0
GROWTH = 1.05
"""Maximum ratio of the memory in the last fifth to that in the second; the first warms up."""
WIDTH, HEIGHT, LEFT, TOP = 760, 260, 64, 40

console = Console()


@dataclass(frozen=True, slots=True)
class Look:
    """A node's memory and descriptors at one moment."""

    seconds: float
    mib: float
    descriptors: int


def main(
    minutes: Annotated[float, typer.Option(min=0.01)] = 15.0,
    connections: Annotated[int, typer.Option(min=POSTERS)] = 2000,
    into: Annotated[Path, typer.Option(help="the folder for soak.json and soak.svg")] = DOCS,
) -> None:
    """Keep a node busy, and chart its memory and descriptors."""
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as name:
        folder = Path(name)
        users = create_users(folder, connections + CHURNERS)
        plan = Plan(users, folder, 1, (connections,), 0, console)
        with running_peer(find("useby"), plan) as running:
            running.load.connect(0, connections)
            running.load.churn(connections, connections + CHURNERS, CHURN_A_SECOND)
            looks, posted = _watch(running, plan, minutes * 60)
            running.load.received(posted)
            churned = running.load.stop_churn()
    verdict = growth(looks, GROWTH)
    summary = (
        f"{minutes:g} minutes, {connections:,} connections, {churned:,} more came and went, "
        f"{posted:,} notifications posted one by one, delivered and marked read"
    )
    console.print(summary)
    console.print(f"{verdict.words}: {verdict.figure:.1f} against {verdict.bound:.1f}")
    kept = {
        "summary": summary,
        "machine": machine(),
        "looks": [asdict(each) for each in looks],
        "target": asdict(verdict) | {"met": verdict.met},
    }
    (into / "soak.json").write_text(json.dumps(kept) + "\n")
    (into / "soak.svg").write_text(svg(looks, summary))
    raise typer.Exit(0 if verdict.met else 1)


def _watch(running: RunningPeer, plan: Plan, seconds: float) -> tuple[list[Look], int]:
    """Post notifications, and record the node's memory and descriptors at intervals."""
    looks: list[Look] = []
    count = max(1, round(seconds * POSTS_A_SECOND))
    (process, *_) = running.server.tree()
    with Posts(running.server.port) as posts:
        task = Task(requests(running, plan, POSTERS), count, per_second=POSTS_A_SECOND)
        posting = threading.Thread(target=posts.run, args=(task, seconds + 60))
        began = time.monotonic()
        posting.start()
        while posting.is_alive():
            passed = time.monotonic() - began
            looks.append(Look(passed, running.server.own_memory() / 2**20, process.num_fds()))
            for token in plan.users.tokens[:POSTERS]:
                _mark_all_read(running.server.port, token)
            posting.join(EVERY_SECONDS)
    return looks, count


def _mark_all_read(port: int, token: str) -> None:
    request = urllib.request.Request(
        f"http://{HOST}:{port}/api/notifications/read-all",
        headers={"Authorization": f"Bearer {token}"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


def growth(looks: list[Look], bound: float) -> Target:
    """Compare the memory in the last fifth of the looks with that in the second.

    Args:
        looks: At least one, in the order of time.
        bound: The maximum ratio that does not count as growth.
    """
    fifth = max(1, len(looks) // 5)
    early = statistics.median(look.mib for look in looks[fifth : 2 * fifth] or looks)
    late = statistics.median(look.mib for look in looks[-fifth:])
    words = f"MiB in the last fifth ≤ {bound:g} times those in the second"
    return Target(words, late, early * bound)


def svg(looks: list[Look], title: str) -> str:
    """Return the chart of memory and descriptors over time, each from zero."""
    longest = max(looks[-1].seconds, 1.0)
    shapes = [f'<text x="12" y="20">{title}</text>']
    series = (
        ("MiB of its own", "#1a7f5a", [look.mib for look in looks]),
        ("descriptors", "#8fa3b0", [float(look.descriptors) for look in looks]),
    )
    for number, (name, colour, values) in enumerate(series):
        most = max(values) * 1.25
        points = " ".join(
            f"{LEFT + look.seconds / longest * (WIDTH - LEFT - 12):.1f},"
            f"{HEIGHT - 24 - value / most * (HEIGHT - 24 - TOP):.1f}"
            for look, value in zip(looks, values, strict=True)
        )
        label = f"{name}: {min(values):,.0f} to {max(values):,.0f}, at the end {values[-1]:,.0f}"
        shapes += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{LEFT}" y="{TOP + 14 * number}" fill="{colour}">{label}</text>',
        ]
    shapes.append(
        f'<text x="{WIDTH - 12}" y="{HEIGHT - 6}" text-anchor="end">'
        f"{longest / 60:.1f} minutes</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>{"".join(shapes)}</svg>\n'
    )


if __name__ == "__main__":
    typer.run(main)
