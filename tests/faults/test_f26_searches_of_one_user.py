"""F26: one user searches 20,000 products, 16 searches at a time, all the while."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from tests.support import process_node as live
from tests.support.bystander import receives_throughout
from tests.support.databases import database_url
from tests.support.factories import a_product
from tests.support.process_node import NodeProcess, Person, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on

from useby.actions import inventory
from useby.domain.account import User
from useby.domain.policy import Policy
from useby.store import products, usage
from useby.store.database import Transaction
from useby.store.open import open_database
from useby.store.schema import products as table

__all__ = ["database_url"]

PRODUCTS = 20_000
TOGETHER = 1_000
SEARCHES = 16
ROUNDS = 20
BURST = 90
NOTES = "Ein Käse aus Kuhmilch, gereift im Keller, mit Rinde; zu Brot und Äpfeln. " * 4


async def fill(url: str, person: Person) -> None:
    """Give a person many products, none of them due for long; all but some are copies of these."""
    now = datetime.now(UTC)
    owner = User(person.id, person.email, "A Person", "UTC", Policy(), now)
    database = open_database(url)
    new = [
        a_product(owner, "2090-01-01", name=f"Käse {each}", notes=NOTES) for each in range(TOGETHER)
    ]
    try:
        await database.write(partial(inventory.add_many, batch=new, user=owner, now=now))
        for number in range(1, PRODUCTS // TOGETHER):
            await database.write(partial(copy, person=person, prefix=f"copy{number:02}"))
        await database.write(products.refresh_statistics)
        count = (await database.read(lambda c: usage.of(c, person.id))).products
        assert count == PRODUCTS
    finally:
        await database.close()


def copy(transaction: Transaction, person: Person, prefix: str) -> None:
    """Insert each of the first products again, under an id that begins with ``prefix``."""
    columns = [each for each in table.c if each is not table.c.id]
    made = sa.literal(prefix) + sa.func.substr(table.c.id, len(prefix) + 1)
    first = sa.select(made, *columns).where(
        table.c.user_id == person.id, table.c.id.not_like("copy%")
    )
    names = [each.name for each in (table.c.id, *columns)]
    transaction.connection.execute(sa.insert(table).from_select(names, first))


async def search(rest: httpx.AsyncClient, person: Person) -> httpx.Response:
    """Search for what is nowhere, so that every product is looked at."""
    query = {"q": "nothing like it"}
    return await rest.get("/api/products", params=query, headers=person.headers)


@pytest.fixture
async def node(database_url: str, tmp_path: Path) -> AsyncIterator[NodeProcess]:
    with live.serving(
        tmp_path / "node", kind=NodeProcessOnPostgres, database_url=database_url
    ) as server:
        yield server


async def test_a_strangers_reads_pass_one_users_searches_and_too_many_of_them_are_503(
    node: NodeProcess, database_url: str, record_property: live.Record
) -> None:
    searcher, stranger, singer = [await person_on(database_url, node) for _ in range(3)]
    await fill(database_url, searcher)
    seconds: list[float] = []
    answered = 0
    stop = asyncio.Event()
    async with node.rest() as rest, node.rest() as others:

        async def search_on() -> None:
            nonlocal answered
            while not stop.is_set():
                answer = await search(rest, searcher)
                assert answer.json() == {"items": [], "nextCursor": None}
                answered += 1

        def has_answered(*, more_than: int) -> bool:
            return answered > more_than

        passed_by = 0
        async with receives_throughout(node, record_property, singer), asyncio.TaskGroup() as group:
            for _ in range(SEARCHES):
                group.create_task(search_on())
            await until(partial(has_answered, more_than=SEARCHES))
            for _ in range(ROUNDS):
                before, began = answered, time.perf_counter()
                answer = await others.get("/api/products", headers=stranger.headers)
                seconds.append(time.perf_counter() - began)
                assert answer.status_code == 200
                passed_by += answered - before
                await until(partial(has_answered, more_than=answered))  # the searches queue again
            stop.set()
        record_property("stranger_worst_ms", round(max(seconds) * 1000, 1))
        record_property("searches_answered_per_read", passed_by / ROUNDS)
        assert passed_by < ROUNDS * SEARCHES / 2, "the stranger's reads waited behind the searches"

        answers = await asyncio.gather(*(search(rest, searcher) for _ in range(BURST)))
        text = (await rest.get("/metrics")).text
    refused = [each for each in answers if each.status_code == 503]
    assert {each.status_code for each in answers} == {200, 503}
    assert {each.headers["Retry-After"] for each in refused} == {"2"}
    assert all("wait for the database already" in each.json()["detail"] for each in refused)
    assert f"useby_reads_refused_total {len(refused)}.0" in text
