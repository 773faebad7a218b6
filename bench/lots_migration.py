"""The migration of a database that the code before lots has written."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import Postgres

from bench import commands
from bench.alert_data import EACH
from bench.earlier import Code, working
from bench.results import Row, Target

MOST_SECONDS = 60.0
DURABLE = "fsync=on", "synchronous_commit=on", "full_page_writes=on"
DATABASE = "bench_migration"


def run(base: Code, folder: Path, products: int) -> list[Row]:
    """Measure ``useby migrate`` once on SQLite and once on PostgreSQL."""
    case = f"Migration of {products:,} products"
    rows = []
    for title, stored in (("SQLite", _on_sqlite), ("PostgreSQL", _on_postgres)):
        with stored(base, folder, products) as url:
            used = commands.run("migrate", "--database", url)
        rows.append(Row("useby", title, case, figures={"seconds": [used.seconds]}))
    return rows


@contextmanager
def _on_sqlite(base: Code, folder: Path, products: int) -> Iterator[str]:
    place = folder / "migration"
    with working(base) as worker:
        worker.order("store", folder=place, users=_users(products), products=products, lots=1)
    yield f"sqlite:///{place / 'useby.db'}"


@contextmanager
def _on_postgres(base: Code, _folder: Path, products: int) -> Iterator[str]:
    server = Postgres().make().start(*DURABLE)
    try:
        asyncio.run(server.execute(f"CREATE DATABASE {DATABASE}"))
        url = server.url(DATABASE)
        ids = [str(uuid.uuid4()) for _ in range(_users(products))]
        with working(base) as worker:
            worker.order("store_on_postgres", url=url, ids=ids)
        yield url
    finally:
        server.end()


def _users(products: int) -> int:
    return max(1, products // EACH)


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets for the rows of ``run``."""
    return [
        Target(
            f"seconds to migrate, {row.title} ≤ {MOST_SECONDS:g}",
            row.median("seconds"),
            MOST_SECONDS,
        )
        for row in rows
    ]
