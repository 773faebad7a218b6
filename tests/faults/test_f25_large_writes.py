"""F25: large writes of one user, beside a stranger's posts."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support import process_node as live
from tests.support.canary import heard_throughout, watched
from tests.support.databases import database_url
from tests.support.foreign_clients import client_of, take
from tests.support.process_node import NodeProcess, Person, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.time_limits import HANG_TIMEOUT
from uuid_utils import uuid7

from useby.store import schema, slices
from useby.store.database import Database, Transaction
from useby.store.open import open_database

__all__ = ["database_url"]

MANY = (10_000, 4_000)
"""Notifications and products of the user: dozens of slices."""
FEW = (1_500, 300)
"""A few slices."""


@pytest.fixture
def node(tmp_path: Path, database_url: str) -> Iterator[NodeProcess]:
    with watched(tmp_path / "node", kind=NodeProcessOnPostgres, database_url=database_url) as node:
        yield node


@pytest.fixture
async def beside(database_url: str) -> AsyncIterator[Database]:
    """The node's database, opened by another process: this one."""
    database = open_database(database_url)
    yield database
    await database.close()


async def filled(node: NodeProcess, database: Database, count: tuple[int, int]) -> Person:
    """A user with many rows."""
    person = await person_on(str(node.settings["database_url"]), node)
    now = datetime.now(UTC).replace(microsecond=0)
    product: dict[str, Any] = {
        each.name: None if each.nullable else "" for each in schema.products.c
    } | {
        "user_id": person.id,
        "quantity": 1,
        "expires_on": (now + timedelta(days=1000)).date(),
        "ends_at": now + timedelta(days=1000),
        "expiring_from": now + timedelta(days=993),
        "next_alert_at": now + timedelta(days=993),
        "date_kind": "best_before",
        "created_at": now,
        "updated_at": now,
    }
    said = {
        "user_id": person.id,
        "message": "hello",
        "kind": "info",
        "event": "custom",
        "product_name": "",
        "created_at": now,
    }

    def fill(transaction: Transaction) -> None:
        rows = [said | {"seq": n + 1, "id": str(uuid7())} for n in range(count[0])]
        transaction.connection.execute(sa.insert(schema.notifications), rows)
        goods = [product | {"id": str(uuid7())} for _ in range(count[1])]
        transaction.connection.execute(sa.insert(schema.products), goods)
        users = schema.users
        transaction.connection.execute(
            sa.update(users).where(users.c.id == person.id).values(seq=count[0])
        )

    await database.write(fill)
    return person


async def is_gone(database: Database, person: Person) -> bool:
    wanted = sa.select(sa.exists().where(schema.users.c.id == person.id))
    return not await database.read(lambda c: c.scalar(wanted))


async def test_a_stranger_is_served_while_large_writes_of_a_user_are_done(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    """All the user's notifications are marked read, all alerts rescheduled, all is deleted."""
    person = await filled(node, beside, MANY)
    bird = await person_on(str(node.settings["database_url"]), node)
    async with heard_throughout(node, record_property, bird) as canary, node.rest() as rest:
        before = len(canary.seconds)
        marked = await rest.post("/api/notifications/read-all", headers=person.headers)
        assert marked.json() == {"marked": MANY[0]}
        for zone in ("Asia/Tokyo", "Europe/Berlin") * 5:
            changed = await rest.patch("/api/me", headers=person.headers, json={"timeZone": zone})
            assert changed.status_code == HTTPStatus.OK
        async with client_of("websockets") as connect:
            device = await connect(node.socket_url(person.token))
            await take(device, 1)
            gone = await rest.request("DELETE", "/api/me", headers=person.headers)
            assert gone.status_code == HTTPStatus.NO_CONTENT
        after = await rest.get("/api/me", headers=person.headers)
        assert after.status_code == HTTPStatus.UNAUTHORIZED
        assert await is_gone(beside, person)
        during = canary.seconds[before:]
    record_property("worst_ms", round(max(during, default=0) * 1000))


async def test_what_a_node_began_is_finished_by_the_next(
    node: NodeProcess, beside: Database
) -> None:
    """As if a node had died after the first slice of a deletion."""
    assert node.stop() == 0
    person = await filled(node, beside, FEW)
    await beside.write(lambda t: slices.delete_user(t, person.id))
    assert not await is_gone(beside, person)
    node.start()
    await until(lambda: is_gone(beside, person), within=HANG_TIMEOUT)
