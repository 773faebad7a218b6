"""The cost of lots over REST, in alternating requests to this code and to the code before lots.

A product with 200 lots is consumed from beside one with a single lot, and a list of 50 products
with their lots is requested beside the same list from a node of the code before lots.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.earlier import NOW, Code, node, working
from bench.peer import HOST
from bench.results import Row, Target
from bench.users import BenchUsers

MANY_LOTS, LISTED, LOTS_EACH = 200, 50, 2
REQUESTS = 30
"""Requests of each kind in a round, whose median is the round's figure."""
MOST_CONSUME, MOST_LIST = 2.0, 1.5
Request = Callable[[], Awaitable[httpx.Response]]


def run(base: Code, folder: Path, rounds: int) -> list[Row]:
    """Measure; return the rows in the order in which ``targets`` takes them."""
    with ExitStack() as stack:
        before, now = (
            stack.enter_context(_client(code, folder / f"rest-{number}"))
            for number, code in enumerate((base, NOW))
        )
        return asyncio.run(_measured(before, now, rounds))


@contextmanager
def _client(code: Code, folder: Path) -> Iterator[httpx.AsyncClient]:
    """Run a node of a version with one user; yield a client that is signed in."""
    with working(code) as worker:
        made = worker.order("store", folder=folder, users=1, products=0, lots=1)
    users = BenchUsers(folder, made["key"], tuple(made["ids"]), tuple(made["tokens"]))
    with node(code, users, folder / "node") as server:
        yield httpx.AsyncClient(
            base_url=f"http://{HOST}:{server.port}",
            headers={"Authorization": f"Bearer {users.tokens[0]}"},
            timeout=60,
        )


async def _stocked(rest: httpx.AsyncClient, name: str, lots: int) -> str:
    """Add a product with a number of lots, of which none is used up by the bench; return its id."""
    first = {"name": name, "expiryDate": "2030-01-01", "quantity": "1000000"}
    added = (await rest.post("/api/products", json=first)).raise_for_status().json()
    for number in range(1, lots):
        lot = {"expiryDate": f"20{30 + number % 50}-02-03", "quantity": "1000000"}
        (await rest.post(f"/api/products/{added['id']}/lots", json=lot)).raise_for_status()
    return str(added["id"])


async def _measured(before: httpx.AsyncClient, now: httpx.AsyncClient, rounds: int) -> list[Row]:
    async with before, now:
        one, many = [await _stocked(now, f"of {count}", count) for count in (1, MANY_LOTS)]
        for number in range(LISTED):
            await _stocked(now, f"listed {number}", LOTS_EACH)
            await _stocked(before, f"listed {number}", 1)
        some = {"quantity": "0.001"}
        page = f"/api/products?q=listed&limit={LISTED}"
        consume: dict[str, Request] = {
            "1 lot": lambda: now.post(f"/api/products/{one}/consume", json=some),
            f"{MANY_LOTS} lots": lambda: now.post(f"/api/products/{many}/consume", json=some),
        }
        listed: dict[str, Request] = {
            "useby before lots": lambda: before.get(page),
            "useby": lambda: now.get(page),
            f"useby, with {LOTS_EACH} lots each": lambda: now.get(f"{page}&include=lots"),
        }
        return [
            *await _medians("Consuming from a product", consume, rounds),
            *await _medians(f"A list of {LISTED} products", listed, rounds),
        ]


async def _medians(case: str, requests: dict[str, Request], rounds: int) -> list[Row]:
    """Send the requests in turn; return the median milliseconds of each in each round."""
    rows = [Row("useby", title, case) for title in requests]
    for number in range(rounds + 1):
        took: list[list[float]] = [[] for _ in requests]
        for _ in range(REQUESTS):
            for request, milliseconds in zip(requests.values(), took, strict=True):
                began = time.perf_counter()
                (await request()).raise_for_status()
                milliseconds.append((time.perf_counter() - began) * 1000)
        if number:  # the first round warms up
            for row, milliseconds in zip(rows, took, strict=True):
                row.figures.setdefault("ms", []).append(statistics.median(milliseconds))
    return rows


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets for the rows of ``run``."""
    one, many, before, _, with_lots = (row.median("ms") for row in rows)
    return [
        Target(
            f"consuming with {MANY_LOTS} lots over that with one ≤ {MOST_CONSUME:g}",
            many / one,
            MOST_CONSUME,
        ),
        Target(
            f"a list of {LISTED} with lots over that of the code before lots ≤ {MOST_LIST:g}",
            with_lots / before,
            MOST_LIST,
        ),
    ]
