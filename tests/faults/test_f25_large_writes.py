"""F25: large writes of one user, beside a stranger's posts."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support import process_node as live
from tests.support.bystander import receives_throughout
from tests.support.databases import database_url
from tests.support.factories import a_product
from tests.support.foreign_clients import client_of, take
from tests.support.process_node import NodeProcess, Person, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.time_limits import HANG_TIMEOUT
from uuid_utils import uuid7

from useby.actions import stock
from useby.domain import lot_actions
from useby.domain.channel import Channel, ChannelKind
from useby.domain.lot_actions import Change
from useby.domain.lot_dates import Rules
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.occasion import Occasion
from useby.domain.quota import ProductLimits
from useby.store import accounts, channels, notifications, schema, slices, usage
from useby.store.database import Database, Transaction
from useby.store.open import open_database

__all__ = ["database_url"]

MANY = (4_000, 2_000)
"""Notifications and products of the user: eight slices, and four."""
FEW = (1_500, 300)
"""A few slices."""
CHANNELS, DELIVERIES = 3, 2_000
BATCHES = 4
IMPORTED = 6_000
LIMITS = ProductLimits()


@pytest.fixture
def node(tmp_path: Path, database_url: str) -> Iterator[NodeProcess]:
    with live.serving(
        tmp_path / "node", kind=NodeProcessOnPostgres, database_url=database_url
    ) as node:
        yield node


@pytest.fixture
async def beside(database_url: str) -> AsyncIterator[Database]:
    """The node's database, opened by another process: this one."""
    database = open_database(database_url)
    yield database
    await database.close()


def item(name: str) -> dict[str, Any]:
    """Return a product as a client sends it."""
    return {
        "name": f"Milk {name}",
        "expiryDate": "2090-05-04",
        "category": "Dairy",
        "externalId": name,
        "notes": "opened on Sunday, " * 20,
    }


async def filled(node: NodeProcess, database: Database, count: tuple[int, int]) -> Person:
    """A user with many rows."""
    person = await person_on(str(node.settings["database_url"]), node)
    now = datetime.now(UTC).replace(microsecond=0)
    product: dict[str, Any] = {
        each.name: None if each.nullable else "" for each in schema.products.c
    } | {
        "user_id": person.id,
        "quantity": 1,
        "lot_count": 1,
        "expires_on": (now + timedelta(days=1000)).date(),
        "ends_at": now + timedelta(days=1000),
        "expiring_from": now + timedelta(days=993),
        "next_alert_at": now + timedelta(days=993),
        "date_kind": "best_before",
        "created_at": now,
        "updated_at": now,
    }
    received = {
        "user_id": person.id,
        "message": "hello",
        "kind": "info",
        "event": "custom",
        "product_name": "",
        "created_at": now,
    }

    def fill(transaction: Transaction) -> None:
        goods = [product | {"id": str(uuid7())} for _ in range(count[1])]
        transaction.connection.execute(sa.insert(schema.products), goods)
        about = received | {"product_id": goods[0]["id"]}
        rows = [about | {"seq": n + 1, "id": str(uuid7())} for n in range(count[0])]
        transaction.connection.execute(sa.insert(schema.notifications), rows)
        users = schema.users
        transaction.connection.execute(
            sa.update(users).where(users.c.id == person.id).values(seq=count[0])
        )

    await database.write(fill)
    return person


async def with_channels(
    node: NodeProcess, database: Database, count: int, channel_count: int
) -> Person:
    """A user with channels, each of which is to deliver many notifications tomorrow."""
    person = await person_on(str(node.settings["database_url"]), node)
    now = datetime.now(UTC)
    hook = Channel("", person.id, ChannelKind.WEBHOOK, "Hook", now, "https://hook.example/")
    later = [replace(hook, id=str(uuid7()), after=timedelta(days=1)) for _ in range(channel_count)]
    for each in later:
        await database.write(partial(channels.add, channel=each))
    some = [Draft(person.id, "hello", Severity.INFO, Cause.CUSTOM)] * 500
    for _ in range(count // len(some)):
        await database.write(lambda t: notifications.add(t, some, now))
    return person


async def notified_product(database: Database, person: Person) -> str:
    """Return the product that all the user's notifications are about."""
    wanted = sa.select(schema.notifications.c.product_id).where(
        schema.notifications.c.user_id == person.id
    )
    return str(await database.read(lambda c: c.scalar(wanted.limit(1))))


async def unread(database: Database, person: Person) -> int:
    return (await database.read(lambda c: usage.of(c, person.id))).unread


async def is_gone(database: Database, person: Person) -> bool:
    wanted = sa.select(sa.exists().where(schema.users.c.id == person.id))
    return not await database.read(lambda c: c.scalar(wanted))


async def test_a_stranger_is_served_while_large_writes_of_a_user_are_done(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    """All the user's notifications are marked read, all alerts rescheduled, all is deleted."""
    person = await filled(node, beside, MANY)
    neighbour = await person_on(str(node.settings["database_url"]), node)
    async with (
        receives_throughout(node, record_property, neighbour) as bystander,
        node.rest() as rest,
    ):
        before = len(bystander.seconds)
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
        during = bystander.seconds[before:]
    record_property("worst_ms", round(max(during, default=0) * 1000))


async def test_the_next_node_finishes_a_deletion_that_one_began(
    node: NodeProcess, beside: Database
) -> None:
    """As if a node had died after the first slice of a deletion."""
    assert node.stop() == 0
    person = await filled(node, beside, FEW)
    await beside.write(lambda t: slices.delete_user(t, person.id))
    assert not await is_gone(beside, person)
    node.start()
    await until(lambda: is_gone(beside, person), within=HANG_TIMEOUT)


async def test_a_stranger_is_served_while_a_product_with_many_notifications_is_closed(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    person = await filled(node, beside, MANY)
    neighbour = await person_on(str(node.settings["database_url"]), node)
    product = await notified_product(beside, person)
    async with (
        receives_throughout(node, record_property, neighbour) as bystander,
        node.rest() as rest,
    ):
        before = len(bystander.seconds)
        answer = await rest.post(f"/api/products/{product}/consume", headers=person.headers)
        assert answer.status_code == HTTPStatus.OK, answer.text

        async def done() -> bool:
            return await unread(beside, person) == 1

        await until(done, within=HANG_TIMEOUT)
        during = bystander.seconds[before:]
    record_property("worst_ms", round(max(during, default=0) * 1000))


async def test_the_next_node_marks_the_rest_of_a_closed_products_notifications(
    node: NodeProcess, beside: Database
) -> None:
    """As if a node had died after the first slice."""
    assert node.stop() == 0
    person = await filled(node, beside, FEW)
    product = await notified_product(beside, person)
    now = datetime.now(UTC)
    await beside.write(lambda t: slices.mark_product_read(t, person.id, product, now))
    assert await unread(beside, person) == FEW[0] - slices.SLICE

    async def done() -> bool:
        return await unread(beside, person) == 0

    node.start()
    await until(done, within=HANG_TIMEOUT)


async def rows_of(database: Database, person: Person, table: sa.Table) -> int:
    wanted = sa.select(sa.func.count()).where(table.c.user_id == person.id)
    return await database.read(lambda c: c.scalar(wanted) or 0)


async def test_a_stranger_is_served_while_channels_with_many_deliveries_are_changed_and_deleted(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    person = await with_channels(node, beside, DELIVERIES, CHANNELS)
    assert await rows_of(beside, person, schema.outbox) == CHANNELS * DELIVERIES
    neighbour = await person_on(str(node.settings["database_url"]), node)
    async with (
        receives_throughout(node, record_property, neighbour) as bystander,
        node.rest() as rest,
    ):
        before = len(bystander.seconds)
        found = (await rest.get("/api/channels", headers=person.headers)).json()["items"]
        urls = [f"/api/channels/{each['id']}" for each in found]
        for url in urls:
            changed = await rest.patch(url, headers=person.headers, json={"after": "PT12H"})
            assert changed.status_code == HTTPStatus.OK, changed.text
        for url in urls:
            gone = await rest.delete(url, headers=person.headers)
            assert gone.status_code == HTTPStatus.NO_CONTENT
            assert (await rest.get(url, headers=person.headers)).status_code == 404
        assert (await rest.get("/api/channels", headers=person.headers)).json()["items"] == []

        async def done() -> bool:
            return not await rows_of(beside, person, schema.channels)

        await until(done, within=HANG_TIMEOUT)
        during = bystander.seconds[before:]
    assert await rows_of(beside, person, schema.outbox) == 0
    record_property("worst_ms", round(max(during, default=0) * 1000))


async def test_the_next_node_deletes_the_rest_of_a_channels_deliveries(
    node: NodeProcess, beside: Database
) -> None:
    """As if a node had died after the first slice."""
    assert node.stop() == 0
    person = await with_channels(node, beside, FEW[0], 1)
    now = datetime.now(UTC)
    (channel,) = await beside.read(lambda c: channels.list_(c, person.id))
    assert await beside.write(lambda t: channels.delete(t, person.id, channel.id, now))
    assert await rows_of(beside, person, schema.outbox) == FEW[0] - channels.SLICE

    async def done() -> bool:
        return not await rows_of(beside, person, schema.channels)

    node.start()
    await until(done, within=HANG_TIMEOUT)
    assert await rows_of(beside, person, schema.outbox) == 0


async def test_a_stranger_is_served_while_batches_of_products_are_added(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    url = str(node.settings["database_url"])
    person, neighbour = await person_on(url, node), await person_on(url, node)
    async with (
        receives_throughout(node, record_property, neighbour) as bystander,
        node.rest() as rest,
    ):
        before = len(bystander.seconds)
        for batch in range(BATCHES):
            items = [item(f"{batch}-{number}") for number in range(1000)]
            answer = await rest.post(
                "/api/products/batch", headers=person.headers, json={"items": items}
            )
            assert {each["status"] for each in answer.json()["results"]} == {HTTPStatus.CREATED}
        during = bystander.seconds[before:]
    assert (await beside.read(lambda c: usage.of(c, person.id))).products == 1000 * BATCHES
    record_property("worst_ms", round(max(during, default=0) * 1000))


async def test_a_stranger_is_served_while_a_file_is_imported(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    url = str(node.settings["database_url"])
    person, neighbour = await person_on(url, node), await person_on(url, node)
    rows = [item(str(number)) for number in range(IMPORTED)]
    (node.folder / "goods.json").write_text(json.dumps(rows))
    email = await beside.read(
        lambda c: c.scalar(sa.select(schema.users.c.email).where(schema.users.c.id == person.id))
    )
    async with receives_throughout(node, record_property, neighbour) as bystander:
        before = len(bystander.seconds)
        status, printed = await node.command(
            "product", "import", "goods.json", "--user", str(email)
        )
        during = bystander.seconds[before:]
    assert (status, printed) == (0, f"{IMPORTED} products added, 0 changed, 0 unchanged\n")
    assert await unread(beside, person) == 1, "one summary"
    record_property("worst_ms", round(max(during, default=0) * 1000))


async def with_full_products(database: Database, person: Person, count: int) -> list[str]:
    """Add products with as many lots and movements as the limits allow; return their ids."""
    owner = await database.read(lambda c: accounts.user(c, person.id))
    assert owner is not None
    now = datetime.now(UTC).replace(microsecond=0)
    occasion = Occasion(now, owner.zone, Rules(), lambda: str(uuid7()))
    some = Decimal(100)
    new = []
    for _ in range(count):
        product = a_product(owner, "2090-05-04", quantity=Decimal(1))
        change = lot_actions.NO_CHANGE
        received = [
            lot_actions.receive(
                occasion, product_id=product.id, quantity=some, printed=product.expiry
            )
            for _ in range(LIMITS.lots)
        ]
        left = [each.lots[0] for each in received]
        movements = [each.movements[0] for each in received]
        while len(movements) + len(left) <= LIMITS.movements:
            taken = [lot_actions.consume([lot], Decimal(1), occasion) for lot in left]
            left = [each.lots[0] for each in taken]
            movements += [each.movements[0] for each in taken]
        change = Change(tuple(left), tuple(movements))
        new.append(stock.with_lots(product, change, owner, now))

    await database.write(lambda t: stock.add(t, new, owner))
    return [each.row.product.id for each in new]


async def test_a_stranger_is_served_while_products_with_long_histories_are_used_and_deleted(
    node: NodeProcess, beside: Database, record_property: live.Record
) -> None:
    """Each product is at its limits of lots and movements."""
    url = str(node.settings["database_url"])
    person, neighbour = await person_on(url, node), await person_on(url, node)
    used, deleted = await with_full_products(beside, person, 2)
    async with (
        receives_throughout(node, record_property, neighbour) as bystander,
        node.rest() as rest,
    ):
        seconds: dict[str, float] = {}

        async def send(method: str, path: str, **body: Any) -> httpx.Response:
            before, start = len(bystander.seconds), time.monotonic()
            answer = await rest.request(method, path, headers=person.headers, **body)
            assert answer.is_success, answer.text
            what = f"{method} {path.split('/')[2].partition('?')[0]}"
            seconds[what] = time.monotonic() - start
            worst = max(bystander.seconds[before:], default=0)
            record_property(f"worst_ms {what}", round(worst * 1000))
            return answer

        await send("DELETE", f"/api/products/{deleted}")
        gone = await rest.get(f"/api/products/{deleted}", headers=person.headers)
        assert gone.status_code == HTTPStatus.NOT_FOUND
        [lot, *_] = (await send("GET", f"/api/products/{used}/lots")).json()["items"]
        await send("PATCH", f"/api/lots/{lot['id']}", json={"receivedOn": "2026-01-01"})
        await send("DELETE", f"/api/lots/{lot['id']}")
        await send("GET", "/api/export?format=json", timeout=HANG_TIMEOUT)
    assert (await beside.read(lambda c: usage.of(c, person.id))).products == 1
    record_property("seconds", {name: round(each, 3) for name, each in seconds.items()})
