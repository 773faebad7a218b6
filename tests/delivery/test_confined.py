"""A library that blocks does nothing but HTTP requests, and those over our client.

covers: useby.delivery.confined
"""

import asyncio
import ctypes
import os
import socket
import subprocess
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.support.channel_house import NETWORKS
from tests.support.no_threads import no_new_threads
from tests.support.resolver import Resolver
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import OK, Receiver, status

from useby.delivery import confined
from useby.delivery.channel import NotDelivered
from useby.delivery.confined import ConfinedThreads, Denied, Relay
from useby.delivery.outbound import MOST_READ, REFUSED_PLAIN, Outbound


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here is stored."""
    return sqlite_url


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    outbound = Outbound(NETWORKS)
    yield Relay(outbound, {"webhook-id": "1"})
    await outbound.close()


async def test_requests_are_sent_by_our_client(relay: Relay, receiver: Receiver) -> None:
    receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi"

    def work() -> Any:
        with requests.Session() as session:
            put = session.put(
                receiver.url("/a"), json={"x": "é"}, auth=("ada", "secret"), verify=False
            )
        got = requests.get(receiver.url("/b"), params={"q": "1"}, timeout=1)
        return put.status_code, put.headers["x-a"], got.text

    assert await ConfinedThreads().run("k", relay, work) == (200, "b", "hi")
    put, got = receiver.received
    assert (put.path, put.json, got.path) == ("/a", {"x": "é"}, "/b?q=1")
    assert put.headers["authorization"].startswith("Basic ")
    assert {put.id, got.id} == {"1"}


DENIED: dict[str, Callable[[int], Any]] = {
    "a connection": lambda port: socket.create_connection(("127.0.0.1", port)),
    "a datagram": lambda port: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("::1", port)),
    "a look-up": lambda _: socket.getaddrinfo("localhost", 80),
    "urllib": lambda port: urllib.request.urlopen(f"http://127.0.0.1:{port}/"),
    "a process": lambda _: subprocess.run(["true"], check=False),
    "a shell": lambda _: os.system("true"),
    "a fork": lambda _: os.fork(),
    "a thread": lambda _: threading.Thread(target=lambda: None).start(),
    "a library of C": lambda _: ctypes.CDLL(None),
    "a file to read": lambda _: Path("/etc/passwd").read_text(),
    "a file to write": lambda _: os.open(os.__file__, os.O_RDWR),
    "a file by its number": lambda _: os.fdopen(0, closefd=False),
    "a folder": lambda _: Path("made").mkdir(),
}


@pytest.mark.parametrize("attempt", DENIED.values(), ids=DENIED)
async def test_a_library_that_does_more_than_send_requests_fails(
    attempt: Callable[[int], Any], relay: Relay, receiver: Receiver
) -> None:
    with pytest.raises(Denied):
        await ConfinedThreads().run("k", relay, lambda: attempt(receiver.port))
    assert relay.denied
    assert receiver.received == []


async def test_other_threads_are_not_confined(relay: Relay, receiver: Receiver) -> None:
    await ConfinedThreads().run("k", relay, lambda: None)

    def post() -> int:
        return requests.post(receiver.url(), json={}, timeout=HANG_TIMEOUT).status_code

    assert await asyncio.to_thread(post) == 204


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(code: int, relay: Relay, receiver: Receiver) -> None:
    receiver.answer = lambda _: status(code, Location=receiver.url("/elsewhere"))

    def work() -> int:
        return requests.post(receiver.url(), json={}, allow_redirects=True, timeout=1).status_code

    assert await ConfinedThreads().run("k", relay, work) == code
    assert [each.path for each in receiver.received] == ["/hook"]


async def test_answers_are_read_to_64_kib_at_most(relay: Relay, receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
    receiver.answer = lambda _: head + b"x" * 200_000
    work = lambda: requests.get(receiver.url(), timeout=1).content  # noqa: E731
    assert await ConfinedThreads().run("k", relay, work) == b"x" * MOST_READ


async def test_an_address_that_is_not_allowed_is_not_connected_to(receiver: Receiver) -> None:
    for allowed in ((), (ip_network("127.0.0.2/32"),)):
        outbound = Outbound(allowed)
        relay = Relay(outbound, {})
        work = lambda: requests.get(receiver.url(), timeout=1)  # noqa: E731
        with pytest.raises(requests.ConnectionError, match="http:// is allowed"):
            await ConfinedThreads().run("k", relay, work)
        (failed,) = relay.failures
        assert (failed.reason, failed.is_final) == (REFUSED_PLAIN, True)
        await outbound.close()
    assert receiver.received == []


async def test_a_name_whose_address_changes_between_two_look_ups_is_looked_up_once_for_each_request(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(monkeypatch, **{"app.example": [["127.0.0.1"], ["127.0.0.2"]]})
    outbound = Outbound((ip_network("127.0.0.1/32"),))
    relay = Relay(outbound, {})
    work = lambda: requests.get(f"http://app.example:{receiver.port}/", timeout=1)  # noqa: E731
    assert (await ConfinedThreads().run("k", relay, work)).status_code == 204
    assert resolver.asked == ["app.example"]
    await outbound.close()  # it would use its connection again
    with pytest.raises(requests.ConnectionError, match="http:// is allowed"):
        await ConfinedThreads().run("k", Relay(outbound, {}), work)
    await outbound.close()
    assert len(receiver.received) == 1


async def test_neither_proxies_nor_passwords_of_the_machine_are_used(
    relay: Relay, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login root password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    work = lambda: requests.post(receiver.url(), data="x", timeout=1).status_code  # noqa: E731
    assert await ConfinedThreads().run("k", relay, work) == 204
    assert "authorization" not in receiver.received[0].headers


async def test_a_call_sends_a_limited_number_of_requests(relay: Relay, receiver: Receiver) -> None:
    def work() -> None:
        while True:
            requests.post(receiver.url(), data="x", timeout=1)

    with pytest.raises(NotDelivered, match="the attempt is over"):
        await ConfinedThreads().run("k", relay, work)
    assert len(receiver.received) == confined.MOST_REQUESTS


async def test_a_call_that_is_cancelled_ends_with_its_request(
    relay: Relay, receiver: Receiver
) -> None:
    receiver.answer = lambda _: None
    ended = threading.Event()

    def work() -> None:
        try:
            requests.post(receiver.url(), data="x", timeout=1)
        finally:
            ended.set()

    call = asyncio.create_task(ConfinedThreads().run("k", relay, work))
    await receiver.until_count(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(ended.wait, HANG_TIMEOUT)


async def test_a_call_for_which_the_system_has_no_thread_gives_its_places_back(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "MOST_THREADS", 1)
    threads = ConfinedThreads()
    confined.install()
    with no_new_threads():
        for key in ("k", "k", "other"):
            with pytest.raises(NotDelivered, match="this server has no thread"):
                async with asyncio.timeout(HANG_TIMEOUT):
                    await threads.run(key, relay, lambda: "never")
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await threads.run("k", relay, lambda: "again") == "again"


async def test_a_call_that_hangs_keeps_only_the_place_of_its_key(
    relay: Relay, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread goes on after the caller has given up, until the library ends it."""
    threads, goes_on = ConfinedThreads(), threading.Event()
    hanging = asyncio.create_task(threads.run("slow", relay, goes_on.wait))
    await asyncio.sleep(0)
    while threads._own.get("slow") is None or not threads._own["slow"].locked():
        await asyncio.sleep(0)
    hanging.cancel()
    again = asyncio.create_task(threads.run("slow", relay, lambda: "again"))
    assert await threads.run("other", relay, lambda: "at once") == "at once"
    assert not again.done()
    goes_on.set()
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await again == "again"
    receiver.answer = lambda _: OK
