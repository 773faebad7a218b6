"""Direct routes: posting and marking notifications without the framework's routing.

FastAPI's routing, dependencies and exit stacks cost such a request more than its function does
(decision 24). ``DirectRoutes`` stands before FastAPI and calls the functions of the routes in
``notifications.DIRECT`` itself. It answers requests whose form is valid, and the errors that the
token or the function raises. Every other request goes to FastAPI with the messages that were
already received.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import TypeAdapter, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from useby.api import errors
from useby.api.bodies import parse
from useby.api.context import Context, claims_of
from useby.api.idempotency import IdempotencyKey
from useby.schemas.fields import Id, RequestModel

_HEADERS: Final = frozenset(
    {b"authorization", b"content-type", b"content-length", b"idempotency-key"}
)
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
    handle: Callable[..., Awaitable[Response]]
    """Function of FastAPI's route; it is called with the node's context and the claims, and then

    - the id, if the path contains one, or
    - the request, its body and its ``Idempotency-Key``, if there is a model of the body.

    FastAPI fills no other parameter of the function: it must not have one.
    """
    body: type[RequestModel] | None = None
    """Model of the request's body; ``None`` if it has none."""


class DirectRoutes:
    """Middleware that handles the requests of some routes, and passes all others on."""

    def __init__(self, app: ASGIApp, context: Context, routes: Sequence[DirectRoute]) -> None:
        """Stand before ``app``, which has the same routes."""
        self.app = app
        self._context = context
        self._routes = {route.path: route for route in routes if _ITEM not in route.path}
        self._of_items = [
            (re.compile(route.path.replace(_ITEM, "([^/]+)")), route)
            for route in routes
            if _ITEM in route.path
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or pass it on with the messages that were received."""
        route, item = self._match(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        received: list[Message] = []
        try:
            response = await self._response(route, item, scope, receive, received)
        except Exception as error:  # FastAPI's handlers of exceptions stand behind this middleware
            response = errors.response_to(error)
            if response is None:
                raise
        if response is None:
            await self.app(scope, _repeating(received, receive), send)
        else:
            scope["route"] = route  # the metric of the request is labelled with its path
            await response(scope, receive, send)

    def _match(self, scope: Scope) -> tuple[DirectRoute | None, str]:
        """Return the route of a request, and the id in its path if it has one."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None, ""
        path: str = scope["path"]
        route = self._routes.get(path)
        if route is not None:
            return route, ""
        for pattern, of_item in self._of_items:
            if match := pattern.fullmatch(path):
                return of_item, match[1]
        return None, ""

    async def _response(
        self,
        route: DirectRoute,
        item: str,
        scope: Scope,
        receive: Receive,
        received: list[Message],
    ) -> Response | None:
        """Return the response of the route's function; ``None`` for a request to pass on."""
        headers = _headers_of(scope)
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme != b"Bearer" or not token or token.split() != [token]:
            return None
        try:
            value = await _json_body(headers, receive, received) if route.body else None
        except (ValueError, RecursionError):
            return None
        node = self._context
        claims = await claims_of(
            node, HTTPAuthorizationCredentials(scheme="Bearer", credentials=token.decode("latin-1"))
        )
        try:
            arguments: tuple[Any, ...] = ()
            if item:
                arguments = (_id.validate_python(item),)
            elif route.body is not None:
                sent = headers.get(b"idempotency-key")
                key = None if sent is None else _key.validate_python(sent.decode("latin-1"))
                request = Request(scope, _repeating(received, receive))
                arguments = (request, route.body.model_validate(value), key)
        except ValidationError:
            return None
        return await route.handle(node, claims, *arguments)


def _headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """Return the headers that a direct route reads; none if one of them is repeated."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _HEADERS:
            if name in headers:
                return {}
            headers[name] = value
    return headers


async def _json_body(
    headers: Mapping[bytes, bytes], receive: Receive, received: list[Message]
) -> Any:
    """Return the JSON value of a short body.

    Raises:
        ValueError: The body is not short, not JSON, or not complete.
        RecursionError: It is nested very deeply.
    """
    length = int(headers.get(b"content-length", b"0"))
    if headers.get(b"content-type") != b"application/json" or not 0 < length <= _MOST:
        raise ValueError("the body is not short JSON")
    while True:
        message = await receive()
        received.append(message)
        if message["type"] == "http.disconnect":
            raise ValueError("the client disconnected before the end of the body")
        if not message.get("more_body", False):
            break
    return await parse(b"".join(each.get("body", b"") for each in received))


def _repeating(received: Sequence[Message], receive: Receive) -> Receive:
    """Return a ``receive`` that repeats messages before it receives others."""
    repeated = iter(received)

    async def message() -> Message:
        for each in repeated:
            return each
        return await receive()

    return message
