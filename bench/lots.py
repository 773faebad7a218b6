"""``python -m bench.lots``: what lots cost over REST, in alternating requests to one node.

It prints the median of consuming from a product with 200 lots beside one with a single lot, and of
a list of 50 products with their lots beside the same list without. The targets are those of the
issue: at most twice and 1.5 times as long.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table
from tests.support import process_node
from tests.support.process_node import NodeProcess

MANY_LOTS, LISTED, LOTS_EACH = 200, 50, 2
MOST_CONSUME, MOST_LIST = 2.0, 1.5
console = Console(width=None if sys.stdout.isatty() else 120)


async def stocked(rest: httpx.AsyncClient, name: str, lots: int) -> str:
    """Add a product with a number of lots, of which none is used up by the bench; return its id."""
    first = {"name": name, "expiryDate": "2030-01-01", "quantity": "1000000"}
    added = (await rest.post("/api/products", json=first)).raise_for_status().json()
    for number in range(1, lots):
        lot = {"expiryDate": f"20{30 + number % 50}-02-03", "quantity": "1000000"}
        (await rest.post(f"/api/products/{added['id']}/lots", json=lot)).raise_for_status()
    return str(added["id"])


async def medians(
    requests: dict[str, Callable[[], Awaitable[httpx.Response]]], rounds: int
) -> dict[str, float]:
    """Send the requests in turn; return the median milliseconds of each."""
    took: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(rounds):
        for name, request in requests.items():
            began = time.perf_counter()
            (await request()).raise_for_status()
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(each) for name, each in took.items()}


async def measured(server: NodeProcess, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each request."""
    person = server.person()
    async with server.rest() as rest:
        rest.headers.update(person.headers)
        one, many = [await stocked(rest, f"of {count}", count) for count in (1, MANY_LOTS)]
        some = {"quantity": "0.001"}
        found = await medians(
            {
                "consume, 1 lot": lambda: rest.post(f"/api/products/{one}/consume", json=some),
                "consume, 200 lots": lambda: rest.post(f"/api/products/{many}/consume", json=some),
            },
            rounds,
        )
        for number in range(LISTED):
            await stocked(rest, f"listed {number}", LOTS_EACH)
        page = f"/api/products?q=listed&limit={LISTED}"
        return found | await medians(
            {
                "list of 50": lambda: rest.get(page),
                "list of 50 with lots": lambda: rest.get(f"{page}&include=lots"),
            },
            rounds,
        )


def main(rounds: Annotated[int, typer.Option(help="Requests of each kind.")] = 300) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder, process_node.serving(Path(folder)) as server:
        found = asyncio.run(measured(server, rounds))
    table = Table("request", "median ms", "ratio", "target", box=None)
    names = list(found)
    for base, other, most in ((names[0], names[1], MOST_CONSUME), (names[2], names[3], MOST_LIST)):
        ratio = found[other] / found[base]
        table.add_row(base, f"{found[base]:.2f}", "", "")
        met = "met" if ratio <= most else "MISSED"
        table.add_row(other, f"{found[other]:.2f}", f"{ratio:.2f}", f"{most}, {met}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
