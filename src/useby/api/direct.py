"""Direct routes: posting and marking notifications without the framework.

FastAPI's routing, dependencies and exit stacks, and the ASGI messages of uvicorn, cost such a
request more than its function does (decision 24). ``DirectRoutes`` matches a request by its head,
and calls the function of the matching route in ``notifications.DIRECT`` once its body is complete.
It answers requests whose form is valid, and the errors that the token or the function raises. All
others are the framework's: another method or media type, a query, no token, an ``Origin``, a host
that is not served, an invalid or a large body.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from fastapi import Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.types import Message, Scope

from useby.api import errors
from useby.api.bodies import most_of, parse
from useby.api.context import Context, claims_of_token
from useby.api.idempotency import IdempotencyKey
from useby.realtime.allowed_hosts import AllowedHosts
from useby.realtime.answers import Answers
from useby.schemas.fields import Id, RequestModel

log = logging.getLogger(__name__)

_READ: Final = frozenset(
    {b"authorization", b"content-type", b"content-length", b"host", b"idempotency-key"}
)
_FRAMEWORKS: Final = frozenset({b"expect", b"origin", b"transfer-encoding"})
"""Headers with which a request is the framework's."""
_MOST: Final = 64 * 1024
"""Maximum size of a body, in bytes: FastAPI's route parses a larger one in turns."""
_ITEM: Final = "{notification_id}"
_key: Final[TypeAdapter[str | None]] = TypeAdapter(IdempotencyKey)
_id: Final[TypeAdapter[str]] = TypeAdapter(Id)


@dataclass(frozen=True, slots=True)
class DirectRoute:
    """A POST that ``DirectRoutes`` handles."""

    path: str
    """Path, which may contain the id of a notification as ``{notification_id}``."""
    operation: str
    """``operationId`` of FastAPI's route, by which ``api.scopes`` finds what a key needs."""
    handle: Callable[..., Awaitable[Response]]
    """Function of FastAPI's route; it is called with the node's context and the claims, and then

    - the id, if the path contains one, or
    - the request, its body and its ``Idempotency-Key``, if there is a model of the body.

    FastAPI fills the others of the function, which are those of a query and have a default.
    """
    body: type[RequestModel] | None = None
    """Model of the request's body; ``None`` if it has none."""


class DirectRoutes:
    """Direct routes of a node, whose framework has the same routes."""

    def __init__(self, context: Context, routes: Sequence[DirectRoute]) -> None:
        """Store the routes."""
        self._context = context
        self._hosts = AllowedHosts(context.settings.allowed_hosts)
        self._answers = Answers(context.settings)
        self._routes = {route.path: route for route in routes if _ITEM not in route.path}
        self._of_items = [
            (re.compile(route.path.replace(_ITEM, "([^/]+)")), route)
            for route in routes
            if _ITEM in route.path
        ]

    def match(self, scope: Scope) -> "RoutedRequest | None":
        """Return the request with this head; ``None`` if it is the framework's."""
        route, item = self._route_of(scope["path"]) if scope["method"] == "POST" else (None, "")
        headers = None if route is None else _headers_of(scope)
        if route is None or headers is None or scope["query_string"]:
            return None
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme != b"Bearer" or not token or token.split() != [token]:
            return None
        if not self._hosts.allow(headers.get(b"host", b"").decode("latin-1")):
            return None
        length = int(headers.get(b"content-length", b"0"))
        most = min(_MOST, most_of(scope["path"], self._context.settings.body_max_bytes))
        json = headers.get(b"content-type") == b"application/json"
        if length > most or (route.body and not (json and length)):
            return None
        return RoutedRequest(
            self._context, self._answers, route, scope, headers, token.decode("latin-1"), item
        )

    def _route_of(self, path: str) -> tuple[DirectRoute | None, str]:
        """Return the route of a path, and the id in the path if it has one."""
        route = self._routes.get(path)
        if route is not None:
            return route, ""
        for pattern, of_item in self._of_items:
            if match := pattern.fullmatch(path):
                return of_item, match[1]
        return None, ""


class RoutedRequest:
    """A request of a direct route, by its head."""

    def __init__(
        self,
        node: Context,
        answers: Answers,
        route: DirectRoute,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        token: str,
        item: str,
    ) -> None:
        """Start to measure the duration."""
        self._began = perf_counter()
        self._node = node
        self._answers = answers
        self._route = route
        self._scope = scope
        self._headers = headers
        self._token = token
        self._item = item

    async def answer(self, body: bytes) -> Response | None:
        """Return the answer to the request with this body; ``None`` if it is the framework's."""
        try:
            response = await self._response(body)
        except Exception as error:
            response = errors.response_to(error)
            if response is None:
                log.exception("%s failed", self._route.path)
                response = errors.unexpected()
        if response is not None:
            path, status = self._route.path, response.status_code
            self._answers.record(self._scope, path, status, self._began)
        return response

    async def _response(self, body: bytes) -> Response | None:
        model = self._route.body
        try:
            value = await parse(body) if model else None
        except (ValueError, RecursionError):
            return None
        claims = await claims_of_token(self._node, self._token, self._route.operation)
        try:
            arguments: tuple[Any, ...] = ()
            if self._item:
                arguments = (_id.validate_python(self._item),)
            elif model is not None:
                sent = self._headers.get(b"idempotency-key")
                key = None if sent is None else _key.validate_python(sent.decode("latin-1"))
                arguments = (self._request(body), model.model_validate(value), key)
        except ValidationError:
            return None
        return await self._route.handle(self._node, claims, *arguments)

    def _request(self, body: bytes) -> Request:
        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        return Request(self._scope, receive)


def _headers_of(scope: Scope) -> Mapping[bytes, bytes] | None:
    """Return the headers that a direct route reads; ``None`` if they are the framework's."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in headers:
                return None
            headers[name] = value
        elif name in _FRAMEWORKS:
            return None
    return headers
