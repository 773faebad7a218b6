"""F04: other sites' origins, look-alike hosts, and a wrong ``Host``.

covers: useby.api.cors
"""

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import Ended, HandshakeRejected, client_of, take, until_closed
from tests.support.in_process_node import InProcessNode
from tests.support.node_fixtures import start, wall
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

__all__ = ["start", "wall"]

FOREIGN = (
    "https://evil.example",
    "null",
    "https://app.example.evil.example",
    "https://evilapp.example",
    "http://app.example",
    "https://app.example:444",
    "https://app.example/",
    "file://",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that names no origins and no hosts."""
    with watched(tmp_path_factory.mktemp("f04")) as server:
        yield server


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that names one origin and two hosts."""
    with watched(
        tmp_path_factory.mktemp("f04-named"),
        allowed_origins="https://app.example",
        allowed_hosts="app.example,127.0.0.1",
    ) as server:
        yield server


@pytest.mark.parametrize("origin", [*FOREIGN, "https://app.example", ""])
async def test_a_node_without_allowed_origins_accepts_every_origin(
    server: NodeProcess, origin: str
) -> None:
    person = server.person()
    async with client_of("websockets") as connect:
        client = await connect(server.socket_url(person.token), {"Origin": origin})
        assert (await take(client, 1))[0]["userId"] == person.id
        headers = {"Origin": origin, "Cookie": f"access_token={person.token}"}
        client = await connect(server.socket_url(), headers)
        assert await until_closed(client) == ([], Ended(1008, "Access token required"))


async def test_an_origin_that_is_not_allowed_gets_101_and_then_1008(
    named: NodeProcess, record_property: live.Record
) -> None:
    person = named.person()

    async def attack(_: Wires) -> None:
        async with client_of("websockets") as connect:
            for origin in FOREIGN:
                client = await connect(named.socket_url(person.token), {"Origin": origin})
                assert await until_closed(client) == ([], Ended(1008, "Origin not allowed")), origin

    await unharmed(named, record_property, attack)


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://app.example"}], ids=str)
async def test_an_allowed_origin_and_an_absent_one_open_the_socket(
    named: NodeProcess, headers: dict[str, str]
) -> None:
    person = named.person()
    async with client_of("websockets") as connect:
        client = await connect(named.socket_url(person.token), headers)
        assert (await take(client, 1))[0]["userId"] == person.id


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_nodes_own_origin_opens_the_socket_though_it_is_not_listed(
    named: NodeProcess, scheme: str
) -> None:
    person = named.person()
    own, other = (f"{scheme}://{host}" for host in ("app.example:8443", "app.example:8444"))
    async with client_of("aiohttp") as connect:
        headers = {"Host": "app.example:8443"}
        client = await connect(named.socket_url(person.token), headers | {"Origin": own})
        assert (await take(client, 1))[0]["userId"] == person.id
        client = await connect(named.socket_url(person.token), headers | {"Origin": other})
        assert await until_closed(client) == ([], Ended(1008, "Origin not allowed"))


@pytest.mark.parametrize("origin", [*FOREIGN, "https://app.example"])
async def test_rest_is_for_pages_of_the_listed_origins_only(
    named: NodeProcess, origin: str
) -> None:
    person = named.person()
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with named.rest() as rest:
        asked = await rest.options("/api/me", headers=preflight)
        answer = await rest.get("/api/me", headers=person.headers | {"Origin": origin})
    listed = origin == "https://app.example"
    assert asked.is_success == listed
    for each in (asked, answer):
        allowed = each.headers.get("access-control-allow-origin")
        assert allowed == (origin if listed else None)
        assert "access-control-allow-credentials" not in each.headers
    assert answer.status_code == 200


async def test_a_page_of_a_listed_origin_reads_why_its_request_was_refused(
    named: NodeProcess,
) -> None:
    origin = {"Origin": "https://app.example"}
    async with named.rest() as rest:
        large = await rest.post("/api/auth/login", headers=origin, content=b" " * 5000)
        host = await rest.get("/api/me", headers=origin | {"Host": "evil.example"})
    for answer, status in ((large, 413), (host, 400)):
        assert answer.status_code == status
        assert answer.json()["detail"]
        assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/api/me?" + "x" * 9000, {}, 414),
        ("/api/me", {f"X-{number}": "x" for number in range(70)}, 431),
        ("/api/me", {"X": "x" * 17_000}, 431),
    ],
    ids=["URL", "headers", "head"],
)
async def test_a_page_of_a_listed_origin_reads_that_its_head_was_too_large(
    named: NodeProcess, path: str, more: dict[str, str], status: int
) -> None:
    origin = {"Origin": "https://app.example"}
    async with named.rest() as rest:
        answer = await rest.get(path, headers=origin | more)
        other = await rest.get(path, headers={"Origin": "https://evil.example"} | more)
    assert (answer.status_code, other.status_code) == (status, status)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in other.headers


async def test_an_operator_finds_a_refused_origin_in_the_log_and_preflights_in_the_metrics(
    start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    house: InProcessNode = await start(allowed_origins="https://app.example")
    token = await house.token(await house.add_user())
    asked = {"Access-Control-Request-Method": "PATCH"}
    name, labels = "useby_http_request_duration_seconds_count", {"method": "OPTIONS"}
    async with (
        client_of("websockets") as connect,
        httpx.AsyncClient(base_url=house.node.url, trust_env=False) as rest,
    ):
        before = await live.metric(rest, name, **labels)
        with caplog.at_level(logging.INFO, "useby.auth.refusals"):
            url = f"{house.socket_url}?access_token={token}"
            client = await connect(url, {"Origin": "https://evil.example"})
            assert await until_closed(client) == ([], Ended(1008, "Origin not allowed"))
            for origin in ("https://app.example", "https://evil.example"):
                await rest.options("/api/me", headers=asked | {"Origin": origin})
        assert await live.metric(rest, name, **labels) == before + 2
    line = "an origin was refused: USEBY_ALLOWED_ORIGINS lacks 'https://evil.example'"
    assert caplog.messages.count(line) == 2


@pytest.mark.parametrize("allowed", ["", "https://app.example"])
async def test_an_operator_finds_the_origin_of_a_page_that_only_imports_the_library(
    start: Any, caplog: pytest.LogCaptureFixture, allowed: str
) -> None:
    house: InProcessNode = await start(allowed_origins=allowed)
    asked = {"Access-Control-Request-Method": "POST"}
    own = house.node.url.replace("http:", "https:")  # a proxy has ended TLS
    foreign = "https://evil.example"
    async with httpx.AsyncClient(base_url=house.node.url, trust_env=False) as rest:
        with caplog.at_level(logging.INFO, "useby.auth.refusals"):
            for origin in (house.node.url, own, foreign):
                answer = await rest.get("/web/client.js", headers={"Origin": origin})
                assert answer.status_code == 200
                assert "access-control-allow-origin" not in answer.headers
            refused = await rest.options("/api/me", headers=asked | {"Origin": foreign})
    line = f"an origin was refused: USEBY_ALLOWED_ORIGINS lacks {foreign!r}"
    assert caplog.messages == [line, line]
    assert refused.status_code == 400
    assert refused.json()["detail"] == "USEBY_ALLOWED_ORIGINS lacks this page's origin."


async def test_a_page_of_a_listed_origin_reads_that_the_node_failed(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house: InProcessNode = await start(allowed_origins="https://app.example")

    async def fails(*_: object) -> None:
        raise RuntimeError("a private detail")

    monkeypatch.setattr(house.node.context.posts, "store", fails)
    token = await house.token(await house.add_user())
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://app.example"}
    async with httpx.AsyncClient(base_url=house.node.url, trust_env=False) as rest:
        answer = await rest.post("/api/notifications", headers=headers, json={"message": "Tea"})
    assert (answer.status_code, "private" in answer.text) == (500, False)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["connection"] == "close"


async def test_without_the_setting_rest_is_for_the_nodes_own_pages(server: NodeProcess) -> None:
    person = server.person()
    async with server.rest() as rest:
        headers = person.headers | {"Origin": "https://app.example"}
        answer = await rest.get("/api/me", headers=headers)
        own = await rest.get("/api/me", headers=person.headers | {"Origin": server.url})
    assert (answer.status_code, own.status_code) == (200, 200)
    assert "access-control-allow-origin" not in answer.headers


async def test_with_an_asterisk_pages_of_every_origin_use_rest_and_the_socket(start: Any) -> None:
    house: InProcessNode = await start(allowed_origins="*")
    token, headers = await house.token(await house.add_user()), {"Origin": "https://any.example"}
    async with house.connected(token, additional_headers=headers):
        pass
    async with httpx.AsyncClient(base_url=house.node.url, trust_env=False) as rest:
        answer = await rest.get("/api/health/live", headers=headers)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "retry-after, etag"


@pytest.mark.parametrize("host", ["evil.example", "app.example.evil.example", "127.0.0.2:80"])
async def test_a_request_for_a_host_that_is_not_allowed_gets_400(
    named: NodeProcess, host: str
) -> None:
    person = named.person()
    async with client_of("aiohttp") as connect, named.rest() as rest:
        with pytest.raises(HandshakeRejected) as refused:
            await connect(named.socket_url(person.token), {"Host": host})
        assert refused.value.status == 400
        answer = await rest.get("/api/me", headers=person.headers | {"Host": host})
        assert answer.status_code == 400
        for path in ("/", "/metrics", "/api/docs", "/api/health", "/api/health/live/"):
            assert (await rest.get(path, headers={"Host": host})).status_code == 400, path


@pytest.mark.parametrize("host", ["10.1.2.3:8000", "[fd00::7]", "evil.example", ""])
@pytest.mark.parametrize("path", ["/api/health/live", "/api/health/ready"])
async def test_health_checks_are_answered_under_every_host_name(
    named: NodeProcess, path: str, host: str
) -> None:
    async with named.rest() as rest:
        answer = await rest.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert "location" not in answer.headers
    assert not host or host not in answer.text


@pytest.mark.parametrize("host", ["app.example", "APP.EXAMPLE:8000", "127.0.0.1"])
async def test_an_allowed_host_opens_with_or_without_a_port(named: NodeProcess, host: str) -> None:
    person = named.person()
    async with client_of("aiohttp") as connect, named.rest() as rest:
        client = await connect(named.socket_url(person.token), {"Host": host})
        assert (await take(client, 1))[0]["userId"] == person.id
        answer = await rest.get("/api/me", headers=person.headers | {"Host": host})
        assert answer.status_code == 200
