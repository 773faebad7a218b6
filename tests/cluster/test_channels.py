"""Channels of two nodes on one PostgreSQL: a node that is killed loses nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support.mail_front import MailFront, a_mail_channel
from tests.support.mail_server import receiving_mail
from tests.support.process_node import NodeProcess, Person, post, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.push_browser import PushBrowser
from tests.support.webhook_receiver import LOOPBACK, OK, Received, Receiver, receiving

WORDS = [str(number) for number in range(5)]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def mails(receiver: Receiver) -> AsyncIterator[MailFront]:
    front = MailFront()
    front.pass_to(receiver)
    async with receiving_mail(receiver=front):
        yield front


@pytest.fixture
def nodes(
    tmp_path: Path, postgres_url: str, mails: MailFront
) -> Iterator[list[NodeProcessOnPostgres]]:
    made = [
        NodeProcessOnPostgres(
            tmp_path / str(number),
            postgres_url,
            outbound_allowed_networks=LOOPBACK,
            **mails.settings(),
        )
        for number in range(2)
    ]
    try:
        yield [each.start() for each in made]
    finally:
        for each in made:
            each.end()


async def a_channel(
    kind: str, node: NodeProcess, ada: Person, receiver: Receiver, mails: MailFront
) -> str:
    """Add a channel, and return the path of its deliveries."""
    new: dict[str, Any] = {"kind": kind, "name": "A channel", "onlyWhenAway": False}
    if kind == "webpush":
        browser = PushBrowser()
        receiver.opens["/hook"] = browser.read
        new["subscription"] = browser.subscription(receiver.url())
    else:
        new["url"] = receiver.url()
    async with node.rest() as http:
        if kind == "email":
            path = await a_mail_channel(http, mails, "hook@useby.example", headers=ada.headers)
            return f"{path}/deliveries"
        answer = await http.post("/api/channels", json=new, headers=ada.headers)
        assert answer.status_code == 201, answer.text
        return f"/api/channels/{answer.json()['id']}/deliveries"


async def are_sent(node: NodeProcess, ada: Person, deliveries: str) -> bool:
    async with node.rest() as http:
        items = (await http.get(deliveries, headers=ada.headers)).json()["items"]
    return [each["state"] for each in items] == ["sent"] * len(WORDS)


def sender_of(nodes: list[NodeProcessOnPostgres], request: Received) -> NodeProcessOnPostgres:
    """Return the node that has sent a request."""
    (found,) = [
        each
        for each in nodes
        if request.port in [line.laddr.port for line in each.usage.net_connections("tcp")]
    ]
    return found


class Killing:
    """Kills the node that sends a notification, at a step of its delivery."""

    def __init__(self, step: str, nodes: list[NodeProcessOnPostgres], url: str) -> None:
        self.step = step
        self.nodes = nodes
        self.url = url
        self.killed: NodeProcessOnPostgres | None = None
        self.done = asyncio.Event()

    def kill(self, node: NodeProcessOnPostgres) -> None:
        self.killed = node
        node.process.kill()
        self.done.set()

    def answer(self, request: Received) -> bytes | Awaitable[bytes] | None:
        if self.killed is not None or request.message != WORDS[2]:
            return OK
        node = sender_of(self.nodes, request)
        if self.step == "while it is recorded":
            self.killed = node
            return self.hold(node)
        self.kill(node)
        return OK if self.step == "after the target has it" else None

    async def hold(self, node: NodeProcessOnPostgres) -> bytes:
        """Lock the rows that the node is about to change, until it is killed."""
        lock = await asyncpg.connect(self.url)
        await lock.execute("BEGIN; SELECT FROM outbox FOR UPDATE")
        self.killing = asyncio.create_task(self.kill_when_it_waits(lock, node))
        return OK

    async def kill_when_it_waits(self, lock: Any, node: NodeProcessOnPostgres) -> None:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        await until(lambda: lock.fetchval(waiting))
        self.kill(node)
        await lock.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("webhook", "before it is claimed"),
        ("webhook", "while it is sent"),
        ("webhook", "after the target has it"),
        ("webhook", "while it is recorded"),
        ("webpush", "after the target has it"),
        ("email", "while it is sent"),
        ("email", "while it is recorded"),
    ],
)
async def test_sigkill_in_the_middle_loses_nothing_and_another_node_sends_with_the_same_id(
    kind: str,
    step: str,
    nodes: list[NodeProcessOnPostgres],
    receiver: Receiver,
    mails: MailFront,
    postgres_url: str,
) -> None:
    """A claim of a killed node ends after 20 seconds, so most steps take so long."""
    ada = await person_on(postgres_url, nodes[0])
    deliveries = await a_channel(kind, nodes[0], ada, receiver, mails)
    killing = Killing(step, nodes, postgres_url)
    if step != "before it is claimed":
        receiver.answer = killing.answer
    async with nodes[0].rest() as http:
        ids = [(await post(http, ada, word))["id"] for word in WORDS[:2]]
        if step != "before it is claimed":
            await receiver.until_count(2)  # else one mail could have all three
        ids.append((await post(http, ada, WORDS[2]))["id"])
    if step == "before it is claimed":
        killing.kill(nodes[0])
    await killing.done.wait()
    assert killing.killed is not None
    await asyncio.to_thread(killing.killed.wait)
    (alive,) = [each for each in nodes if each is not killing.killed]
    async with alive.rest() as http:
        ids += [(await post(http, ada, word))["id"] for word in WORDS[3:]]
    await until(lambda: are_sent(alive, ada, deliveries), every=0.1)
    got = [each.id for each in receiver.received]
    assert list(dict.fromkeys(got)) == ids
    assert got == sorted(got, key=ids.index)
    repeated = {each for each in got if got.count(each) > 1}
    if step == "before it is claimed":
        assert len(repeated) <= 1
    else:
        assert repeated == {ids[2]}
    assert alive.stop() == 0
    alive.assert_clean_log()
