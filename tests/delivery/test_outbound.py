"""Requests to targets of users reach allowed addresses only.

covers: useby.delivery.outbound
"""

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import format_datetime
from ipaddress import ip_network

import pytest
from tests.support.channel_house import NETWORKS, ChannelHouse
from tests.support.channel_kinds import KINDS
from tests.support.factories import NOON
from tests.support.refused_addresses import FORMS
from tests.support.resolver import Resolver
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.unanswering import unanswering
from tests.support.webhook_receiver import OK, Receiver, status

from useby.delivery import outbound as outbound_module
from useby.delivery.channel import NotDelivered
from useby.delivery.name_look_ups import NameLookUps
from useby.delivery.outbound import (
    REFUSED,
    REFUSED_PLAIN,
    Answer,
    GuardedBackend,
    Outbound,
    Refused,
    check,
    retry_after,
)
from useby.domain.channel import ChannelKind, DeliveryState


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here is stored."""
    return sqlite_url


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    client = Outbound(NETWORKS)
    yield client
    await client.close()


@pytest.fixture
async def strict() -> AsyncIterator[Outbound]:
    client = Outbound()
    yield client
    await client.close()


async def test_a_post_reaches_an_allowed_address(outbound: Outbound, receiver: Receiver) -> None:
    answer = await outbound.post(receiver.url(), {"X-Useby": "yes"}, b'{"message":"hello"}')
    assert answer == Answer(204, None)
    (got,) = receiver.received
    assert (got.path, got.headers["x-useby"], got.message) == ("/hook", "yes", "hello")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost", "[::1]", "[::]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_loopback_is_refused_in_every_notation(
    scheme: str, host: str, strict: Outbound, receiver: Receiver
) -> None:
    with pytest.raises(NotDelivered) as refused:
        await strict.post(f"{scheme}://{host}:{receiver.port}/", {}, b"{}")
    assert refused.value.is_final
    assert refused.value.reason == (REFUSED if scheme == "https" else REFUSED_PLAIN)
    assert receiver.received == []


@pytest.mark.parametrize("form", FORMS)
async def test_a_name_that_leads_to_a_refused_address_is_refused(
    form: str, strict: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {f"app{number}.example": each for number, each in enumerate(FORMS[form])}
    Resolver(monkeypatch, **{name: [[address]] for name, address in names.items()})
    for name in names:
        with pytest.raises(NotDelivered, match="its address is not public"):
            await strict.post(f"https://{name}/", {}, b"{}")


@pytest.mark.parametrize("kind", [ChannelKind.WEBHOOK, ChannelKind.APPRISE])
async def test_channels_of_each_kind_send_to_no_address_that_is_not_allowed(
    kind: ChannelKind, channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await KINDS[kind](channels_house, user, receiver)
    channels_house.networks = (ip_network("127.0.0.2/32"),)
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_states(channel, DeliveryState.FAILED)
    assert (await channels_house.current(channel)).error == REFUSED_PLAIN
    assert receiver.received == []


async def test_plain_http_is_refused_for_public_addresses(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, **{"app.example": [["93.184.216.34"]]})
    with pytest.raises(NotDelivered, match="http:// is allowed for networks of USEBY_OUTBOUND"):
        await outbound.post("http://app.example/", {}, b"{}")


async def test_a_name_is_looked_up_once_and_the_connection_goes_to_that_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name whose second answer would be a refused address is of no use to an attacker."""
    resolver = Resolver(monkeypatch, **{"app.example": [["127.0.0.1"], ["127.0.0.2"]]})
    client = Outbound([ip_network("127.0.0.1/32")])
    await client.post(f"http://app.example:{receiver.port}/", {}, b'{"message":"one"}')
    await client.close()
    assert resolver.asked == ["app.example"]
    assert receiver.messages() == ["one"]
    with pytest.raises(NotDelivered, match="http:// is allowed"):
        await client.post(f"http://app.example:{receiver.port}/", {}, b'{"message":"two"}')
    await client.close()
    assert receiver.messages() == ["one"]


async def test_only_the_allowed_addresses_of_a_name_are_tried(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, **{"app.example": [["10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1"]]})
    client = Outbound(NETWORKS)
    await client.post(f"http://app.example:{receiver.port}/", {}, b'{"message":"one"}')
    await client.close()
    assert receiver.messages() == ["one"]


async def test_an_address_that_does_not_answer_leaves_time_for_the_next_one_of_its_name(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound_module, "CONNECT_SECONDS", 0.01)
    Resolver(monkeypatch, **{"app.example": [["127.0.0.2", "127.0.0.1"]]})
    client = Outbound(NETWORKS)
    with unanswering("127.0.0.2", receiver.port):
        async with asyncio.timeout(HANG_TIMEOUT):
            await client.post(f"http://app.example:{receiver.port}/", {}, b'{"message":"one"}')
    await client.close()
    assert receiver.messages() == ["one"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(
    code: int, outbound: Outbound, receiver: Receiver
) -> None:
    receiver.answer = lambda _: status(code, Location=receiver.url("/elsewhere"))
    answer = await outbound.post(receiver.url(), {}, b"{}")
    assert answer.status == code
    assert [each.path for each in receiver.received] == ["/hook"]


async def test_proxies_of_the_environment_are_not_used(
    outbound: Outbound, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await outbound.post(receiver.url(), {}, b"{}")).status == 204


async def test_an_answer_of_gigabytes_is_read_to_64_kib(
    outbound: Outbound, receiver: Receiver
) -> None:
    def huge(_: object) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n" + b"x" * 200_000

    receiver.answer = huge
    assert (await outbound.post(receiver.url(), {}, b"{}")).status == 200
    receiver.answer = lambda _: OK
    assert (await outbound.post(receiver.url(), {}, b"{}")).status == 204


async def test_a_huge_head_is_no_answer(outbound: Outbound, receiver: Receiver) -> None:
    receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\n" + b"X-Y: " + b"z" * 1_000_000
    with pytest.raises(NotDelivered, match="no answer") as failed:
        await outbound.post(receiver.url(), {}, b"{}")
    assert not failed.value.is_final


async def test_plain_text_in_place_of_tls_is_no_answer(outbound: Outbound) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NotDelivered) as failed:
        await outbound.post(f"https://127.0.0.1:{port}/", {}, b"{}")
    assert not failed.value.is_final
    server.close()


async def test_a_name_that_cannot_be_resolved_may_be_later(strict: Outbound) -> None:
    with pytest.raises(NotDelivered, match="name cannot be resolved") as failed:
        await strict.post("https://nothing.invalid/", {}, b"{}")
    assert not failed.value.is_final


async def test_a_unix_socket_is_never_connected_to() -> None:
    with pytest.raises(NotImplementedError):
        backend = GuardedBackend(NETWORKS, NameLookUps(), plain=True)
        await backend.connect_unix_socket("/run/some.sock")


async def test_the_guard_itself_refuses() -> None:
    with pytest.raises(Refused):
        await GuardedBackend((), NameLookUps(), plain=False).connect_tcp("127.0.0.1", 80)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(code: int) -> None:
    assert check(Answer(code, None), 0) == f"the target answered {code}"


@pytest.mark.parametrize(
    ("code", "is_final"),
    [
        *((400, True), (404, True), (410, True), (408, False), (425, False), (429, False)),
        *((301, False), (500, False), (503, False), (100, False)),
    ],
)
def test_a_refusal_is_final_and_a_failure_is_not(code: int, is_final: bool) -> None:
    with pytest.raises(NotDelivered) as failed:
        check(Answer(code, None), 0)
    assert failed.value.is_final == is_final


def test_retry_after_is_seconds_or_a_date() -> None:
    now = NOON.timestamp()
    assert retry_after("120", now) == 120
    assert retry_after(format_datetime(NOON.replace(hour=13), usegmt=True), now) == 3600
    assert retry_after(format_datetime(NOON.replace(hour=11), usegmt=True), now) == 0
    for text in (None, "", "soon", "-1", "1.5", "٣"):
        assert retry_after(text, now) in (None, 0)


def test_the_obsolete_form_of_a_date_is_utc_wherever_the_node_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A recipient must accept it (RFC 9110 section 5.6.7)."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        one = f"{NOON.replace(hour=13):%a %b %e %H:%M:%S %Y}"
        found = retry_after(one, NOON.timestamp())
    time.tzset()
    assert found == 3600
