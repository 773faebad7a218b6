"""F21: a running node whose files may not grow any more, and then may again.

The kernel refuses the writes (RLIMIT_FSIZE), as it does when a disk or a quota is full.
"""

import asyncio
import contextlib
from http import HTTPStatus
from pathlib import Path

import httpx
import psutil
from tests.support.bystander import bystander_of
from tests.support.foreign_clients import client_of, take
from tests.support.process_node import NodeProcess, Person, Record, until

AT_ONCE = 8
LARGE = "x" * 900
ENDLESS = psutil.RLIM_INFINITY


def let_files_grow(server: NodeProcess, to: int) -> None:
    server.usage.rlimit(psutil.RLIMIT_FSIZE, (to, ENDLESS))


async def posted(rest: httpx.AsyncClient, person: Person, count: int) -> list[httpx.Response]:
    """Post at once, one in four of them a batch of a hundred kilobytes."""

    async def one(number: int) -> httpx.Response:
        item = {"message": f"{number} {LARGE if number % 4 == 0 else ''}"}
        if number % 4:
            return await rest.post("/api/notifications", headers=person.headers, json=item)
        items = {"items": [item] * 100}
        return await rest.post("/api/notifications/batch", headers=person.headers, json=items)

    return await asyncio.gather(*(one(number) for number in range(count)))


def ids_of(answer: httpx.Response) -> list[str]:
    if answer.status_code == HTTPStatus.CREATED:
        return [answer.json()["id"]]
    return [each["notification"]["id"] for each in answer.json()["results"]]


async def test_a_node_whose_disk_is_full_answers_503_loses_nothing_and_heals(
    tmp_path: Path, record_property: Record
) -> None:
    server = NodeProcess(tmp_path)
    with contextlib.ExitStack() as ends:
        ends.callback(server.end)
        server.start()
        person, acknowledged, refused = server.person(), set[str](), 0
        async with (
            server.rest() as rest,
            client_of("websockets") as connect,
            bystander_of(server) as bystander,
        ):
            device = await connect(server.socket_url(person.token))
            await take(device, 1)
            await bystander.received(1)
            wal = server.database.with_name("useby.db-wal")
            let_files_grow(server, max(wal.stat().st_size, server.database.stat().st_size))
            while refused < AT_ONCE:
                for answer in await posted(rest, person, AT_ONCE):
                    if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                        assert int(answer.headers["Retry-After"]) > 0
                        refused += 1
                    else:
                        assert answer.is_success, answer.text
                        acknowledged |= set(ids_of(answer))
            assert (await rest.get("/api/me", headers=person.headers)).is_success
            let_files_grow(server, ENDLESS)
            await bystander.received(len(bystander.seconds) + 2)
            await until(lambda: "can be written again" in server.log)
            answers = await posted(rest, person, AT_ONCE)
            assert all(answer.is_success for answer in answers)
            for answer in answers:
                acknowledged |= set(ids_of(answer))
            frames = {each["id"] for each in await take(device, len(acknowledged))}
        assert "cannot write to" in server.log
        server.assert_clean_log()
        server.kill()
        with server.writing() as transaction:
            rows = transaction.connection.exec_driver_sql(
                "SELECT id FROM notifications WHERE user_id = ?", (person.id,)
            )
            there = set(rows.scalars())
        record_property("acknowledged", len(acknowledged))
        record_property("refused", refused)
        assert acknowledged == frames == there
        assert server.integrity() == "ok"
