"""F24: on PostgreSQL another transaction locks a user's row; only that user waits for it.

covers: useby.store.user_batcher, useby.store.locks
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import held_by, receives_throughout, watched
from tests.support.foreign_clients import client_of, nothing_more, take
from tests.support.process_node import NodeProcess, Person, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on

from useby.auth.refresh import hash_of
from useby.domain.household import Household, Role
from useby.store import households
from useby.store import postgres as store
from useby.store.database import Transaction
from useby.store.open import open_database

AT_ONCE = 2 * store.POOL
"""Requests of one user at a time: more than the node has connections to the database."""
ROWS = {
    "the user": "SELECT FROM users WHERE id = $1 FOR UPDATE",
    "the user's notifications": "SELECT FROM notifications WHERE user_id = $1 FOR UPDATE",
}


@pytest.fixture
def node(tmp_path: Path, postgres_url: str) -> Iterator[NodeProcess]:
    with watched(tmp_path, kind=NodeProcessOnPostgres, database_url=postgres_url) as node:
        yield node


@contextlib.asynccontextmanager
async def locked(url: str, person: Person, row: str = "the user") -> AsyncIterator[None]:
    """Hold rows of a user, as a forgotten ``psql`` does, until the block ends."""
    other = await asyncpg.connect(url)
    try:
        async with other.transaction():
            await other.execute(ROWS[row], person.id)
            yield
    finally:
        await other.close()


async def posted(rest: httpx.AsyncClient, person: Person, message: str = "hello") -> dict[str, Any]:
    answer = await rest.post(
        "/api/notifications", headers=person.headers, json={"message": message}
    )
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    received: dict[str, Any] = answer.json()
    return received


def mark_of(received: dict[str, Any]) -> str:
    return json.dumps({"action": "mark_read", "id": received["id"]})


async def is_read(rest: httpx.AsyncClient, person: Person, received: dict[str, Any]) -> bool:
    answer = await rest.get("/api/notifications", headers=person.headers)
    (found,) = (each for each in answer.json()["items"] if each["id"] == received["id"])
    return found["readAt"] is not None


@pytest.mark.parametrize("row", ROWS)
async def test_marks_of_other_users_do_not_wait_for_a_row_that_is_locked(
    node: NodeProcess, postgres_url: str, row: str, record_property: live.Record
) -> None:
    """The locked user's device connects again and again, and each time sends the same mark."""
    owner, stranger, neighbour = [await person_on(postgres_url, node) for _ in range(3)]
    async with (
        receives_throughout(node, record_property, neighbour),
        client_of("websockets") as connect,
        node.rest() as rest,
    ):
        received, theirs = await posted(rest, owner), await posted(rest, stranger)
        async with locked(postgres_url, owner, row):
            devices = []
            for _ in range(8):
                device = await connect(node.socket_url(owner.token))
                await take(device, 2)
                await device.send(mark_of(received))
                await device.send("PING")
                devices.append(device)
            leaving = [asyncio.create_task(device.close()) for device in devices[:-1]]
            other = await connect(node.socket_url(stranger.token))
            await take(other, 2)
            for _ in range(5):
                await other.send(mark_of(theirs))
                assert await nothing_more(other) == []
                assert await is_read(rest, stranger, theirs)
            assert not await is_read(rest, owner, received)
        await asyncio.gather(*leaving)
        assert await take(devices[-1], 1) == [{"type": "pong"}]
        assert await is_read(rest, owner, received)


async def test_alerts_of_other_users_do_not_wait_for_a_late_one_whose_owner_is_locked(
    node: NodeProcess, postgres_url: str, record_property: live.Record
) -> None:
    owner, stranger, neighbour = [await person_on(postgres_url, node) for _ in range(3)]
    async with (
        receives_throughout(node, record_property, neighbour),
        client_of("websockets") as connect,
        node.rest() as rest,
    ):
        ours, theirs = [
            await connect(node.socket_url(person.token)) for person in (owner, stranger)
        ]
        for device in (ours, theirs):
            await take(device, 1)
        milk, eggs = [
            {"name": name, "expiryDate": str(datetime.now(UTC).date() + timedelta(days=days))}
            for name, days in (("Milk", 1000), ("Eggs", 1))
        ]
        await rest.post("/api/products", headers=owner.headers, json=milk)
        async with locked(postgres_url, owner):
            await has_been_due_for_a_minute(postgres_url, owner)
            for _ in range(3):
                await rest.post("/api/products", headers=stranger.headers, json=eggs)
                assert (await take(theirs, 1))[0]["productName"] == "Eggs"
                await until(lambda: waiting(postgres_url))
            assert await nothing_more(ours) == []
        assert (await take(ours, 1))[0]["productName"] == "Milk"


async def has_been_due_for_a_minute(url: str, person: Person) -> None:
    """Have a person's products expire today, and their alerts be late."""
    other = await asyncpg.connect(url)
    try:
        late = "expires_on = current_date, alert_at = now() - interval '1 minute'"
        await other.execute(f"UPDATE products SET {late} WHERE user_id = $1", person.id)
        today = "expires_on = current_date"
        await other.execute(f"UPDATE lots SET {today} WHERE household_id = $1", person.id)
    finally:
        await other.close()


async def waiting(url: str) -> int:
    """Count the transactions that wait for a lock."""
    other = await asyncpg.connect(url)
    try:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return int(await other.fetchval(asked))
    finally:
        await other.close()


async def test_requests_of_other_users_do_not_wait_for_a_row_that_is_locked(
    node: NodeProcess, postgres_url: str, record_property: live.Record
) -> None:
    """More requests of the locked user, of every kind, than there are connections."""
    owner, stranger, neighbour = [await person_on(postgres_url, node) for _ in range(3)]

    async def asked(rest: httpx.AsyncClient, person: Person) -> list[int]:
        headers = person.headers
        token = await with_refresh_token(postgres_url, person)
        answers = [
            await rest.post("/api/notifications", headers=headers, json={"message": "hello"}),
            await rest.post(
                "/api/notifications/batch",
                headers=headers | {"Idempotency-Key": token},
                json={"items": [{"message": "hello"}]},
            ),
            await rest.post(
                "/api/products", headers=headers, json={"name": "Milk", "expiryDate": "2099-01-01"}
            ),
            await rest.post("/api/notifications/read-all", headers=headers),
            await rest.post("/api/ws/ticket", headers=headers),
            await rest.patch("/api/me", headers=headers, json={"timeZone": "Europe/Berlin"}),
            await rest.post("/api/auth/refresh", json={"refreshToken": token}),
        ]
        return [answer.status_code for answer in answers]

    good = [201, 200, 201, 200, 200, 200, 200]
    async with receives_throughout(node, record_property, neighbour), node.rest() as rest:
        before = await held_by(node)
        async with asyncio.TaskGroup() as group, locked(postgres_url, owner):
            for path, body in (
                ("/api/notifications", {"message": "hello"}),
                ("/api/products", {"name": "Milk", "expiryDate": "2099-01-01"}),
                ("/api/ws/ticket", None),
                ("/api/notifications/read-all", None),
            ):
                for _ in range(AT_ONCE):
                    group.create_task(rest.post(path, headers=owner.headers, json=body))
            await until(lambda: waiting(postgres_url))
            for _ in range(3):
                assert await asked(rest, stranger) == good
            record_property("waiting", await waiting(postgres_url))
            assert await waiting(postgres_url) <= 1, "of one user one transaction waits"
        assert await asked(rest, owner) == good
        record_property("locked", {"before": before, "after": await held_by(node)})


async def test_the_household_of_a_locked_member_waits_with_its_stock_and_nobody_else(
    node: NodeProcess, postgres_url: str, record_property: live.Record
) -> None:
    member, founder, stranger, neighbour = [await person_on(postgres_url, node) for _ in range(4)]
    await shared(postgres_url, founder, member)
    milk = {"name": "Milk", "expiryDate": "2099-01-01"}
    async with receives_throughout(node, record_property, neighbour), node.rest() as rest:
        async with asyncio.TaskGroup() as group, locked(postgres_url, member):
            added = group.create_task(
                rest.post("/api/products", headers=founder.headers, json=milk)
            )
            await until(lambda: waiting(postgres_url))
            for _ in range(3):
                theirs = await rest.post("/api/products", headers=stranger.headers, json=milk)
                assert theirs.status_code == HTTPStatus.CREATED
                await posted(rest, stranger)
            seen = await rest.get("/api/products", headers=founder.headers)
            assert seen.json()["items"] == []
            assert not added.done()
        assert added.result().status_code == HTTPStatus.CREATED


async def shared(url: str, founder: Person, member: Person) -> None:
    """Let a person be an editor of another one's household, beside the node."""
    now = datetime.now(UTC)

    def work(transaction: Transaction) -> None:
        households.lock(transaction, founder.id, with_=[member.id])
        households.put(transaction, Household(founder.id, time_zone="UTC"))
        households.add_member(transaction, founder.id, member.id, Role.EDITOR, now)

    database = open_database(url)
    try:
        await database.write(work)
    finally:
        await database.close()


async def with_refresh_token(url: str, person: Person) -> str:
    """A refresh token of a person's sign-in, made beside the node."""
    token = f"token-{datetime.now(UTC).timestamp()}"
    other = await asyncpg.connect(url)
    try:
        await other.execute(
            "INSERT INTO refresh_tokens (token_hash, user_id, session_id, expires_at)"
            " VALUES ($1, $2, $3, now() + interval '1 day')",
            hash_of(token),
            person.id,
            person.session_id,
        )
    finally:
        await other.close()
    return token
