"""Send requests to the REST API of a node, with the tokens of one sign-in."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from useby.client.address import rest_url
from useby.client.errors import BY_STATUS, ApiError, NoResponse, NotSignedIn, Unauthorized
from useby.client.models import Tokens
from useby.client.shape import body
from useby.client.timing import http_date, retry_after
from useby.client.token import Token, current

FRESH_SECONDS: Final = 120.0
"""Remaining life in seconds below which an access token is exchanged before a connection uses it.

A request exchanges it only if less than half of its life is left as well."""
_OK: Final = 2
"""First digit of a status that is a success."""


class RestClient:
    """HTTP client that adds the access token, and exchanges one that is about to expire."""

    def __init__(self, url: str, token: Tokens | Token | None, seconds: float) -> None:
        """Create the client; nothing is sent yet.

        Args:
            url: URL of the node.
            token: Tokens of a sign-in; or an access token, or a function that returns one.
            seconds: Timeout of a request.

        Raises:
            ValueError: The URL does not name a node.
        """
        self._http = httpx.AsyncClient(base_url=rest_url(url), timeout=seconds)
        self._exchanging = asyncio.Lock()
        self._token: Token = ""
        self._ends = float("inf")
        self.tokens: Tokens | None = None
        self.household: str | None = None
        """Household that requests are about; ``None`` for the user's own."""
        if isinstance(token, Tokens):
            self.keep(token)
        elif token is not None:
            self._token = token

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    def keep(self, tokens: Tokens) -> Tokens:
        """Use these tokens from now on."""
        self.tokens, self._token = tokens, tokens.access_token
        self._ends = time.monotonic() + tokens.expires_in
        return tokens

    def forget(self) -> None:
        """Use no tokens from now on."""
        self.tokens, self._token = None, ""

    async def refresh(self) -> Tokens:
        """Exchange the refresh token for new tokens. Concurrent callers share one exchange.

        Raises:
            NotSignedIn: There is no refresh token.
        """
        before = self.tokens
        async with self._exchanging:
            if self.tokens is None:
                raise NotSignedIn("there is no refresh token; sign in first")
            if self.tokens is before:
                given = {"refresh_token": self.tokens.refresh_token}
                answer = await self.request("POST", "/auth/refresh", given, as_caller=False)
                self.keep(Tokens.of(answer))
            return self.tokens

    async def token(self) -> str:
        """Return an access token, exchanged first if it ends soon.

        Raises:
            NotSignedIn: There is no token.
        """
        if not self._token:
            raise NotSignedIn("there is no token; sign in first")
        return await self._good_for(FRESH_SECONDS)

    async def _good_for(self, seconds: float) -> str:
        if self.tokens is not None and self._ends - time.monotonic() < seconds:
            return (await self.refresh()).access_token
        return await current(self._token)

    async def pages(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of all pages.

        Args:
            path: Path below ``/api``.
            query: Query parameters; those that are ``None`` are left out.
        """
        parameters = dict(query)
        while True:
            page = await self.request("GET", path, query=parameters)
            for item in page["items"]:
                yield item
            if page.get("nextCursor") is None:
                return
            parameters["cursor"] = page["nextCursor"]

    async def request(
        self,
        method: str,
        path: str,
        given: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        *,
        content: bytes | None = None,
        if_match: str | None = None,
        as_caller: bool = True,
    ) -> Any:
        """Send a request and return the JSON of the response; ``None`` if it is empty.

        An entity tag of the response is the member ``etag`` of an object.

        Args:
            method: HTTP method.
            path: Path below ``/api``.
            given: Body, sent as JSON.
            headers: More headers.
            query: Query parameters; those that are ``None`` are left out.
            content: Body, sent as it is.
            if_match: Entity tag without which nothing is changed.
            as_caller: Add the access token, if there is one.

        Raises:
            ApiError: The status is no success.
            NoResponse: There is no response.
            ValueError: The entity tag is empty.
        """
        all_headers = dict(headers or {})
        if if_match is not None:
            if not if_match:
                raise ValueError("the entity tag is empty: read the product or lot by itself first")
            all_headers["If-Match"] = if_match
        response = await self._send(
            method,
            path,
            as_caller=as_caller,
            json=None if given is None else body(given),
            content=content,
            params=query,
            headers=all_headers,
        )
        value = response.json() if response.content else None
        if isinstance(value, dict) and "ETag" in response.headers:
            value["etag"] = response.headers["ETag"]
        return value

    async def read(self, path: str, query: Mapping[str, Any]) -> bytes:
        """Return the body of a response.

        Raises:
            ApiError: The status is no success.
            NoResponse: There is no response.
        """
        return (await self._send("GET", path, params=query)).content

    async def _send(
        self,
        method: str,
        path: str,
        *,
        as_caller: bool = True,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        bearer = await self._authorization() if as_caller and self._token else {}
        named = {} if self.household is None else {"Useby-Household": self.household}
        parameters = {name: each for name, each in body(params or {}).items() if each is not None}
        try:
            response = await self._http.request(
                method,
                f"/api{path}",
                params=parameters or None,
                headers={**bearer, **named, **(headers or {})},
                **request,
            )
        except httpx.TransportError as error:
            raise NoResponse(str(error) or type(error).__name__) from error
        if response.status_code // 100 != _OK:
            raise _error(response)
        return response

    async def _authorization(self) -> dict[str, str]:
        life = float("inf") if self.tokens is None else self.tokens.expires_in
        try:
            token = await self._good_for(min(FRESH_SECONDS, life / 2))
        except (ApiError, NoResponse) as error:
            if (
                self.tokens is None
                or isinstance(error, Unauthorized)
                or time.monotonic() >= self._ends
            ):
                raise
            # The present token is still valid; the next request retries the exchange.
            token = self.tokens.access_token
        return {"Authorization": f"Bearer {token}"}


def field_errors(errors: object) -> Sequence[tuple[str, str]]:
    """Return the ``errors`` of a response as ``(field, message)``."""
    if not isinstance(errors, list):
        return ()
    return [(str(error.get("at")), str(error.get("message"))) for error in errors]


def _error(response: httpx.Response) -> ApiError:
    try:
        value = response.json()
    except ValueError:
        value = {}
    problem = value if isinstance(value, dict) else {}
    date = http_date(response.headers.get("Date", "")) or datetime.now(UTC)
    return BY_STATUS.get(response.status_code, ApiError)(
        response.status_code,
        str(problem.get("detail") or response.reason_phrase),
        field_errors(problem.get("errors")),
        retry_after(response.headers.get("Retry-After"), date),
        problem,
    )


def part(name: str) -> str:
    """Return a name as a part of a path."""
    return quote(name, safe="")
