"""The proxies of ``deploy/`` in front of a real node, over TLS on loopback."""

import asyncio
import json
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from tests.support import process_node as live
from tests.support import reverse_proxies
from tests.support.patient_client import connect
from tests.support.postgres import free_port
from tests.support.reverse_proxies import DEPLOY, GUIDE, ReverseProxy
from tests.support.time_limits import HANG_TIMEOUT
from websockets import Origin
from websockets.exceptions import ConnectionClosedError

from useby.api.application import READ_BEFORE_413
from useby.api.bodies import IMPORT_MOST
from useby.settings import Settings

SOCKET: Final = "/api/ws/notification"
METRICS: Final = ("/metrics", "/metrics/", "/%6detrics", "/api/../metrics", "//metrics")
PREFIX: Final = "/useby"
"""Path below which the node is published in one of the tests, and its ``USEBY_ROOT_PATH``."""
NETWORKS: Final = count(1)
"""Networks of loopback, one for each proxy's clients, since the proxies share a node."""
EVIL: Final = {"X-Forwarded-Prefix": "/evil"}
"""Header of a client that tries to choose the path."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.NodeProcess]:
    with live.serving(
        tmp_path_factory.mktemp("node"),
        root_path=PREFIX,
        allowed_origins="https://app.example",
        login_rate="1/hour",
    ) as node:
        yield node


@pytest.fixture(scope="module")
def impatient_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.NodeProcess]:
    with live.serving(tmp_path_factory.mktemp("impatient"), body_timeout=0.2) as node:
        yield node


@pytest.fixture(scope="module", params=reverse_proxies.KINDS, ids=lambda kind: kind.__name__)
def proxy(
    request: pytest.FixtureRequest,
    node: live.NodeProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ReverseProxy]:
    folder = tmp_path_factory.mktemp("proxy")
    with reverse_proxies.running(request.param, folder, _address(node)) as proxy:
        yield proxy


async def _status_of(client: httpx.AsyncClient, target: str) -> int:
    """Return the status of a request whose target httpx does not make canonical."""
    answer = await client.get("/", extensions={"target": target.encode()})
    return answer.status_code


def _address(node: live.NodeProcess) -> str:
    return node.url.removeprefix("http://")


def test_a_proxy_offers_http_2_by_which_a_browser_fetches_all_modules_at_once(
    proxy: ReverseProxy, request: pytest.FixtureRequest
) -> None:
    context = proxy.tls
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", proxy.port), HANG_TIMEOUT) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as secured,
    ):
        chosen = secured.selected_alpn_protocol()
    kind = request.node.callspec.params["proxy"]
    # For HTTP/2 Apache needs one more module, which its file does not name.
    assert chosen == ("http/1.1" if kind is reverse_proxies.apache else "h2")


async def test_a_page_and_requests_with_bodies_pass_and_metrics_do_not(
    proxy: ReverseProxy, node: live.NodeProcess
) -> None:
    person = node.person()
    headers = {"content-type": "application/json", "connection": "close"} | person.headers
    batch = b'{"items":[{"message":"Milk"}]}'
    most = Settings.model_fields["body_max_bytes"].default
    async with proxy.client() as client:
        assert "<title>" in (await client.get("/")).text
        assert (await client.get("/web/app.js")).status_code == 200
        for size, status in ((0, 200), (most, 200), (most + 1, 413)):
            answer = await client.post(
                "/api/notifications/batch", content=batch.rjust(size), headers=headers
            )
            assert answer.status_code == status, answer.text
        stored = await client.get("/api/notifications", headers=person.headers)
        assert len(stored.json()["items"]) == 2
        for path in METRICS:
            assert await _status_of(client, path) == 404, path


async def test_the_address_of_a_calendar_leads_through_the_proxy_and_is_not_in_its_log(
    proxy: ReverseProxy, node: live.NodeProcess
) -> None:
    person = node.person()
    async with proxy.client() as client:
        url = (await client.post("/api/calendars", headers=person.headers)).json()["url"]
        start, _, secret = url.removesuffix(".ics").rpartition("/")
        node.secrets.add(secret)
        assert start == f"{proxy.origin}{PREFIX}/api/calendars"
        shown = await client.get(f"/api/calendars/{secret}.ics")
        assert shown.headers["content-type"] == "text/calendar; charset=utf-8"
        await client.get(f"/api/calendars/{secret}?a=b")
        await client.get("/api/dates?text=marker")
    await live.until(lambda: "/api/dates" in proxy.log)
    assert proxy.log.count("/api/calendars/") >= 2
    assert secret not in proxy.log


async def test_a_device_gets_a_post_and_the_page_of_the_proxy_is_the_nodes_own(
    proxy: ReverseProxy, node: live.NodeProcess
) -> None:
    person = node.person()
    url = f"{proxy.origin}{SOCKET}?access_token={person.token}".replace("https", "wss")
    async with asyncio.timeout(HANG_TIMEOUT), proxy.client() as client:
        async with connect(url, ssl=proxy.tls, origin=Origin(proxy.origin)) as device:
            assert json.loads(await device.recv())["type"] == "CONNECTION_ESTABLISHED"
            await live.post(client, person, "Milk expires today")
            assert json.loads(await device.recv())["message"] == "Milk expires today"
        async with connect(url, ssl=proxy.tls, origin=Origin("https://evil.example")) as stranger:
            with pytest.raises(ConnectionClosedError, match="1008"):
                await stranger.recv()
    await live.until(lambda: proxy.log.count(SOCKET) >= 2)
    assert person.token.rpartition(".")[2] not in proxy.log


async def test_the_node_counts_the_address_of_the_client_and_not_one_that_it_sends(
    proxy: ReverseProxy,
) -> None:
    forged = (f"203.0.113.{number}" for number in range(1, 255))

    async def attempt(address: str) -> int:
        async with proxy.client(address) as client:
            answer = await client.post(
                "/api/auth/login",
                json={"email": f"{uuid.uuid4()}@example.org", "password": "a wrong one"},
                headers=[("X-Forwarded-For", next(forged)), ("X-Forwarded-For", "127.0.0.1")],
            )
            return answer.status_code

    network = f"127.0.{next(NETWORKS)}"
    assert await attempt(f"{network}.1") == 401
    assert await attempt(f"{network}.1") == 429
    assert await attempt(f"{network}.2") == 401
    await attempt("127.0.0.1")  # an address that the node trusts
    assert await attempt("127.0.0.1") == 429


async def test_a_client_cannot_choose_the_path_prefix(proxy: ReverseProxy) -> None:
    async with proxy.client() as client:
        document = (await client.get("/api/openapi.json", headers=EVIL)).json()
        assert document["servers"] == [{"url": PREFIX}]


@pytest.mark.parametrize("kind", reverse_proxies.KINDS, ids=lambda kind: kind.__name__)
async def test_a_node_below_a_path_has_its_page_its_socket_and_no_metrics(
    kind: Callable[..., Any], node: live.NodeProcess, tmp_path: Path
) -> None:
    person = node.person()
    node.notify(person, ["Milk expires today"])
    with reverse_proxies.running(kind, tmp_path, _address(node), PREFIX) as proxy:
        async with asyncio.timeout(HANG_TIMEOUT), proxy.client() as client:
            assert "<title>" in (await client.get(f"{PREFIX}/")).text
            assert (await client.get(f"{PREFIX}/api/docs")).status_code == 200
            document = (await client.get(f"{PREFIX}/api/openapi.json", headers=EVIL)).json()
            assert document["servers"] == [{"url": PREFIX}]
            for path in METRICS:
                assert await _status_of(client, PREFIX + path) == 404, path
            url = f"{proxy.origin}{PREFIX}{SOCKET}?access_token={person.token}"
            address = url.replace("https", "wss")
            async with connect(address, ssl=proxy.tls, origin=Origin(proxy.origin)) as device:
                assert json.loads(await device.recv())["type"] == "CONNECTION_ESTABLISHED"
                assert json.loads(await device.recv())["message"] == "Milk expires today"
        assert person.token.rpartition(".")[2] not in proxy.log


@pytest.mark.parametrize("kind", reverse_proxies.KINDS, ids=lambda kind: kind.__name__)
async def test_the_log_of_a_proxy_whose_node_is_gone_has_no_token(
    kind: Callable[..., Any], tmp_path: Path
) -> None:
    with reverse_proxies.running(kind, tmp_path, f"127.0.0.1:{free_port()}", gone=True) as proxy:
        async with proxy.client() as client:
            answer = await client.get(
                f"{SOCKET}?access_token=a.secret-text.c",
                headers={"authorization": "Bearer a.secret-text.c"},
            )
        assert answer.status_code in {502, 503}
        await live.until(lambda: SOCKET in proxy.log)
        assert "secret-text" not in proxy.log


@pytest.mark.parametrize(
    "kind", [reverse_proxies.nginx, reverse_proxies.apache], ids=lambda kind: kind.__name__
)
async def test_a_proxy_without_health_checks_finds_a_node_at_once_when_it_is_back(
    kind: Callable[..., Any], tmp_path: Path
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    port = free_port()
    with reverse_proxies.running(kind, tmp_path, f"127.0.0.1:{port}", gone=True) as proxy:
        async with proxy.client() as client, await asyncio.start_server(serve, "127.0.0.1", port):
            assert (await client.get("/")).status_code == 204


@pytest.mark.parametrize("kind", reverse_proxies.KINDS, ids=lambda kind: kind.__name__)
async def test_a_request_that_its_client_does_not_finish_stops_no_other_client(
    kind: Callable[..., Any], impatient_node: live.NodeProcess, tmp_path: Path
) -> None:
    token = impatient_node.person().token
    head = (
        "POST /api/notifications/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 131072\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    with reverse_proxies.running(kind, tmp_path, _address(impatient_node)) as proxy:
        async with (
            asyncio.timeout(HANG_TIMEOUT),
            proxy.client() as client,
            impatient_node.rest() as rest,
        ):

            async def cut() -> float:
                return await live.metric(rest, "useby_requests_rejected_total", reason="late")

            async def is_cut() -> bool:
                return await cut() > before

            before = await cut()
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", proxy.port, ssl=proxy.tls, server_hostname="localhost"
            )
            writer.write(head.encode().ljust(65_536))
            await live.until(is_cut)
            writer.write(b" " * 131_072)
            assert b" 502 " in await reader.readline()
            assert (await client.get("/api/health/live")).status_code == 200
            writer.close()


def test_limits_of_the_proxies_admit_what_the_node_admits() -> None:
    fields = Settings.model_fields
    silence = fields["ping_interval"].default + fields["ping_timeout"].default
    nginx, apache, caddy = (
        (DEPLOY / name).read_text() for name in ("nginx.conf", "apache.conf", "Caddyfile")
    )
    times = re.findall(r"proxy_(?:read|send)_timeout (\d+)s;", nginx)
    times += re.findall(r"ProxyTimeout (\d+)$", apache, re.MULTILINE)
    assert len(times) == 3
    assert min(map(float, times)) > silence
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    (mebibytes,) = re.findall(r"max_size (\d+)MiB$", caddy, re.MULTILINE)
    (size,) = re.findall(r"Content-Length} -gt (\d+)", apache)
    most = fields["body_max_bytes"].default
    assert {int(megabytes) << 20, int(size)} == {IMPORT_MOST}
    assert most <= IMPORT_MOST
    assert int(mebibytes) << 20 == READ_BEFORE_413 * most


def test_traefiks_file_names_what_it_contains_and_removes_the_prefix_that_a_client_sends() -> None:
    http = yaml.safe_load((DEPLOY / "traefik.yaml").read_text())["http"]
    (shown,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    for each in (http, yaml.safe_load(shown)["http"]):
        (router,) = each["routers"].values()
        assert set(router["middlewares"]) == set(each["middlewares"])
        assert router["service"] in http["services"]
        assert "!PathPrefix(`" in router["rule"]
        first = each["middlewares"][router["middlewares"][0]]
        assert first == {"headers": {"customRequestHeaders": {"X-Forwarded-Prefix": ""}}}
    (service,) = http["services"].values()
    assert service["loadBalancer"]["passHostHeader"]
