"""F29: accounts that post, and repeat, until the disk would be full."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import receives_throughout, watched
from tests.support.process_node import NodeProcess, Person, metric
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.channel import MAX_CHANNELS, Channel, ChannelKind
from useby.store import channels

ACCOUNT_BYTES = 1024 * 1024
BATCH = 1000
SOME = 200
"""Of a batch that fills an account: the last of them passes the limit."""
MESSAGE = "m" * 400
MOST_ON_DISK = 2.0
"""Times what an account is counted as: one request may pass the limit, and pages are not full."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    limits = {"max_account_bytes": ACCOUNT_BYTES}
    with watched(tmp_path_factory.mktemp("f29"), **limits) as server:
        yield server


def on_disk(server: NodeProcess) -> int:
    """Pages of the database in use, in bytes, the log's included."""
    with server.writing() as transaction:
        pages, size, free = (
            int(transaction.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "page_size", "freelist_count")
        )
    return (pages - free) * size


async def batch(
    rest: httpx.AsyncClient, person: Person, key: str | None = None, count: int = BATCH
) -> httpx.Response:
    headers = person.headers | ({"Idempotency-Key": key} if key else {})
    items = [{"message": MESSAGE, "productName": "Milk"}] * count
    return await rest.post("/api/notifications/batch", headers=headers, json={"items": items})


async def test_an_account_that_fills_the_disk_is_refused_and_a_bystander_is_not(
    server: NodeProcess, rest: httpx.AsyncClient, record_property: live.Record
) -> None:
    greedy = server.person()
    before = on_disk(server)
    async with receives_throughout(server, record_property):
        async with asyncio.timeout(HANG_TIMEOUT * 4):
            while (answer := await batch(rest, greedy, count=SOME)).status_code == 200:
                # What is read, or deleted, is no way around the limit.
                await rest.post("/api/notifications/read-all", headers=greedy.headers)
        assert answer.status_code == 409
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"{ACCOUNT_BYTES:,} bytes" in answer.json()["detail"]
        for path, body in [
            ("/api/notifications", {"message": "one more"}),
            ("/api/products", {"name": "Milk", "expiryDate": "2090-01-01"}),
        ]:
            assert (await rest.post(path, headers=greedy.headers, json=body)).status_code == 409
    grown = on_disk(server) - before
    record_property("grown_by", grown)
    assert grown < ACCOUNT_BYTES * MOST_ON_DISK
    assert await metric(rest, "useby_quota_refusals_total", quota="bytes") >= 3
    page = await rest.get(f"/api/notifications?limit={SOME}", headers=greedy.headers)
    for each in page.json()["items"]:
        path = f"/api/notifications/{each['id']}"
        assert (await rest.delete(path, headers=greedy.headers)).status_code == 204
    answer = await rest.post(
        "/api/notifications", headers=greedy.headers, json={"message": "there is room again"}
    )
    assert answer.status_code == 201


async def test_keys_whose_notifications_are_deleted_count_too(
    server: NodeProcess, rest: httpx.AsyncClient
) -> None:
    """Otherwise a key a request, kept for a day, fills the disk as well."""
    person = server.person()

    def kept() -> int:
        with server.writing() as transaction:
            return int(
                transaction.connection.exec_driver_sql(
                    "SELECT bytes FROM usage WHERE user_id = ?", (person.id,)
                ).scalar_one()
            )

    for _ in range(3):
        answer = await batch(rest, person, str(uuid.uuid4()), count=2)
        for each in answer.json()["results"]:
            path = f"/api/notifications/{each['notification']['id']}"
            await rest.delete(path, headers=person.headers)
    assert kept() > 3 * 300


async def test_deliveries_of_many_channels_count_in_the_bytes_of_an_account(
    server: NodeProcess, rest: httpx.AsyncClient, record_property: live.Record
) -> None:
    """Of small notifications, most of what is stored is in the outbox of the channels."""
    greedy = server.person()
    now = datetime.now(UTC)
    with server.writing() as transaction:
        hook = Channel("", greedy.id, ChannelKind.WEBHOOK, "Hook", now, "https://hook.example/")
        for number in range(MAX_CHANNELS):
            each = replace(hook, id=str(number), after=timedelta(days=1))
            channels.add(transaction, each)
    before = on_disk(server)
    async with asyncio.timeout(HANG_TIMEOUT * 4):
        while (answer := await batch(rest, greedy, count=10)).status_code == 200:
            pass
    assert answer.status_code == 409
    assert f"{ACCOUNT_BYTES:,} bytes" in answer.json()["detail"]
    grown = on_disk(server) - before
    record_property("grown_by", grown)
    assert grown < ACCOUNT_BYTES * MOST_ON_DISK


async def test_a_batch_with_a_key_is_not_kept_twice_and_a_repeat_has_the_same_bytes(
    server: NodeProcess, rest: httpx.AsyncClient, record_property: live.Record
) -> None:
    plain, keyed = server.person(), server.person()
    sizes = [on_disk(server)]
    assert (await batch(rest, plain)).status_code == 200
    sizes.append(on_disk(server))
    key = str(uuid.uuid4())
    first = await batch(rest, keyed, key)
    sizes.append(on_disk(server))
    without, with_key = sizes[1] - sizes[0], sizes[2] - sizes[1]
    record_property("bytes_on_disk", {"without": without, "with a key": with_key})
    assert with_key < without * 1.2, "an id for each, and not the answer"
    items = first.json()["results"]
    path = f"/api/notifications/{items[0]['notification']['id']}"
    assert (await rest.delete(path, headers=keyed.headers)).status_code == 204
    await rest.post("/api/notifications/read-all", headers=keyed.headers)
    again = await batch(rest, keyed, key)
    assert (again.status_code, again.content) == (200, first.content)
    assert len({each["notification"]["id"] for each in items}) == BATCH
