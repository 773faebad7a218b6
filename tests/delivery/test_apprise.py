"""Apprise: the services that are accepted, and what they are sent.

covers: useby.delivery.apprise
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.channel_house import NETWORKS
from tests.support.factories import NOON
from tests.support.webhook_receiver import Received, Receiver, status

import useby
from useby.delivery import apprise
from useby.delivery.apprise import DENIED, MISSING, Apprise
from useby.delivery.attempts import test_message as a_message
from useby.delivery.channel import NotDelivered
from useby.delivery.outbound import Outbound
from useby.domain.channel import Channel, ChannelKind
from useby.domain.notification import Notification, Severity

OTHER_PROTOCOLS = {
    *("amqp", "amqps", "aprs", "blink1", "dbus", "deltachat", "deltachats", "gio", "glib", "gnome"),
    *("growl", "irc", "ircs", "kde", "macosx", "mailto", "mailtos", "mqtt", "mqtts", "nostr"),
    *("qt", "rsyslog", "smpp", "smpps", "syslog", "windows", "xmpp", "xmpps"),
}
JSON = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here is stored."""
    return sqlite_url


@pytest.fixture
async def sender() -> AsyncIterator[Apprise]:
    made = Apprise(Outbound(NETWORKS), lambda: NOON)
    yield made
    await made.close()


@pytest.fixture
def local(receiver: Receiver) -> str:
    receiver.answer = lambda _: JSON
    return f"127.0.0.1:{receiver.port}"


def a_channel(url: str) -> Channel:
    return Channel("1", "ada", ChannelKind.APPRISE, "Phone", NOON, url)


def milk(kind: Severity = Severity.WARNING) -> Notification:
    test = a_message(a_channel(""), NOON)
    return test._replace(message="Milk <b>expires</b> today", product_name="Milk", kind=kind)


async def sent(sender: Apprise, receiver: Receiver, url: str) -> Received:
    assert await sender.refusal("ada", url) is None
    assert await sender.send(a_channel(url), milk()) == "the target answered 200"
    return receiver.received[-1]


async def test_ntfy_gets_message_and_title(sender: Apprise, receiver: Receiver, local: str) -> None:
    got = await sent(sender, receiver, f"ntfy://tk_abc@{local}/fridge")
    assert got.json == {
        "topic": "fridge",
        "title": "Milk",
        "message": "Milk <b>expires</b> today",
    }
    assert got.headers["authorization"] == "Bearer tk_abc"
    assert "x-icon" not in got.headers


async def test_gotify_gets_message_and_title(
    sender: Apprise, receiver: Receiver, local: str
) -> None:
    got = await sent(sender, receiver, f"gotify://{local}/A.bcdefgh")
    assert (got.path, got.headers["x-gotify-key"]) == ("/message", "A.bcdefgh")
    assert (got.json["title"], got.message) == ("Milk", "Milk <b>expires</b> today")


async def test_a_service_of_html_gets_the_text_escaped(
    sender: Apprise, receiver: Receiver, local: str
) -> None:
    got = await sent(sender, receiver, f"json://{local}/?format=html")
    assert got.message == "Milk&nbsp;&lt;b&gt;expires&lt;/b&gt;&nbsp;today"


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [(Severity.INFO, "info"), (Severity.WARNING, "warning"), (Severity.ERROR, "failure")],
)
async def test_types_map_one_to_one(
    kind: Severity, theirs: str, sender: Apprise, receiver: Receiver, local: str
) -> None:
    await sender.send(a_channel(f"json://{local}/"), milk(kind))
    assert receiver.received[0].json["type"] == theirs


def test_plugins_of_other_protocols_are_those_that_do_not_post_by_http() -> None:
    services = apprise._services()
    refused = {
        schema
        for schema, service in services.items()
        if schema in apprise._OTHERS or not apprise._posts_by_http(service)
    }
    assert refused == OTHER_PROTOCOLS
    assert {"discord", "gotify", "ntfys", "slack", "tgram"} <= services.keys() - refused


@pytest.mark.parametrize("schema", sorted(OTHER_PROTOCOLS))
async def test_plugins_of_other_protocols_are_refused_by_name(
    schema: str, sender: Apprise, receiver: Receiver
) -> None:
    url = f"{schema}://ada:secret@127.0.0.1:{receiver.port}/topic"
    reason = (
        "must be of a service that posts by HTTP, e.g. ntfys://ntfy.sh/my-topic or"
        f" tgram://bot-token/chat-id; not {schema}://"
    )
    assert await sender.refusal("ada", url) == reason
    with pytest.raises(NotDelivered, match="posts by HTTP") as failed:
        await sender.send(a_channel(url), milk())
    assert failed.value.is_final
    assert receiver.received == []


REFUSED = {
    "no URL": ("what", "must be a URL of Apprise, e.g. ntfys://ntfy.sh/my-topic"),
    "an unknown service": ("fax://127.0.0.1/", "must be a URL of Apprise"),
    "a web site": ("https://app.example/", "must be a URL of Apprise"),
    "a file": ("file:///etc/passwd", "must be a URL of Apprise"),
    "a URL that lacks something": ("tgram://", "is not a URL of Telegram: see https://"),
    "two targets": ("ntfys://ntfy.sh/one/two", "must have one target"),
}


@pytest.mark.parametrize(("url", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_url_that_cannot_be_used_is_refused_in_words(
    url: str, reason: str, sender: Apprise
) -> None:
    found = await sender.refusal("ada", url)
    assert found is not None
    assert found.startswith(reason)


async def test_a_link_of_a_service_is_a_url_of_apprise(sender: Apprise) -> None:
    assert await sender.refusal("ada", "https://discord.com/api/webhooks/417421/JHMHI8qBe7") is None


async def test_a_plugin_that_opens_sockets_by_itself_fails(
    sender: Apprise, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it passed for one that posts by HTTP."""
    monkeypatch.setattr(apprise, "_posts_by_http", lambda _: True)
    url = f"rsyslog://127.0.0.1:{receiver.port}/"
    with pytest.raises(NotDelivered) as failed:
        await sender.send(a_channel(url), milk())
    assert (failed.value.reason, failed.value.is_final) == (DENIED, True)


async def test_an_answer_that_the_plugin_takes_for_a_failure_is_repeated(
    sender: Apprise, receiver: Receiver, local: str
) -> None:
    receiver.answer = lambda _: status(202)
    with pytest.raises(NotDelivered) as failed:
        await sender.send(a_channel(f"ntfy://{local}/fridge"), milk())
    assert failed.value.reason == "the target answered 202, and its text is no success"
    assert not failed.value.is_final


async def test_a_channel_whose_library_is_missing_names_it(
    sender: Apprise, receiver: Receiver, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise, "LIBRARY", "no_such_library")
    assert await sender.refusal("ada", "ntfys://ntfy.sh/fridge") == MISSING
    with pytest.raises(NotDelivered) as failed:
        await sender.send(a_channel(f"json://{local}/"), milk())
    assert (failed.value.reason, failed.value.is_final) == (MISSING, False)


def test_the_library_is_imported_only_when_it_is_used() -> None:
    """``confined`` imports it, and is itself imported by a function."""
    folder = Path(str(useby.__file__)).parent
    importing = re.compile(
        r"^(?:import|from) (?:apprise|requests|useby\.delivery\.confined)\b", re.MULTILINE
    )
    found = {each.name for each in folder.rglob("*.py") if importing.search(each.read_text())}
    assert found == {"confined.py"}
