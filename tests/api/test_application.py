"""Rules for every request: its errors' shape, its bounds, its documentation, its health.

covers: useby.api.context, useby.api.errors, useby.schemas.problems
"""

import json
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest

from useby import __version__
from useby.api.errors import duration
from useby.realtime.asyncapi import document
from useby.store.database import StoreUnavailable


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    return body


async def test_every_error_has_one_shape(rest: Rest) -> None:
    _, ada = await rest.person()
    problem(await ada.get("/api/nothing"), 404)
    problem(await ada.put("/api/me"), 405)
    problem(await ada.get("/api/products/unknown"), 404)
    problem(await ada.get("/api/products", params={"limit": "0"}), 422)
    problem(await rest.client().get("/api/me"), 401)


async def test_an_answer_to_an_invalid_request_names_field_and_fault_and_repeats_no_value(
    rest: Rest,
) -> None:
    answer = await rest.client().post(
        "/api/auth/signup", json={"email": "nobody", "password": "hunter2"}
    )
    body = problem(answer, 422)
    assert {each["at"] for each in body["errors"]} == {"body.email", "body.password"}
    assert body["detail"].endswith("The password needs at least 8 characters.")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"[" * 60_000, b'{"a":' * 10_000, b"9" * 5000, b"NaN"]
)
async def test_strange_json_is_refused_and_never_an_error_of_ours(
    rest: Rest, content: bytes
) -> None:
    _, ada = await rest.person()
    answer = await ada.post(
        "/api/products", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}


REFUSED = [
    ("GET", "/api/products?limit=many", "query.limit", "must be a whole number, e.g. 7"),
    ("GET", "/api/products?limit=0", "query.limit", "must be at least 1, e.g. 1"),
    ("GET", "/api/products?limit=501", "query.limit", "must be at most 500, e.g. 500"),
    (
        "GET",
        "/api/products?sort=size",
        "query.sort",
        "must be 'expiryDate', '-expiryDate', 'name', '-name', 'createdAt' or '-createdAt'",
    ),
    ("GET", "/api/notifications?unread=perhaps", "query.unread", "must be true or false"),
    ("POST", "/api/products", "body", "is missing"),
]


@pytest.mark.parametrize(("method", "url", "at", "message"), REFUSED)
async def test_a_refused_parameter_is_answered_in_our_words(
    rest: Rest, method: str, url: str, at: str, message: str
) -> None:
    _, ada = await rest.person()
    body = problem(await ada.request(method, url), 422)
    assert body["errors"] == [{"at": at, "message": message}]


@pytest.mark.parametrize("content", [b"{", b"[" * 60_000, b"\xff", b"[]", b"7"])
async def test_a_body_that_is_not_as_documented_is_answered_in_our_words(
    rest: Rest, content: bytes
) -> None:
    _, ada = await rest.person()
    headers = {"content-type": "application/json"}
    answer = await ada.post("/api/products", content=content, headers=headers)
    body = problem(answer, answer.status_code)
    sentences = [each["message"] for each in body.get("errors", [])] or [body["detail"]]
    assert all("JSON" in each or each.startswith("must be an object") for each in sentences)
    assert not any(word in answer.text for word in ("Expecting", "Input", "parsing", "decode"))


@pytest.mark.parametrize("path", ["/api/me", "/api/products", "/api/notifications"])
@pytest.mark.parametrize(
    "header", [{}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}]
)
async def test_a_request_without_a_valid_token_is_401_with_the_scheme(
    rest: Rest, path: str, header: dict[str, str]
) -> None:
    answer = await rest.client(**header).get(path)
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_unavailable_database_is_503_with_retry_after(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ada = await rest.person()

    async def away(_: Any) -> Any:
        raise StoreUnavailable("as if the disk were gone")

    monkeypatch.setattr(type(rest.database), "read", lambda _, work: away(work))
    answer = await ada.get("/api/products")
    body = problem(answer, 503)
    assert "disk" not in body["detail"]
    assert answer.headers["retry-after"] == "2"
    assert body["detail"].endswith("Try again in 2 seconds.")
    ready = await ada.get("/api/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {"status": "unready", "reasons": ["the database can't be read"]}
    assert (await ada.get("/api/health/live")).json()["status"] == "ok"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3600, "1 hour")],
)
def test_a_retry_after_is_repeated_in_words(seconds: int, words: str) -> None:
    assert duration(seconds) == words


async def test_an_unexpected_error_is_500_without_detail(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ada = await rest.person()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(rest._transport.app, raise_app_exceptions=False),
        base_url="http://useby.test",
        headers=ada.headers,
    )

    async def bug(_: Any) -> Any:
        raise ArithmeticError("secret detail")

    monkeypatch.setattr(type(rest.database), "read", lambda _, work: bug(work))
    answer = await client.get("/api/products")
    problem(answer, 500)
    assert answer.headers["connection"] == "close"
    assert "secret" not in answer.text
    await client.aclose()


async def test_readiness_ends_before_the_node_does(rest: Rest) -> None:
    client = rest.client()
    assert (await client.get("/api/health/ready")).status_code == 200
    rest.context.stop()
    answer = await client.get("/api/health/ready")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["stopping"])


async def test_metrics_name_routes_and_no_user(rest: Rest) -> None:
    user, ada = await rest.person()
    await ada.get("/api/products/some-id")
    text = (await rest.client().get("/metrics")).text
    assert 'route="/api/products/{product_id}"' in text
    assert "some-id" not in text
    assert user.id not in text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_the_sockets_path_without_an_upgrade_is_426_and_does_not_repeat_the_token(
    rest: Rest, method: str
) -> None:
    answer = await rest.client().request(method, "/api/ws/notification?access_token=secret")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "secret" not in answer.text


async def test_the_documentation_needs_no_other_host(rest: Rest) -> None:
    client = rest.client()
    page = (await client.get("/api/docs")).text
    assert "http" not in page.replace("http://useby.test", "")
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f'"docs/assets/{asset}"' in page, "relative, so that it may be below a path"
        assert (await client.get(f"/api/docs/assets/{asset}")).status_code == 200


async def test_the_sockets_own_document_is_served(rest: Rest) -> None:
    answer = await rest.client().get("/api/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document(version=__version__)


async def test_the_document_names_every_operation_once_and_every_answer_it_can_give(
    rest: Rest,
) -> None:
    document = (await rest.client().get("/api/openapi.json")).json()
    assert document["info"]["version"] == __version__
    names: list[str] = []
    for path in document["paths"].values():
        for operation in path.values():
            names.append(operation["operationId"])
            assert operation.get("description"), operation["operationId"]
            for status, answer in operation["responses"].items():
                if status.startswith("4"):
                    bare = status in ("414", "431")  # the listener's own
                    kind = "text/plain" if bare else "application/problem+json"
                    assert list(answer["content"]) == [kind]
    assert len(names) == len(set(names)) > 25
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert reference in document["components"]["schemas"], reference
