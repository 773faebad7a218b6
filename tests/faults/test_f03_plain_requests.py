"""F03: plain requests on the socket's URL with a token, a 404 below it, a 400 with it.

That the token is nowhere in the log at DEBUG, the node's end asserts (``live``).
"""

from collections.abc import Iterator

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

PATH = "/api/ws/notification"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f03")) as server:
        yield server


async def test_a_plain_get_or_head_on_the_sockets_url_is_426_and_repeats_no_token(
    server: NodeProcess, record_property: live.Record
) -> None:
    token = server.person().token

    async def attack(_: Wires) -> None:
        async with server.rest() as rest:
            for method in ("GET", "HEAD"):
                answer = await rest.request(method, PATH, params={"access_token": token})
                assert answer.status_code == 426
                assert answer.headers["upgrade"] == "websocket"
                assert token not in answer.text + str(answer.headers)
            for method in ("OPTIONS", "POST"):
                answer = await rest.request(method, PATH, params={"access_token": token})
                assert answer.status_code in (405, 426)
                assert token not in answer.text + str(answer.headers)

    await unharmed(server, record_property, attack)


async def test_a_404_below_the_sockets_url_repeats_no_token(
    server: NodeProcess, rest: httpx.AsyncClient
) -> None:
    token = server.person().token
    for path in (f"{PATH}/below", f"{PATH}/{token}", f"/api/ws/{token}"):
        answer = await rest.get(path, params={"access_token": token})
        assert answer.status_code == 404
        assert token not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "line",
    [
        "GET {} HTTP/9.9",
        "GET {} NONSENSE",
        "GET {}\x00 HTTP/1.1",
        "{} GET HTTP/1.1",
        "GET {} HTTP/1.1\r\nBad Header {}: x",
        "GET {} HTTP/1.1\r\nContent-Length: {}",
    ],
)
async def test_a_400_with_a_token_in_its_request_line_repeats_no_token(
    server: NodeProcess, wires: Wires, line: str
) -> None:
    token = server.person().token
    wire = await wires.tcp(server.url)
    target = f"{PATH}?access_token={token}"
    await wire.send(f"{line.format(target, target)}\r\nHost: localhost\r\n\r\n".encode())
    answer = await wire.read_to_end()
    assert answer.startswith(b"HTTP/1.1 400")
    assert token.encode() not in answer


@pytest.mark.parametrize(
    "change",
    [
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Version": None},
        {"Host": None},
    ],
    ids=str,
)
async def test_an_invalid_handshake_is_400_or_426_and_repeats_no_token(
    server: NodeProcess, wires: Wires, change: dict[str, str | None]
) -> None:
    token = server.person().token
    headers = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    } | change
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    wire = await wires.tcp(server.url)
    await wire.send(f"GET {PATH}?access_token={token} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
    answer = await wire.read_to_end()
    expected = 426 if "Sec-WebSocket-Version" in change else 400
    assert answer.startswith(f"HTTP/1.1 {expected}".encode()), answer
    assert token.encode() not in answer
