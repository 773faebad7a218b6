"""``useby channel`` lists a person's channels and sends a test message.

covers: useby.cli.channel
"""

import asyncio
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.mail_server import FROM, PUBLIC_URL, served_mail

from useby.actions import channels
from useby.domain.channel import Channel, ChannelKind
from useby.store import accounts
from useby.store.open import open_database

ADA = ("--user", "ada@example.org")
Add = Callable[..., Channel]


@pytest.fixture
def add(useby: Useby, folder: Path) -> Add:
    """Add a channel for Ada, as the page does; by default a webhook."""
    assert useby("user", "add", "ada@example.org").status == 0

    async def added(target: str, kind: ChannelKind, *, confirmed: bool) -> Channel:
        database = open_database(f"sqlite:///{folder / 'useby.db'}")
        try:
            ada = await database.read(lambda c: accounts.user_by_email(c, "ada@example.org"))
            assert ada is not None
            now = datetime.now(UTC)
            values = {"name": "My server", "target": target}
            confirmation = {"confirmed_at": now} if confirmed else {}
            return await database.write(
                lambda t: channels.create(t, ada.id, kind, values | confirmation, now)
            )
        finally:
            await database.close()

    return lambda target, kind=ChannelKind.WEBHOOK, confirmed=False: asyncio.run(
        added(target, kind, confirmed=confirmed)
    )


@pytest.fixture
def receiver() -> Iterator[http.server.HTTPServer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204 if self.path == "/good" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_channels_are_listed(useby: Useby, add: Add) -> None:
    assert useby("channel", "list", *ADA).out == "there are none\n"
    made = add("https://app.example/useby")
    header, line = useby("channel", "list", *ADA).out.splitlines()
    assert header.split() == ["id", "kind", "name", "state", "reason"]
    assert line.split() == [made.id, "webhook", "My", "server", "ok"]
    (shown,) = json.loads(useby("channel", "list", "--json", *ADA).out)
    assert (shown["id"], shown["url"], shown["state"]) == (made.id, made.target, "ok")
    assert "whsec_" not in json.dumps(shown)


def test_a_test_message_shows_what_the_target_answered(
    useby: Useby,
    add: Add,
    receiver: http.server.HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USEBY_OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
    good = add(f"http://127.0.0.1:{receiver.server_port}/good")
    result = useby("channel", "test", good.id, *ADA)
    assert (result.status, result.out) == (0, "sent: the target answered 204\n")
    bad = add(f"http://127.0.0.1:{receiver.server_port}/bad")
    result = useby("channel", "test", bad.id, *ADA)
    assert result.status == 1
    assert result.err == "useby: the test message was not delivered: the target answered 404\n"


def test_a_channel_of_nobody_is_refused(useby: Useby, add: Add) -> None:
    result = useby("channel", "test", "unknown", *ADA)
    assert result.status == 1
    assert "the person has no such channel: `useby channel list` shows them" in result.err


def test_an_address_is_listed_as_unconfirmed_and_gets_a_test_mail_once_it_is_confirmed(
    useby: Useby, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = add("ada@example.org", ChannelKind.EMAIL)
    good = add("bob@example.org", ChannelKind.EMAIL, confirmed=True)
    _, first, second = useby("channel", "list", *ADA).out.splitlines()
    assert first.split() == [waiting.id, "email", "My", "server", "unconfirmed"]
    assert second.split() == [good.id, "email", "My", "server", "ok"]
    result = useby("channel", "test", good.id, *ADA)
    assert "this server cannot send to email channels" in result.err
    monkeypatch.setenv("USEBY_MAIL_FROM", FROM)
    monkeypatch.setenv("USEBY_PUBLIC_URL", PUBLIC_URL)
    with served_mail() as mails:
        monkeypatch.setenv("USEBY_SMTP_URL", f"smtp://127.0.0.1:{mails.port}")
        result = useby("channel", "test", waiting.id, *ADA)
        assert (result.status, "the address is not confirmed" in result.err) == (1, True)
        result = useby("channel", "test", good.id, *ADA)
        assert (result.status, result.out) == (0, "sent: the mail server accepted the mail\n")
        assert [each.to for each in mails.mails] == [["bob@example.org"]]
