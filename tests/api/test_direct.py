"""Direct routes: each answers as FastAPI's route of the same function does, on real sockets.

covers: useby.realtime.direct
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tests.support.in_process_node import InProcessNode, serving
from tests.support.node_fixtures import house, start, wall
from tests.support.rest_app import Rest
from tests.support.time_limits import HANG_TIMEOUT

from useby.api import notifications
from useby.api.bodies import most_of
from useby.api.direct import DirectRoutes
from useby.domain.account import User
from useby.realtime.direct import Match
from useby.store.notifications import NotificationQuery, list_

__all__ = ["house", "start", "wall"]

NOTIFICATIONS = "/api/notifications"
SHORT = 4096
"""Length of a body that arrives with its head."""
GOOD = '{"message":"hello","type":"warning","productName":"Milk"}'
ITEMS = f'{{"items":[{GOOD},{{"message":""}},{{"message":"second"}}]}}'
BODIES = st.sampled_from(
    [
        GOOD,
        ITEMS,
        '{"message":"a","type":"fatal"}',
        '{"message":"a","nonsense":1}',
        '{"message":"a","message":"b"}',
        '{"message":17}',
        '{"message":NaN}',
        '{"message":"\\ud800"}',
        '{"items":[]}',
        "[]",
        "null",
        "",
        "{",
        '{"message":"a"} ',
        "\ufeff" + GOOD,
        "[" * 3000,
    ]
).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.sampled_from(
    [
        b"\xff",
        GOOD.encode("utf-16"),
        b'{"items":[' + b",".join([GOOD.encode()] * 1001) + b"]}",
        b'{"message":"' + b"x" * 70_000 + b'"}',
    ]
)
TYPES = st.sampled_from(
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
        "text/plain",
        None,
    ]
)
KEYS = st.sampled_from([None, None, "a key", '"a key"', "another", "é", "", "k" * 256])
AUTHORIZATIONS = st.sampled_from(
    [
        "Bearer {}",
        "Bearer {}",
        "Bearer {}",
        "bearer {}",
        "Bearer  {}",
        "Bearer {} ",
        "Basic {}",
        "Bearer",
        "Bearer x{}",
        None,
    ]
)
PATHS = st.sampled_from(
    [
        NOTIFICATIONS,
        NOTIFICATIONS + "/batch",
        NOTIFICATIONS + "/read-all",
        NOTIFICATIONS + "/read-all?upTo=1",
        NOTIFICATIONS + "/read-all?upTo=x",
        NOTIFICATIONS + "/{first}/read",
        NOTIFICATIONS + "/unknown/read",
        NOTIFICATIONS + "/a%2Fb/read",
        NOTIFICATIONS + "//read",
        NOTIFICATIONS + "/read",
        NOTIFICATIONS + "/%00/read",
        NOTIFICATIONS + "/" + "i" * 129 + "/read",
        NOTIFICATIONS + "/",
        NOTIFICATIONS + "?type=fatal",
    ]
)
METHODS = st.sampled_from(["POST", "POST", "POST", "POST", "PUT", "GET", "OPTIONS"])
REQUESTS = st.lists(
    st.fixed_dictionaries(
        {
            "method": METHODS,
            "path": PATHS,
            "body": BODIES,
            "type": TYPES,
            "key": KEYS,
            "authorization": AUTHORIZATIONS,
            "origin": st.sampled_from([None, None, None, "https://page.example"]),
            "chunked": st.booleans(),
            "close": st.booleans(),
            "pieces": st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)


async def _teapot(scope: Scope, _receive: Receive, send: Send) -> None:
    await Response(status_code=418)(scope, _receive, send)


def direct(house: InProcessNode) -> Match:
    return DirectRoutes(house.node.context, notifications.DIRECT).match


def framed(request: dict[str, Any], token: str, first: str) -> tuple[bytes, bytes]:
    """Return the bytes of a request, its head and its body."""
    body: bytes = request["body"]
    # A server that answers early and closes resets a connection on which a body still arrives.
    closes = request.get("close") and not request.get("pieces") and len(body) < SHORT
    given = {
        "host": "useby.test",
        "content-type": request.get("type", "application/json"),
        "idempotency-key": request.get("key"),
        "authorization": request.get("authorization", "Bearer {}"),
        "origin": request.get("origin"),
        "connection": "close" if closes else None,
    }
    path = request["path"].format(first=first)
    is_large = len(body) > most_of(path.partition("?")[0], 2**21)
    if request.get("chunked") and not is_large:
        given["transfer-encoding"] = "chunked"
        middle = len(body) // 2
        pieces = [piece for piece in (body[:middle], body[middle:]) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        given["content-length"] = str(len(body))
    lines = [f"{request.get('method', 'POST')} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in given.items() if value is not None]
    head = "\r\n".join([*lines, "", ""]).format(token).encode()
    return head, body


class Side:
    """A person with one of the two ways in."""

    def __init__(self, house: InProcessNode, user: User, token: str, port: int) -> None:
        self.house = house
        self.user = user
        self.token = token
        self.port = port
        self.ids: list[str] = []
        """Ids of the person's notifications, in the order of their numbers."""

    async def answer(self, request: dict[str, Any]) -> tuple[bytes, list[bytes], str]:
        """Return status, headers and body, with the ids replaced by their places."""
        async with asyncio.timeout(HANG_TIMEOUT):
            head, body = framed(request, self.token, self.ids[0] if self.ids else "none")
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(head if request.get("pieces") else head + body)
            if request.get("pieces"):
                await writer.drain()
                writer.write(body)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            sizes = [line[15:] for line in headers if line.startswith(b"content-length:")]
            text = (await reader.readexactly(int(sizes[0]))).decode() if sizes else ""
            if b"connection: close" in headers:
                assert await reader.read() == b""
            writer.close()
        rows = await self.house.node.database.read(
            lambda c: list_(c, self.user.id, NotificationQuery(limit=500)).items
        )
        self.ids = [row.id for row in reversed(rows)]
        for place, id_ in enumerate(self.ids):
            text = text.replace(id_, f"<{place}>")
        kept = [line for line in headers if not line.startswith(b"date:")]
        state = [(row.message, row.kind, row.read_at) for row in reversed(rows)]
        return status, kept, text + repr(state)


class People:
    """Persons of a node, each used once."""

    def __init__(self, house: InProcessNode) -> None:
        self.house = house
        self.count = 0

    async def side(self, port: int) -> Side:
        self.count += 1
        user = await self.house.add_user(f"p{self.count}")
        token = await self.house.token(user, f"s{self.count}")
        return Side(self.house, user, token, port)


@pytest.fixture
async def ports(house: InProcessNode) -> AsyncIterator[tuple[int, int]]:
    """Ports of the node itself, and of one without direct routes."""
    async with serving(house, match=lambda _: None) as port:
        yield house.node.listener.getsockname()[1], port


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=REQUESTS)
async def test_any_requests_get_the_same_answers_from_direct_routes_as_from_fastapi(
    house: InProcessNode, ports: tuple[int, int], people: People, requests: list[dict[str, Any]]
) -> None:
    house.wall.stop()
    sides = [await people.side(port) for port in ports]
    for request in requests:
        direct, framework = [await side.answer(request) for side in sides]
        assert direct == framework


@pytest.fixture
def people(house: InProcessNode) -> People:
    return People(house)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (NOTIFICATIONS, GOOD),
        (NOTIFICATIONS + "/batch", ITEMS),
        (NOTIFICATIONS + "/read-all", ""),
        (NOTIFICATIONS + "/unknown/read", ""),
    ],
)
async def test_a_valid_request_does_not_reach_the_framework(
    house: InProcessNode, people: People, path: str, body: str
) -> None:
    request = {"path": path, "body": body.encode()}
    async with serving(house, match=direct(house), app=_teapot) as port:
        side = await people.side(port)
        status, _, _ = await side.answer(request)
        assert status.split()[1] in {b"200", b"201", b"404"}
        status, _, _ = await side.answer(request | {"method": "PUT"})
        assert status.split()[1] == b"418"


async def test_an_answer_is_sent_with_one_write(
    house: InProcessNode, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = await people.side(house.node.listener.getsockname()[1])
    written = []
    write = asyncio.selector_events._SelectorSocketTransport.write  # type: ignore[attr-defined]

    def counted(transport: Any, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1") or b'"seq"' in data:
            written.append(data)
        write(transport, data)

    monkeypatch.setattr(asyncio.selector_events._SelectorSocketTransport, "write", counted)  # type: ignore[attr-defined]
    await side.answer({"path": NOTIFICATIONS, "body": GOOD.encode()})
    assert len(written) == 1


async def test_an_unexpected_error_of_a_direct_route_is_500_without_detail(
    house: InProcessNode,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("a private detail")

    monkeypatch.setattr(house.node.context.posts, "store", fails)
    side = await people.side(house.node.listener.getsockname()[1])
    request = {"path": NOTIFICATIONS, "body": GOOD.encode()}
    status, headers, text = await side.answer(request)
    assert status == b"HTTP/1.1 500 Internal Server Error"
    assert b"content-type: application/problem+json" in headers
    assert headers.count(b"connection: close") == 1
    assert "private" not in text
    assert "a private detail" in caplog.text


async def test_pipelined_posts_are_answered_in_their_order(
    house: InProcessNode, people: People
) -> None:
    side = await people.side(house.node.listener.getsockname()[1])
    bodies = [json.dumps({"message": f"number {number}"}).encode() for number in range(5)]
    requests = [framed({"path": NOTIFICATIONS, "body": body}, side.token, "") for body in bodies]
    reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
    writer.write(b"".join(head + body for head, body in requests))
    writer.write(b"".join(framed({"path": "/", "body": b"", "close": True}, side.token, "")))
    async with asyncio.timeout(HANG_TIMEOUT):
        text = (await reader.read()).decode()
    writer.close()
    assert [text.index(f"number {number}") for number in range(5)] == sorted(
        text.index(f"number {number}") for number in range(5)
    )
    assert text.count("201 Created") == 5


async def test_a_direct_route_takes_nothing_without_a_valid_token(rest: Rest) -> None:
    await rest.person()
    nobody = rest.client()
    for path in (NOTIFICATIONS, f"{NOTIFICATIONS}/batch", f"{NOTIFICATIONS}/read-all"):
        for token in ("", "Bearer x", "Bearer " + "y" * 9000):
            answer = await nobody.post(
                path,
                content=GOOD.encode() if path == NOTIFICATIONS else ITEMS.encode(),
                headers={"authorization": token, "content-type": "application/json"},
            )
            assert answer.status_code == 401


async def test_neither_way_in_reads_or_changes_the_notifications_of_others(
    house: InProcessNode, ports: tuple[int, int], people: People
) -> None:
    owner = await people.side(ports[0])
    keyed = {"path": NOTIFICATIONS, "body": GOOD.encode(), "key": "one"}
    await owner.answer(keyed)
    (theirs,) = owner.ids
    _, _, before = await owner.answer({"path": NOTIFICATIONS, "method": "PUT", "body": b""})
    for port in ports:
        stranger = await people.side(port)
        for path, status in (
            ("/{}/read", b"404"),
            ("/unknown/read", b"404"),
            ("/read-all", b"200"),
        ):
            request = {"path": NOTIFICATIONS + path.format(theirs), "body": b""}
            line, _, text = await stranger.answer(request)
            assert line.split()[1] == status, path
            assert theirs not in text
            assert "hello" not in text
        _, _, text = await stranger.answer(keyed)  # the key is another person's, too
        assert theirs not in text
        assert len(stranger.ids) == 1
    _, _, after = await owner.answer({"path": NOTIFICATIONS, "method": "PUT", "body": b""})
    assert after == before


async def test_a_body_that_ends_with_the_connection_posts_nothing(
    house: InProcessNode, people: People
) -> None:
    """Its beginning is valid JSON."""
    side = await people.side(house.node.listener.getsockname()[1])
    head, body = framed({"path": NOTIFICATIONS, "body": GOOD.encode() + b" " * 9}, side.token, "")
    reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
    writer.write(head + body[:-9])
    writer.write_eof()
    async with asyncio.timeout(HANG_TIMEOUT):
        assert await reader.read() == b""
    writer.close()
    await side.answer({"path": NOTIFICATIONS + "/unknown/read", "body": b""})
    assert side.ids == []
