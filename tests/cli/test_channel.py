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

from useby.actions import channels
from useby.domain.channel import Channel, ChannelKind
from useby.store import accounts
from useby.store.open import open_database

ADA = ("--user", "ada@example.org")
Add = Callable[[str], Channel]


@pytest.fixture
def add(useby: Useby, folder: Path) -> Add:
    """Add a webhook for Ada, as the page does."""
    assert useby("user", "add", "ada@example.org").status == 0

    async def added(url: str) -> Channel:
        database = open_database(f"sqlite:///{folder / 'useby.db'}")
        try:
            ada = await database.read(lambda c: accounts.user_by_email(c, "ada@example.org"))
            assert ada is not None
            values, now = {"name": "My server", "target": url}, datetime.now(UTC)
            return await database.write(
                lambda t: channels.create(t, ada.id, ChannelKind.WEBHOOK, values, now)
            )
        finally:
            await database.close()

    return lambda url: asyncio.run(added(url))


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
