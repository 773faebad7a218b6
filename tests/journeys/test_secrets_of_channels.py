"""No key, secret, URL of Apprise or password of a channel is in a log line, whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.support.foreign_clients import client_of
from tests.support.mail_front import a_mail_channel
from tests.support.mail_server import (
    ACCEPTED,
    PUBLIC_URL,
    USER,
    MailReceiver,
    ReceivedMail,
    receiving_mail,
)
from tests.support.mail_server import PASSWORD as SMTP_PASSWORD
from tests.support.process_node import NodeProcess, Person, post, serving, until
from tests.support.push_browser import PushBrowser
from tests.support.webhook_receiver import LOOPBACK, OK, Received, Receiver, receiving, status

TOKEN = "tk-q7Rs2"
"""Short, and without a name: no pattern of the log's would find it."""
PASSWORD = "open-sesame"
MAIL_ANSWERS = {
    "fine": ACCEPTED,
    "refused": f"550 no {TOKEN}",
    "failing": f"451 later {TOKEN}",
    "garbage": f"what? {TOKEN}",
}
"""Answers to mails of notifications, by the beginning of their address."""
ANSWERS: dict[str, bytes | None] = {
    "fine": OK,
    "refused": status(410),
    "failing": status(500, Retry_After="0"),
    "elsewhere": status(302, Location=f"http://127.0.0.1:1/{TOKEN}"),
    "garbage": b"what?\r\n\r\n",
    "huge": b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n" + b"x" * 100_000,
}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    def answer(request: Received) -> bytes | None:
        return ANSWERS[request.path.split("/")[1].partition("?")[0]]

    async with receiving(answer) as running:
        yield running


@pytest.fixture
async def mails() -> AsyncIterator[MailReceiver]:
    def answer(mail: ReceivedMail) -> str:
        is_of_account = "/mail/confirm" in mail.text or "/mail/reset" in mail.text
        return ACCEPTED if is_of_account else MAIL_ANSWERS[mail.to[0].partition("-")[0]]

    async with receiving_mail(needs_login=True) as running:
        running.answer = answer
        yield running


def targets(receiver: Receiver) -> list[dict[str, Any]]:
    """Return a channel of each kind for each answer, and for targets that are not there."""
    here = f"127.0.0.1:{receiver.port}"
    made: list[dict[str, Any]] = []
    for name in ANSWERS:
        made.append({"kind": "webhook", "url": f"http://{here}/{name}/{TOKEN}?key={TOKEN}"})
        made.append({"kind": "apprise", "url": f"json://ada:{PASSWORD}@{here}/{name}/{TOKEN}"})
    there = ("127.0.0.1:1", f"{TOKEN}.invalid")
    made += [{"kind": "webhook", "url": f"https://{each}/{TOKEN}"} for each in there]
    made += [{"kind": "apprise", "url": f"ntfys://{TOKEN}@{each}/x"} for each in there]
    for name in ("fine", "failing", "garbage", "huge"):
        endpoint = f"http://{here}/{name}/{TOKEN}"
        subscription = PushBrowser().subscription(endpoint)
        made.append({"kind": "webpush", "subscription": subscription, "onlyWhenAway": False})
    return made


async def has_tried_all(http: httpx.AsyncClient, ada: Person) -> bool:
    items = (await http.get("/api/channels", headers=ada.headers)).json()["items"]
    states = [
        (await http.get(f"/api/channels/{each['id']}/deliveries", headers=ada.headers)).json()
        for each in items
    ]
    return all(each["items"][0]["attempts"] for each in states)


async def try_all_mails(node: NodeProcess, http: httpx.AsyncClient, mails: MailReceiver) -> None:
    """Use each link of a mail, and have mails sent to addresses that accept and refuse them."""
    bob = node.person()
    for name in MAIL_ANSWERS:
        address = f"{name}-{TOKEN}@useby.example"
        path = await a_mail_channel(http, mails, address, headers=bob.headers)
        assert (await http.post(f"{path}/test", headers=bob.headers)).status_code == 200
    await post(http, bob, "to every address")
    await until(lambda: has_tried_all(http, bob), every=0.2)
    await http.post("/api/auth/forgot", json={"email": bob.email})
    await mails.until(lambda: "/mail/reset" in mails.mails[-1].text)
    links = [link for mail in mails.mails for link in mail.links if "/mail/" in link]
    node.secrets |= {link.partition("token=")[2] for link in links}
    for link in links:
        path = link.removeprefix(PUBLIC_URL)
        assert (await http.get(path)).status_code == 200
        await http.post(path, data={"password": f"{PASSWORD} again"})
    kinds = {link.partition("?")[0].rpartition("/")[2] for link in links}
    assert kinds == {"confirm", "unsubscribe", "reset"}


@pytest.mark.timeout(600)
async def test_no_secret_of_a_channel_or_key_is_in_any_log_line_at_debug(
    tmp_path: Path, receiver: Receiver, mails: MailReceiver
) -> None:
    login = quote(SMTP_PASSWORD, safe="")
    mail = mails.settings(f"smtp://{USER}:{login}@127.0.0.1:{mails.port}")
    limits: dict[str, Any] = {"mail_rate": "100/minute", "login_rate": "100/minute"}
    with serving(tmp_path, outbound_allowed_networks=LOOPBACK, **mail, **limits) as node:
        assert node.settings["log_level"] == "DEBUG"
        node.secrets |= {TOKEN, PASSWORD, "ada%3A", "whsec_", SMTP_PASSWORD, login}
        ada = node.person()
        async with node.rest() as http:
            paths = []
            for each in targets(receiver):
                if "subscription" in each:
                    node.secrets |= set(each["subscription"]["keys"].values())
                hook = {"name": "A channel"} | each
                answer = await http.post("/api/channels", json=hook, headers=ada.headers)
                assert answer.status_code == 201, answer.text
                node.secrets |= {answer.json().get("secret")} - {None}
                paths.append(f"/api/channels/{answer.json()['id']}")
            bad = {"kind": "apprise", "name": "Bad", "url": f"mailto://ada:{PASSWORD}@example.org"}
            refused = await http.post("/api/channels", json=bad, headers=ada.headers)
            assert refused.status_code == 422
            scopes = {"name": "A program", "scopes": ["notify", "listen"]}
            made = await http.post("/api/keys", json=scopes, headers=ada.headers)
            key = made.json()["key"]
            node.secrets.add(key)
            program = Person(ada.id, ada.email, key, "")
            await post(http, program, "to every channel")
            async with client_of("websockets") as connect:
                client = await connect(node.socket_url(key))
                assert "CONNECTION_ESTABLISHED" in await client.recv()
                assert "to every channel" in await client.recv()
            await until(lambda: has_tried_all(http, ada), every=0.2)
            await asyncio.gather(
                *(http.post(f"{each}/test", headers=ada.headers) for each in paths)
            )
            await try_all_mails(node, http, mails)
            await http.delete(f"/api/keys/{made.json()['id']}", headers=ada.headers)
    node.assert_clean_log()
