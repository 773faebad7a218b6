"""``make bench-cluster``: measure one, two and three nodes on one PostgreSQL and one NATS.

Everything runs on one machine: nodes, database, bus, senders and receivers. The figures thus show
the cost of a notification at each layer, and not how far nodes on several machines scale.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from tests.support.nats_servers import NatsServer, nats_servers
from tests.support.postgres import Postgres

from bench import report
from bench.durable import POSTERS, requests
from bench.load import Load
from bench.peer import serving
from bench.peers import find
from bench.posts import Posts, Task
from bench.results import Column, Plan, Row, RunningPeer, Target
from bench.users import BenchUsers, create_accounts, create_users
from useby.process import raise_file_limit

TITLE = "Cluster"
COLUMNS = {
    "rate": Column("notifications, committed and delivered", "a second", digits=0),
    "p50": Column("p50 from post to frame", "ms"),
    "p99": Column("p99 from post to frame", "ms"),
    "nodes": Column("CPU of the nodes", "µs", digits=0),
    "postgres": Column("of PostgreSQL", "µs", digits=0),
    "nats": Column("of NATS", "µs", digits=0),
}
NODES = 1, 2, 3
SINGLE, BATCH, CALM = "single posts", "batches of 100", "single posts, 150 a second"
CALMLY, EACH_CALMLY = 150, 10
CROSSING = 1200
"""Microseconds of the nodes' CPU, and of PostgreSQL's, for a post that crosses two nodes."""
SWEEP = {"nodes": 33, "postgres": 7}
"""Microseconds of CPU of a sweep for each silent connection: a third of what it once took."""
TOGETHER = 100
IDLE = 2000
WARM = 100
SETTLE_SECONDS = 3.0
SWEEP_SECONDS = 25.0
"""A node's default ping interval."""
SWEEPS = 2
"""Sweeps of a measurement."""
DURABLE = "fsync=on", "synchronous_commit=on", "full_page_writes=on"
RESULTS = Path(__file__).with_name("results")

console = Console(width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True)
class RunningCluster:
    """Running nodes with their load generators, and the processes of PostgreSQL and NATS."""

    nodes: Sequence[RunningPeer]
    posts: Sequence[Posts]
    postgres: psutil.Process
    nats: psutil.Process
    plan: Plan

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds used so far at each layer."""
        return {
            "nodes": sum(each.server.cpu() for each in self.nodes),
            "postgres": _of_tree(self.postgres),
            "nats": _of_tree(self.nats),
        }


def main(
    posts: Annotated[int, typer.Option(min=100, help="single posts a round")] = 6000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    into: Annotated[Path, typer.Option(help="the folder for cluster.json")] = RESULTS,
) -> None:
    """Measure one to three nodes."""
    raise_file_limit()
    rows: dict[tuple[str, int], Row] = {}
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as name, nats_servers() as (nats,):
        folder = Path(name)
        users = create_users(folder, IDLE)
        plan = Plan(users, folder, rounds, (IDLE,), posts, console)
        postgres = Postgres().make().start(*DURABLE)
        try:
            with _running_cluster(plan, postgres, nats, 1) as cluster:
                idle, swept = _idle(cluster)
            for number in range(rounds):
                for nodes in NODES:
                    console.print(f"round {number + 1} of {rounds}: {nodes} nodes", style="dim")
                    with _running_cluster(plan, postgres, nats, nodes) as cluster:
                        for case, figures in _measure(cluster, posts):
                            row = Row("useby", f"nodes: {nodes}", case, "useby")
                            row = rows.setdefault((case, nodes), row)
                            for key, value in figures.items():
                                row.figures.setdefault(key, []).append(value)
        finally:
            postgres.end()
    found = [rows[case, nodes] for case in (SINGLE, CALM, BATCH) for nodes in NODES]
    for table in report.tables(TITLE, COLUMNS, found):
        console.print(table)
    aims = [*targets(rows[CALM, 2]), *swept]
    for target in aims:
        console.print(report.verdict(target), style="green" if target.met else "red")
    console.print(idle)
    machine = report.machine()
    console.print(f"All on one machine of {machine['cores']} cores, which bound it.")
    into.mkdir(parents=True, exist_ok=True)
    kept = {
        "title": TITLE,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "columns": {key: asdict(column) for key, column in COLUMNS.items()},
        "rows": [asdict(row) for row in found],
        "targets": [asdict(target) | {"met": target.met} for target in aims],
        "idle": idle,
    }
    (into / "cluster.json").write_text(json.dumps(kept, indent=1) + "\n")


def targets(crossing: Row) -> list[Target]:
    """Return the targets of a post that crosses two nodes when posts do not wait."""
    return [
        Target(
            f"µs of CPU of {words} for a crossing post ≤ {CROSSING:,}",
            crossing.median(layer),
            CROSSING,
        )
        for layer, words in (("nodes", "two nodes"), ("postgres", "PostgreSQL"))
    ]


@contextmanager
def _running_cluster(
    plan: Plan, postgres: Any, nats: NatsServer, count: int
) -> Iterator[RunningCluster]:
    database = f"bench{time.monotonic_ns()}"
    asyncio.run(postgres.execute(f"CREATE DATABASE {database}"))
    url = postgres.url(database)
    asyncio.run(create_accounts(url, plan.users.ids))
    useby = find("useby")

    def environment(users: BenchUsers, folder: Path) -> Mapping[str, str]:
        variables = {"USEBY_DATABASE_URL": url, "USEBY_NATS_URL": nats.url}
        return {**useby.environment(users, folder), **variables}

    peer = replace(useby, environment=environment)
    with ExitStack() as stack:
        nodes, posts = [], []
        for number in range(count):
            folder = plan.folder / f"{database}-{number}"
            server, publisher = stack.enter_context(serving(peer, plan.users, folder))
            load = stack.enter_context(Load(server, plan.users))
            nodes.append(RunningPeer(peer, server, publisher, load))
            posts.append(stack.enter_context(Posts(server.port)))
        yield RunningCluster(
            nodes,
            posts,
            _of_postgres(postgres),
            psutil.Process(nats.process.pid),
            plan,
        )
    asyncio.run(postgres.drop(database))


def _idle(cluster: RunningCluster) -> tuple[str, list[Target]]:
    """Measure the cost of a silent connection: memory, connecting, and each sweep."""
    (node,) = cluster.nodes
    node.load.connect(0, WARM)  # warms up imports and compilers
    few = _at_rest(cluster)
    memory, before = node.server.memory(), cluster.cpu()
    node.load.connect(WARM, IDLE)
    came = cluster.cpu()
    time.sleep(SETTLE_SECONDS)
    count, held = IDLE - WARM, node.server.memory() - memory
    all_of_them = _at_rest(cluster)
    coming = ", ".join(
        f"{(came[layer] - before[layer]) / count * 1e6:,.0f} µs of {layer}" for layer in came
    )
    sweep = {layer: (all_of_them[layer] - few[layer]) / count * 1e6 for layer in came}
    words = ", ".join(f"{used:,.0f} µs of {layer}" for layer, used in sweep.items())
    kib = held / count / 1024
    text = (
        f"A connection of {IDLE:,}, each of another user, on a node with NATS: {kib:.1f} KiB; "
        f"to come: {coming}; in a sweep of {SWEEP_SECONDS:.0f} s, ping included and the rest of the"
        f" node's work left out: {words}."
    )
    return text, [
        Target(f"µs of CPU of {layer} for a sweep of a connection ≤ {bound}", sweep[layer], bound)
        for layer, bound in SWEEP.items()
    ]


def _at_rest(cluster: RunningCluster) -> dict[str, float]:
    """Return the CPU seconds of each layer in a sweep while nothing else happens."""
    before, began = cluster.cpu(), time.monotonic()
    time.sleep(SWEEPS * SWEEP_SECONDS)
    sweeps = (time.monotonic() - began) / SWEEP_SECONDS
    return {layer: (used - before[layer]) / sweeps for layer, used in cluster.cpu().items()}


def _measure(cluster: RunningCluster, posts: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Have each user post at one node and receive at the next, so that two nodes exchange all."""
    count = len(cluster.nodes)
    for user in range(POSTERS):
        cluster.nodes[(user + 1) % count].load.connect(user, user + 1)
    single = requests(cluster.nodes[0], cluster.plan, POSTERS)
    batch = requests(cluster.nodes[0], cluster.plan, POSTERS, TOGETHER)
    _post(cluster, single, 4)  # warms up imports and compilers
    yield SINGLE, _post(cluster, single, posts // POSTERS)
    yield CALM, _post(cluster, single, EACH_CALMLY, per_second=CALMLY)
    yield BATCH, _post(cluster, batch, max(1, posts // POSTERS // 20), together=TOGETHER)


def _post(
    cluster: RunningCluster,
    wanted: Sequence[bytes],
    each: int,
    *,
    together: int = 1,
    per_second: float = 0.0,
) -> dict[str, float]:
    """Post every user's request about ``each`` times, and wait until all frames have arrived."""
    count = len(cluster.nodes)
    for each_node in cluster.nodes:
        each_node.load.reset()
    mine = [wanted[node::count] for node in range(count)]
    tasks = [Task(some, each * len(some), per_second * len(some) / len(wanted)) for some in mine]
    before, began = cluster.cpu(), time.monotonic()
    with ThreadPoolExecutor(count) as threads:
        for _ in threads.map(Posts.run, cluster.posts, tasks):
            pass
    ages = array("q")
    for node, task in enumerate(tasks):
        load = cluster.nodes[(node + 1) % count].load
        load.received(task.count * together)
        ages.extend(load.ages())
    seconds = time.monotonic() - began
    after = cluster.cpu()
    ordered = sorted(ages)
    return {
        "rate": len(ages) / seconds,
        "p50": statistics.median(ordered) / 1e6,
        "p99": ordered[int(len(ordered) * 0.99)] / 1e6,
        **{layer: (after[layer] - before[layer]) / len(ages) * 1e6 for layer in after},
    }


def _of_postgres(postgres: Any) -> psutil.Process:
    pid = int((postgres.data / "postmaster.pid").read_text().split()[0])
    return psutil.Process(pid)


def _of_tree(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and its children, ended ones included."""
    times = process.cpu_times()
    used: float = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            used += sum(child.cpu_times()[:2])
    return used


if __name__ == "__main__":
    typer.run(main)
