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
import sqlalchemy as sa
from tests.support.cli_result import Useby
from tests.support.mail_server import FROM, PUBLIC_URL, served_mail
from tests.support.push_browser import PushBrowser

from useby.actions import channels
from useby.cli import channel
from useby.domain.channel import Channel, ChannelKind
from useby.store import accounts
from useby.store.open import open_database
from useby.store.schema import channels as table

ADA = ("--user", "ada@example.org")
Add = Callable[..., Channel]


@pytest.fixture
def add(useby: Useby, folder: Path) -> Add:
    """Add a channel for Ada, as the page does; by default a webhook."""
    assert useby("user", "add", "ada@example.org").status == 0

    async def added(target: str, kind: ChannelKind, *, confirmed: bool, **fields: str) -> Channel:
        database = open_database(f"sqlite:///{folder / 'useby.db'}")
        try:
            ada = await database.read(lambda c: accounts.user_by_email(c, "ada@example.org"))
            assert ada is not None
            now = datetime.now(UTC)
            values = {"name": "My server", "target": target} | fields
            confirmation = {"confirmed_at": now} if confirmed else {}
            return await database.write(
                lambda t: channels.create(t, ada.id, kind, values | confirmation, now)
            )
        finally:
            await database.close()

    return lambda target, kind=ChannelKind.WEBHOOK, confirmed=False, **fields: asyncio.run(
        added(target, kind, confirmed=confirmed, **fields)
    )


async def fail(folder: Path, channel: Channel) -> None:
    """Store a failed attempt, as a worker does."""
    database = open_database(f"sqlite:///{folder / 'useby.db'}")
    failed = {
        "state": "retrying",
        "error": "the target answered 500",
        "error_at": datetime.now(UTC),
    }
    this = sa.update(table).where(table.c.id == channel.id)
    try:
        await database.write(lambda t: t.connection.execute(this.values(failed)))
    finally:
        await database.close()


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


def test_a_test_of_a_subscription_that_has_ended_removes_its_channel(
    useby: Useby,
    add: Add,
    receiver: http.server.HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USEBY_OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
    gone = PushBrowser().fields(f"http://127.0.0.1:{receiver.server_port}/gone")
    browser = add(kind=ChannelKind.WEBPUSH, **gone)
    result = useby("channel", "test", browser.id, *ADA)
    assert result.status == 1
    assert "so the channel is removed" in result.err
    assert useby("channel", "list", *ADA).out == "there are none\n"


def test_the_channels_of_all_people_that_fail_are_listed_with_their_owners(
    useby: Useby, folder: Path, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert useby("channel", "list", "--failing").out == "there are none\n"
    add("https://app.example/good")
    bad, worse = [add(f"https://app.example/{each}") for each in ("bad", "worse")]
    for each in (bad, worse):
        asyncio.run(fail(folder, each))
    header, *lines = useby("channel", "list", "--failing").out.splitlines()
    assert header.split() == ["id", "owner", "kind", "name", "state", "reason"]
    assert [line.split()[:2] for line in lines] == [
        [each.id, "ada@example.org"] for each in (bad, worse)
    ]
    shown = json.loads(useby("channel", "list", "--failing", "--json").out)
    assert [(each["id"], each["userId"]) for each in shown] == [
        (each.id, each.user_id) for each in (bad, worse)
    ]
    monkeypatch.setattr(channel, "MOST_FAILING", 1)
    result = useby("channel", "list", "--failing")
    assert (len(result.out.splitlines()), "these failed first" in result.err) == (2, True)


@pytest.mark.parametrize("options", [(), (*ADA, "--failing")], ids=["neither", "both"])
def test_a_list_is_of_one_person_or_of_what_fails(useby: Useby, options: tuple[str, ...]) -> None:
    result = useby("channel", "list", *options)
    assert result.status == 2
    assert "--user ada@example.org, or --failing" in result.err


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
