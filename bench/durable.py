"""Durable: notifications posted over HTTP, committed and delivered; some peers store nothing."""

import json
import statistics
import time
from collections.abc import Iterator, Sequence

from bench.peer import HOST, Peer
from bench.peers import STORELESS, find
from bench.peers.control import message
from bench.posts import DIGITS, Posts, Task
from bench.results import Case, Column, Plan, Row, RunningPeer, Target, against, interleaved

TITLE = "Durable: from a post to its frame"
COLUMNS = {
    "rate": Column(
        "notifications, accepted and delivered",
        "a second",
        digits=0,
        charted=True,
        more_is_better=True,
    ),
    "cpu": Column("server CPU a notification", "µs", digits=0),
    "p50": Column("p50 from post to frame", "ms"),
    "p99": Column("p99 from post to frame", "ms"),
}
POSTERS = 64
BATCHES_AT_ONCE = 4
BATCH = 1000
CASES = {
    "batch": f"batches of {BATCH:,}, {BATCHES_AT_ONCE} at a time",
    "single": f"single posts, {POSTERS} at a time",
    "half": "single posts, at half that rate",
}
TARGETS = (
    (("useby", "batch"), "rate", "notifications a second in batches ≥ 30,000", 30_000.0, True),
    (("useby", "single"), "rate", "single posts a second ≥ 5,500", 5_500.0, True),
    (("useby", "single"), "cpu", "µs of CPU a single post ≤ 190", 190.0, False),
    ((STORELESS, "single"), "rate", "the same, its store taken out, ≥ 9,000", 9_000.0, True),
    (("useby", "half"), "p99", "ms from post to frame at half that rate, p99, ≤ 10", 10.0, False),
)
"""The row, the figure, its description and its bound, and whether it has to be at least that."""
PART = 6
"""Notifications in batches for each one that is posted singly."""


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Post to each peer that accepts posts, and to useby without its database."""
    ours = [find(STORELESS)] if any(peer.name == "useby" for peer in peers) else []
    return interleaved([*(peer for peer in peers if peer.posts), *ours], plan, _measure)


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets: rates and delays, and comparisons with other rows of the run."""
    ours = {
        (row.peer, case): row for row in rows for case, title in CASES.items() if row.case == title
    }
    return [
        Target(words, ours[row].median(name), bound, at_least)
        for row, name, words, bound, at_least in TARGETS
        if row in ours
    ] + _compared([row for row in rows if row.case == CASES["single"]])


def _compared(single: Sequence[Row]) -> list[Target]:
    """Compare single posts with those of peers in the same run."""
    words = "single posts a second"
    return [
        *against(single, "rate", words, {"starlette": 1.0, STORELESS: 0.7}, least=True),
        *against(single, "cpu", "CPU a single post", {"starlette": 1.0}),
    ]


def _measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
    running.load.connect(0, POSTERS)
    singles = max(POSTERS, plan.pushes // PART)
    with Posts(running.server.port) as posts:
        single = requests(running, plan, POSTERS)
        posts.run(Task(single, POSTERS * 4))  # warms up imports and compilers
        if "batch" in running.peer.posts and running.peer.name != STORELESS:
            batch = requests(running, plan, BATCHES_AT_ONCE, BATCH)
            posts.run(Task(batch, BATCHES_AT_ONCE))
            size = max(BATCHES_AT_ONCE, plan.pushes // BATCH)
            yield CASES["batch"], post(running, posts, Task(batch, size), BATCH)
        figures = post(running, posts, Task(single, singles))
        yield CASES["single"], figures
        rate = figures["rate"] / 2
        yield CASES["half"], post(running, posts, Task(single, singles // 2, per_second=rate))


def post(running: RunningPeer, posts: Posts, task: Task, each: int = 1) -> dict[str, float]:
    """Post a task's notifications, and return the figures when all have arrived.

    Args:
        running: The server, with connected users.
        posts: The process that posts.
        task: The posts.
        each: Number of notifications of a post.
    """
    running.load.reset()
    cpu, began = running.server.cpu(), time.monotonic()
    posts.run(task)
    running.load.received(task.count * each)
    seconds = time.monotonic() - began
    used = running.server.cpu() - cpu
    ages = sorted(running.load.ages())
    count = len(ages)
    return {
        "rate": count / seconds,
        "cpu": used / count * 1e6,
        "p50": statistics.median(ages) / 1e6,
        "p99": ages[int(count * 0.99)] / 1e6,
    }


def requests(running: RunningPeer, plan: Plan, users: int, together: int = 0) -> list[bytes]:
    """Return one request per user, of one notification or of a batch of ``together``."""
    return [_request(running, plan, user, together) for user in range(users)]


def _request(running: RunningPeer, plan: Plan, index: int, together: int) -> bytes:
    user, token = plan.users.ids[index], plan.users.tokens[index]
    sample = message(0)
    item = {key: sample[key] for key in ("message", "type", "productName")}
    item["message"] = item["message"].replace("0" * len(DIGITS), DIGITS.decode())
    body = json.dumps({"items": [item] * together} if together else item).encode()
    path = running.peer.posts["batch" if together else "single"].format(user=user)
    return (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
