"""F14: refresh tokens that are spent, used by two at once, or whose answer was lost."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import (
    Connect,
    Ended,
    client_of,
    nothing_more,
    take,
    until_closed,
)
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

REVOKED = Ended(1008, "Access revoked")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f14")) as server:
        yield server


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with client_of("websockets") as connect:
        yield connect


class Browser:
    """A sign-in and its tokens."""

    def __init__(self, server: NodeProcess, rest: httpx.AsyncClient) -> None:
        self._server = server
        self._rest = rest
        self.access = ""
        self.refresh = ""

    def keep(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        self.access, self.refresh = tokens["accessToken"], tokens["refreshToken"]
        self._server.secrets |= {self.access, self.refresh}

    async def use(self, token: str) -> httpx.Response:
        """Present a refresh token."""
        return await self._rest.post("/api/auth/refresh", json={"refreshToken": token})


@pytest.fixture
def sign_in(server: NodeProcess, rest: httpx.AsyncClient) -> Callable[[], Awaitable[Browser]]:
    """Sign in to a new account."""

    async def signed_in() -> Browser:
        account = {"email": f"{uuid.uuid4()}@example.org", "password": "correct horse battery"}
        await rest.post("/api/auth/signup", json=account)
        made = Browser(server, rest)
        made.keep(await rest.post("/api/auth/login", json=account))
        return made

    return signed_in


@pytest.fixture
async def browser(sign_in: Callable[[], Awaitable[Browser]]) -> Browser:
    return await sign_in()


async def test_a_refresh_token_is_spent_once_and_its_successor_goes_on(browser: Browser) -> None:
    for _ in range(5):
        before = browser.refresh
        browser.keep(await browser.use(browser.refresh))
        assert browser.refresh != before


async def test_a_spent_refresh_token_is_theft_the_family_is_revoked_and_its_sockets_closed(
    server: NodeProcess,
    connect: Connect,
    rest: httpx.AsyncClient,
    sign_in: Callable[[], Awaitable[Browser]],
    record_property: live.Record,
) -> None:
    async def attack(wires: Wires) -> None:
        browser = await sign_in()
        stolen = browser.refresh
        client = await connect(server.socket_url(browser.access))
        await take(client, 1)
        for _ in range(2):
            browser.keep(await browser.use(browser.refresh))
        assert (await browser.use(stolen)).status_code == 401
        assert await until_closed(client) == ([], REVOKED)
        assert (await browser.use(browser.refresh)).status_code == 401
        headers = {"Authorization": f"Bearer {browser.access}"}
        assert (await rest.get("/api/me", headers=headers)).status_code == 401

    await unharmed(server, record_property, attack)


async def test_two_tabs_that_refresh_at_once_both_live_on(
    server: NodeProcess, connect: Connect, browser: Browser
) -> None:
    client = await connect(server.socket_url(browser.access))
    await take(client, 1)
    answers = await asyncio.gather(*(browser.use(browser.refresh) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["refreshToken"] for answer in answers}) == 1
    for answer in answers:
        browser.keep(answer)
        again = await connect(server.socket_url(browser.access))
        await take(again, 1)
    assert await nothing_more(client) == []
    browser.keep(await browser.use(browser.refresh))


async def test_a_refresh_whose_answer_was_lost_is_repeated_with_the_same_successor(
    browser: Browser,
) -> None:
    lost = await browser.use(browser.refresh)
    repeated = await browser.use(browser.refresh)
    assert lost.json()["refreshToken"] == repeated.json()["refreshToken"]
    browser.keep(repeated)
    browser.keep(await browser.use(browser.refresh))


async def test_an_unknown_refresh_token_or_an_access_token_in_its_place_is_401(
    browser: Browser,
) -> None:
    for token in ("unknown", browser.access[:128]):
        assert (await browser.use(token)).status_code == 401
    browser.keep(await browser.use(browser.refresh))
