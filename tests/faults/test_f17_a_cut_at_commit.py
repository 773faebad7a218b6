"""F17: a line that is cut at the commit, and a sender who sends again, in parallel, on two nodes.

PostgreSQL stands behind a proxy that finds the commit of the very transaction that carries the
request's key; the first node has another proxy before it.
"""

import asyncio
import contextlib
import re
import uuid
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.fault_proxy import Faults, Proxy, in_a_thread
from tests.support.postgres import Postgres
from tests.support.process_node import Person
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.time_limits import HANG_TIMEOUT

IN_PARALLEL = 5
CUTS = 3
"""Of the repeats, so many at least are cut as well."""


@dataclass
class Cluster:
    """Two nodes on one database, and what stands between."""

    nodes: list[NodeProcessOnPostgres]
    to_database: Proxy
    to_node: Proxy
    """Before the first of the nodes."""
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    url: str
    """The database's, past the proxy."""
    database: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def commit(self) -> re.Pattern[bytes]:
        """The commit of a transaction that has named the key."""
        return re.compile(self.key.encode() + rb".*COMMIT", re.DOTALL)


@pytest.fixture(scope="module")
def cluster_of_two(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("two-nodes")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres.own_database())
        to_database, run = stack.enter_context(in_a_thread(postgres.port))
        proxied = url.replace(str(postgres.port), str(to_database.port))
        nodes = [NodeProcessOnPostgres(folder / each, proxied) for each in ("one", "two")]
        for node in nodes:
            stack.callback(node.end)
            node.launch()
        for node in nodes:
            node.wait_until_listening()
        to_node, _ = stack.enter_context(in_a_thread(int(nodes[0].url.rsplit(":", 1)[1])))
        name = url.rpartition("/")[2]
        yield Cluster(nodes, to_database, to_node, run, url, name)
        for node in nodes:
            assert node.stop() == 0, node.log
            node.assert_clean_log()


@pytest.fixture
def cluster(cluster_of_two: Cluster) -> Iterator[Cluster]:
    cluster_of_two.key = str(uuid.uuid4())
    yield cluster_of_two
    cluster_of_two.to_database.faults = cluster_of_two.to_node.faults = Faults()


async def sent(cluster: Cluster, person: Person, url: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=HANG_TIMEOUT) as client:
        return await client.post(
            "/api/notifications",
            headers={**person.headers, "Idempotency-Key": cluster.key},
            json={"message": f"once, for {person.id}"},
        )


async def sent_until_done(cluster: Cluster, person: Person, url: str) -> httpx.Response:
    """Send it again, as the answer asks, until it is done."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while True:
            answer = await sent(cluster, person, url)
            if answer.status_code == 201:
                return answer
            assert_to_be_sent_again(answer)


def assert_to_be_sent_again(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "Nothing was changed" not in answer.text, "who can know that?"


async def rows_of(cluster: Cluster, postgres: Postgres, person: Person) -> list[tuple[Any, ...]]:
    rows = await postgres.fetch(
        "SELECT id, seq, message FROM notifications WHERE user_id = $1",
        person.id,
        database=cluster.database,
    )
    return [tuple(row) for row in rows]


async def assert_notified_once(
    cluster: Cluster, postgres: Postgres, person: Person, answers: list[httpx.Response]
) -> None:
    assert len({answer.content for answer in answers}) == 1
    body = answers[0].json()
    rows = await rows_of(cluster, postgres, person)
    assert rows == [(body["id"], 1, f"once, for {person.id}")]
    assert body["seq"] == 1
    newest = await postgres.fetch(
        "SELECT seq FROM users WHERE id = $1", person.id, database=cluster.database
    )
    assert [row["seq"] for row in newest] == [1]


def faults(cut: str, at: re.Pattern[bytes]) -> Faults:
    return Faults(cut_before=at) if cut == "cut_before" else Faults(drop_answer_to=at)


@pytest.mark.parametrize("cut", ["cut_before", "drop_answer_to"])
async def test_a_commit_that_is_cut_and_repeated_in_parallel_on_two_nodes_is_done_once(
    cluster: Cluster, postgres: Postgres, cut: str
) -> None:
    person = await person_on(cluster.url, cluster.nodes[0])
    proxy, before = cluster.to_database, cluster.to_database.cuts
    proxy.faults = faults(cut, cluster.commit)
    assert_to_be_sent_again(await sent(cluster, person, cluster.nodes[0].url))
    assert proxy.cuts == before + 1
    assert len(await rows_of(cluster, postgres, person)) == (cut == "drop_answer_to")
    repeats = [
        asyncio.create_task(sent_until_done(cluster, person, cluster.nodes[number % 2].url))
        for number in range(IN_PARALLEL)
    ]
    cuts_enough = proxy.until(lambda: proxy.cuts >= before + 1 + CUTS)
    await asyncio.to_thread(cluster.run, cuts_enough)
    proxy.faults = Faults()
    await assert_notified_once(cluster, postgres, person, await asyncio.gather(*repeats))


@pytest.mark.parametrize("cut", ["cut_before", "drop_answer_to"])
async def test_a_request_whose_client_is_cut_off_and_repeated_in_parallel_is_done_once(
    cluster: Cluster, postgres: Postgres, cut: str
) -> None:
    person = await person_on(cluster.url, cluster.nodes[0])
    cluster.to_node.faults = faults(cut, re.compile(b'"message".*}', re.DOTALL))
    url = f"http://127.0.0.1:{cluster.to_node.port}"
    with pytest.raises(httpx.TransportError):
        await sent(cluster, person, url)
    cluster.to_node.faults = Faults()
    urls = [url, cluster.nodes[1].url] * IN_PARALLEL
    answers = await asyncio.gather(
        *(sent_until_done(cluster, person, each) for each in urls[:IN_PARALLEL])
    )
    await assert_notified_once(cluster, postgres, person, list(answers))
