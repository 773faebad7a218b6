"""Direct routes: each answers as FastAPI's route of the same function does."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.middleware import Middleware
from tests.support.rest_app import Rest

from useby.api import create_api, notifications
from useby.api.direct import DirectRoutes

BOUND = {"date", "server"}
"""Headers that depend on the moment."""
NOTIFICATIONS = "/api/notifications"
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
            "chunked": st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)


class Side:
    """A person with one of the two applications."""

    def __init__(self, transport: httpx.ASGITransport, person: httpx.AsyncClient) -> None:
        self.client = httpx.AsyncClient(transport=transport, base_url="http://useby.test")
        self.token = person.headers["authorization"].removeprefix("Bearer ")
        self.ids: list[str] = []
        """Ids of the person's notifications, in the order of their numbers."""

    async def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        """Return status, headers and body, with the ids replaced by their places."""
        headers = {"content-type": request["type"], "idempotency-key": request["key"]}
        if request["authorization"] is not None:
            headers["authorization"] = request["authorization"].format(self.token)
        body = request["body"]
        answer = await self.client.request(
            request["method"],
            request["path"].format(first=self.ids[0] if self.ids else "none"),
            headers=[
                (name, value.encode()) for name, value in headers.items() if value is not None
            ],
            content=_pieces(body) if request["chunked"] else body,
        )
        text = answer.text
        listed = await self.client.get(
            f"{NOTIFICATIONS}?limit=500", headers={"authorization": f"Bearer {self.token}"}
        )
        rows = sorted(listed.json()["items"], key=lambda row: row["seq"])
        self.ids = [row["id"] for row in rows]
        for place, id_ in enumerate(self.ids):
            text = text.replace(id_, f"<{place}>")
        kept = {name: value for name, value in answer.headers.items() if name not in BOUND}
        state = [(row["message"], row["type"], row["readAt"]) for row in rows]
        return answer.status_code, kept, text + repr(state)


def transport(rest: Rest, *, direct: bool) -> httpx.ASGITransport:
    """Return the application, with or without direct routes."""
    api = create_api(rest.context)
    if not direct:
        api.user_middleware[:] = [each for each in api.user_middleware if not _is_direct(each)]
    return httpx.ASGITransport(api)


@pytest.fixture
def transports(rest: Rest) -> list[httpx.ASGITransport]:
    return [transport(rest, direct=direct) for direct in (True, False)]


def _is_direct(middleware: Middleware) -> bool:
    return middleware.cls is DirectRoutes  # type: ignore[comparison-overlap]


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    middle = len(body) // 2
    yield body[:middle]
    yield body[middle:]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=REQUESTS)
async def test_any_requests_get_the_same_answers_from_direct_routes_as_from_fastapi(
    rest: Rest, transports: Sequence[httpx.ASGITransport], requests: Sequence[dict[str, Any]]
) -> None:
    sides = [Side(each, (await rest.person())[1]) for each in transports]
    for request in requests:
        direct, framework = [await side.answer(request) for side in sides]
        assert direct == framework
    for side in sides:
        await side.client.aclose()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (NOTIFICATIONS, GOOD),
        (NOTIFICATIONS + "/batch", ITEMS),
        (NOTIFICATIONS + "/read-all", ""),
        (NOTIFICATIONS + "/unknown/read", ""),
    ],
)
async def test_a_valid_request_does_not_reach_fastapis_routing(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, path: str, body: str
) -> None:
    api = create_api(rest.context)

    async def never(*_: object) -> None:
        raise AssertionError("the request was routed")

    monkeypatch.setattr(api.router, "middleware_stack", never)
    _, person = await rest.person()
    headers = {**person.headers, "content-type": "application/json"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://useby.test"
    ) as client:
        answer = await client.post(path, content=body.encode(), headers=headers)
        assert answer.status_code in {200, 201, 404}
        with pytest.raises(AssertionError, match="routed"):
            await client.get(path, headers=headers)


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


async def test_a_body_that_ends_with_the_connection_posts_nothing(rest: Rest) -> None:
    """Its beginning is valid JSON."""
    _, person = await rest.person()
    messages = iter(
        [
            {"type": "http.request", "body": GOOD.encode(), "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": NOTIFICATIONS,
        "headers": [
            (b"host", b"useby.test"),
            (b"authorization", person.headers["authorization"].encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(GOOD) + 9).encode()),
        ],
    }

    async def receive() -> Any:
        return next(messages)

    async def nowhere(*_: object) -> None:
        pass

    async def passed_on(_: object, receive: Any, __: object) -> None:
        assert (await receive())["more_body"]
        assert (await receive())["type"] == "http.disconnect"
        raise ConnectionResetError

    direct = DirectRoutes(passed_on, rest.context, notifications.DIRECT)
    with pytest.raises(ConnectionResetError):
        await direct(scope, receive, nowhere)
    assert (await person.get(NOTIFICATIONS)).json()["items"] == []
