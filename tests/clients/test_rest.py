"""Requests to the REST API: tokens, pages and errors, against scripted responses.

covers: useby.client.rest
"""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from useby.client import ApiError, Invalid, NoResponse, Tokens, Unauthorized, Unavailable
from useby.client.rest import RestClient

Handler = Callable[[httpx.Request], httpx.Response]
TOKENS = Tokens(access_token="first", refresh_token="r1", expires_in=900)


def client(handler: Handler, tokens: Tokens | str | None = None) -> RestClient:
    """A client whose requests are answered by a function."""
    rest = RestClient("http://node", tokens, 1)
    rest._http = httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="http://node")
    return rest


async def test_pages_follow_the_cursor_and_send_no_empty_parameter() -> None:
    queries: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        queries.append(dict(request.url.params))
        last = "cursor" in request.url.params
        return httpx.Response(
            200, json={"items": [{"id": len(queries)}], "nextCursor": None if last else "c"}
        )

    pages = client(answer).pages("/products", {"limit": 1, "status": None})
    assert [item["id"] async for item in pages] == [1, 2]
    assert queries == [{"limit": "1"}, {"limit": "1", "cursor": "c"}]


async def test_a_problem_becomes_the_exception_of_its_status() -> None:
    problem = {"detail": "Wrong.", "errors": [{"at": "name", "message": "is empty"}]}
    rest = client(lambda _: httpx.Response(422, json=problem, headers={"Retry-After": "7"}))
    with pytest.raises(Invalid) as caught:
        await rest.request("POST", "/products", {})
    assert caught.value.detail == "Wrong."
    assert caught.value.errors == (("name", "is empty"),)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7"])
async def test_a_response_that_is_no_problem_has_the_phrase_of_its_status(body: bytes) -> None:
    rest = client(lambda _: httpx.Response(502, content=body))
    with pytest.raises(Unavailable, match=r"HTTP 502\. Bad Gateway"):
        await rest.request("GET", "/me")


async def test_a_request_without_a_response_keeps_the_cause() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    with pytest.raises(NoResponse, match="ReadTimeout") as caught:
        await client(fail).request("GET", "/me")
    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)


async def test_concurrent_requests_share_one_exchange_of_an_old_token() -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, request.headers.get("Authorization", "")))
        if request.url.path.endswith("/refresh"):
            assert json.loads(request.content) == {"refreshToken": "r1"}
            fresh = {"accessToken": "second", "refreshToken": "r2", "expiresIn": 900}
            return httpx.Response(200, json=fresh)
        return httpx.Response(200, json={})

    rest = client(answer, TOKENS)
    rest._ends -= TOKENS.expires_in
    await asyncio.gather(*(rest.request("GET", "/me") for _ in range(3)))
    assert seen == [("/api/auth/refresh", "")] + [("/api/me", "Bearer second")] * 3
    assert rest.tokens is not None
    assert rest.tokens.refresh_token == "r2"


async def test_a_refused_exchange_is_raised_although_the_token_is_still_good() -> None:
    rest = client(lambda _: httpx.Response(401), TOKENS)
    rest._ends -= TOKENS.expires_in - 30
    with pytest.raises(Unauthorized):
        await rest.request("GET", "/me")


async def test_a_failed_exchange_costs_no_request_while_the_token_is_good() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503 if request.url.path.endswith("/refresh") else 204)

    rest = client(answer, TOKENS)
    rest._ends -= TOKENS.expires_in - 30
    assert await rest.request("GET", "/me") is None
    rest._ends -= 30
    with pytest.raises(ApiError):
        await rest.request("GET", "/me")


async def test_a_client_without_tokens_sends_none() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401 if "Authorization" in request.headers else 204)

    rest = client(answer, "t0k")
    with pytest.raises(Unauthorized):
        await rest.request("GET", "/me")
    rest.forget()
    assert await rest.request("GET", "/me") is None
