"""A mail server in front of a receiver of webhooks, so that both kinds keep the same rules.

Each message of a mail becomes a request of the receiver, to the path that the address names. The
status of its answer becomes a code of SMTP.
"""

import asyncio
import json
import re
from collections.abc import Awaitable
from typing import Any

import httpx
from tests.support.channel_house import ChannelHouse
from tests.support.mail_server import (
    ACCEPTED,
    PUBLIC_URL,
    MailReceiver,
    ReceivedMail,
    receiving_mail,
)
from tests.support.settings import SettingsWithoutFile
from tests.support.webhook_receiver import Received, Receiver

from useby.delivery.mailer import mailer

REPEATED = {408, 425, 429}
_ENTRY = re.compile(rf"^(.*)\n{re.escape(PUBLIC_URL)}/#/inbox(?:/(\S+))?$", re.MULTILINE)


def messages_of(mail: ReceivedMail) -> list[tuple[str, str]]:
    """Texts and ids of the notifications in a mail."""
    return _ENTRY.findall(mail.text)


def reasons(code: int) -> set[str]:
    """Reasons of a failed attempt, by the status of the receiver."""
    return {f"the target answered {code}", f"the mail server refused the mail ({smtp_code(code)})"}


def smtp_code(status: int) -> int:
    if 200 <= status < 300:
        return 250
    return 554 if 400 <= status < 500 and status not in REPEATED else 451


class MailFront(MailReceiver):
    """Passes mails of notifications on to a receiver, and accepts all others."""

    def pass_to(self, receiver: Receiver) -> None:
        self.receiver = receiver

    async def answer_to(self, mail: ReceivedMail) -> str | None:
        number, path = len(self.mails), "/" + mail.to[0].partition("@")[0]
        requests = []
        for message, id_ in messages_of(mail):
            body = json.dumps({"message": message, "id": id_}).encode()
            requests.append(Received(path, {}, body, mail.port, opened=body, attempt=number))
        if not requests:
            return ACCEPTED
        await self.receiver.take(*requests)
        answer = self.receiver.answer(requests[0])
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer is None:
            return None
        line = answer.split(b"\r\n")[0].decode("latin-1")
        found = re.match(r"HTTP/1.1 (\d{3})(?= )", line)
        return line if found is None else f"{smtp_code(int(found[1]))} done"


async def a_mail_channel(
    http: httpx.AsyncClient, mails: MailReceiver, address: str, **options: Any
) -> str:
    """Add an address to an account of a node, and confirm it; return the path of the channel.

    The options are those of each request.
    """
    before = len(mails.mails)
    new = {"kind": "email", "name": "Mail", "address": address, "onlyWhenAway": False}
    made = await http.post("/api/channels", json=new, **options)
    assert made.status_code == 201, made.text
    await mails.until_count(before + 1)
    link = mails.mails[before].links[0].removeprefix(PUBLIC_URL)
    assert (await http.post(link)).status_code == 200
    return f"/api/channels/{made.json()['id']}"


async def front_of(receiver: Receiver, house: ChannelHouse) -> None:
    """Run a mail server that passes its mails on, until the receiver is closed."""
    if receiver.front is not None:
        return
    ready: asyncio.Future[MailFront] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        front = MailFront()
        front.pass_to(receiver)
        async with receiving_mail(receiver=front):
            ready.set_result(front)
            await asyncio.Event().wait()

    receiver.front = asyncio.create_task(serve())
    front = await ready
    house.mailer = mailer(SettingsWithoutFile(**front.settings()))
