"""Look-ups of names that hang take only their own threads."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
from tests.support.no_threads import no_new_threads
from tests.support.resolver import Resolver
from tests.support.time_limits import HANG_TIMEOUT

from useby.delivery import name_look_ups
from useby.delivery.name_look_ups import NameLookUps


class HangingServer:
    """Answers for one name only when the test ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.release = threading.Event()
        self.asked = 0
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, *more: Any, **options: Any) -> Any:
            if host != "hangs.example":
                return real(host, *more, **options)
            self.asked += 1
            self.release.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
async def hanging(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HangingServer]:
    server = HangingServer(monkeypatch)
    yield server
    server.release.set()


async def cancelled(waiting: list[asyncio.Task[Any]]) -> None:
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_address_needs_no_look_up_and_a_name_has_each_of_its_addresses_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [["192.0.2.1", "2001:db8::1", "192.0.2.1"]]
    resolver = Resolver(monkeypatch, **{"app.example": found})
    names = NameLookUps()
    assert await names.addresses("127.0.0.1", 80) == [ip_address("127.0.0.1")]
    assert await names.addresses("::1", 80) == [ip_address("::1")]
    assert resolver.asked == []
    expected = [ip_address("192.0.2.1"), ip_address("2001:db8::1")]
    assert await names.addresses("app.example", 80) == expected


async def test_the_addresses_of_a_name_have_their_families_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of many, only some are tried; a machine may have a route to none of one family."""
    many = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"]
    answers: dict[str, list[list[str]]] = {"app.example": [many], "none.example": [[]]}
    Resolver(monkeypatch, **answers)
    names = NameLookUps()
    expected = ["2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"]
    assert [str(each) for each in await names.addresses("app.example", 80)] == expected
    assert await names.addresses("none.example", 80) == []


@pytest.mark.parametrize("name", ["nothing.invalid", "x" * 300, "a..b", "\x00"])
async def test_a_name_that_has_no_address_is_an_error_in_our_words(name: str) -> None:
    with pytest.raises(OSError, match="name cannot be resolved"):
        await NameLookUps().addresses(name, 80)


async def test_a_look_up_for_which_the_system_has_no_thread_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_look_ups, "THREADS", 1)
    names = NameLookUps()
    with no_new_threads():
        for _ in range(2):
            with pytest.raises(OSError, match="this server has no thread"):
                async with asyncio.timeout(HANG_TIMEOUT):
                    await names.addresses("localhost", 80)
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await names.addresses("localhost", 80)


async def test_look_ups_that_hang_leave_the_threads_of_the_loop_to_others(
    hanging: HangingServer,
) -> None:
    names = NameLookUps()
    waiting = [asyncio.create_task(names.addresses("hangs.example", 80)) for _ in range(100)]
    async with asyncio.timeout(HANG_TIMEOUT):
        while hanging.asked < name_look_ups.THREADS:
            await asyncio.sleep(0.001)
        assert await asyncio.to_thread(lambda: "done") == "done"
    assert hanging.asked == name_look_ups.THREADS
    await cancelled(waiting)


async def test_a_look_up_that_is_given_up_keeps_its_place_until_it_ends(
    hanging: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_look_ups, "THREADS", 1)
    names = NameLookUps()
    given_up = asyncio.create_task(names.addresses("hangs.example", 80))
    async with asyncio.timeout(HANG_TIMEOUT):
        while not hanging.asked:
            await asyncio.sleep(0.001)
        await cancelled([given_up])
        other = asyncio.create_task(names.addresses("localhost", 80))
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.shield(other)
        assert not other.done()
        hanging.release.set()
        assert await other
