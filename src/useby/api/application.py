"""Create the application: its routes, its documents, and the checks of every request."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from useby import __version__
from useby.api import (
    accounts,
    alerts,
    calendars,
    channels,
    config,
    dates,
    errors,
    exports,
    health,
    household_invitations,
    households,
    imports,
    keys,
    lots,
    lots_by_date,
    mail_pages,
    me,
    movements,
    notifications,
    page,
    password_links,
    pickers,
    policies,
    products,
    products_by_external_id,
    push,
    samples,
    scans,
    services,
    sessions,
    stats,
)
from useby.api.bodies import most_of
from useby.api.context import Context
from useby.api.cors import Cors
from useby.api.errors import CLOSE, MEDIA_TYPE, problem
from useby.api.proxies import path_prefix
from useby.realtime import asyncapi
from useby.realtime.allowed_hosts import AllowedHosts
from useby.realtime.answers import NO_ROUTE, Answers
from useby.realtime.slots import PROBES
from useby.realtime.upgrade import PATH
from useby.schemas.products import ProductIn
from useby.settings import Settings

log = logging.getLogger(__name__)

OPENAPI_PATH: Final = "/api/openapi.json"
SOCKET_PATH: Final = PATH.decode()
HEAD_REFUSALS: Final = (HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
"""Statuses that the listener sends before a request reaches the application."""
READ_BEFORE_413: Final = 4
"""Size, in units of ``body_max_bytes``, up to which too large a body is read before its 413."""
_DESCRIPTION: Final = (
    "Stores products with their dates and notifies every device of their owner before one expires,"
    f" over the WebSocket at `{SOCKET_PATH}`; `/api/asyncapi.json` describes it."
)


def create_api(context: Context) -> FastAPI:
    """Return the ASGI application of a node."""
    api = FastAPIOffline(
        docs_url=None,
        redoc_url=None,
        static_url="/api/docs/assets",
        title="useby",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=OPENAPI_PATH,
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    api.state.context = context
    errors.install(api)
    # Routes are tried in order. The documents are first, because anybody may request them.
    _install_documents(api, context.settings)
    page.install(api)
    mail_pages.install(api)
    for part in (
        *(accounts, password_links, sessions, me, keys, products, products_by_external_id),
        *(lots_by_date, lots, movements, pickers, alerts, policies),
        *(stats, config, samples, dates, scans, imports, exports, calendars, health),
        *(notifications, services, channels, push, households, household_invitations),
    ):
        # The routes themselves: ``include_router`` has each built again at the first request.
        api.router.routes.extend(part.router.routes)
    for part in (products, notifications):
        api.router.routes.extend(part.batches.routes)

    @api.api_route(
        SOCKET_PATH,
        methods=["GET", "HEAD", "OPTIONS"],
        include_in_schema=False,
    )
    async def no_upgrade() -> JSONResponse:
        """Answer 426 to a request for the socket without an upgrade (RFC 9110 section 15.5.22)."""
        return problem(
            HTTPStatus.UPGRADE_REQUIRED,
            "This is a WebSocket: connect to it with an upgrade.",
            {"Upgrade": "websocket", "Connection": "Upgrade"},
        )

    api.add_middleware(RequestGuard, context=context)
    api.add_middleware(Cors, context=context)
    return api


def _install_documents(api: FastAPI, settings: Settings) -> None:
    """Serve the OpenAPI and the AsyncAPI document, and the page that shows the first one."""

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api)
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]
    # FastAPI's own route renders the document for each request: 200 requests blocked the event loop
    # for a second.
    api.router.routes[:] = [
        each for each in api.routes if getattr(each, "path", "") != OPENAPI_PATH
    ]
    api.add_route(
        OPENAPI_PATH,
        _rendered_once(openapi, settings, b"{", b'{"servers":[{"url":"%b"}],'),
        include_in_schema=False,
    )
    api.add_route(
        "/api/asyncapi.json",
        _rendered_once(
            lambda: asyncapi.document(version=__version__),
            settings,
            b'"address":"',
            b'"address":"%b',
        ),
        include_in_schema=False,
    )

    @api.get("/api/docs", include_in_schema=False)
    async def docs() -> Response:
        """Return Swagger UI, with relative addresses, so that it works below any path."""
        return get_swagger_ui_html(
            title=f"{api.title} - Swagger UI",
            openapi_url="openapi.json",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
        )


def _rendered_once(
    document: Callable[[], Any], settings: Settings, place: bytes, with_prefix: bytes
) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that renders a JSON document in a thread at the first request.

    Where the node has a path prefix, the first ``place`` of the text becomes ``with_prefix``.
    """
    rendering: asyncio.Future[bytes] | None = None

    async def answer(request: Request) -> Response:
        nonlocal rendering
        if rendering is None:
            rendering = asyncio.ensure_future(
                asyncio.to_thread(lambda: bytes(JSONResponse(document()).body))
            )
        body = await asyncio.shield(rendering)
        if prefix := path_prefix(request.scope, settings):
            body = body.replace(place, with_prefix % prefix.encode(), 1)
        return Response(body, media_type="application/json")

    return answer


def _document(api: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes
    )
    schemas = document["components"]["schemas"]
    # The items of a batch are validated one by one, so that a bad item affects no other. So FastAPI
    # does not add their schema by itself.
    schemas.setdefault("ProductIn", ProductIn.model_json_schema(by_alias=True))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["schema"].pop("default", None)  # the schema's example stands in its place
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if MEDIA_TYPE in content or int(status) == HTTPStatus.UNPROCESSABLE_ENTITY:
                    content.pop("application/json", None)  # a problem has its own media type
            for refusal in HEAD_REFUSALS:
                operation["responses"][str(refusal.value)] = {
                    "description": refusal.phrase,
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                }
    return document


class RequestGuard:
    """Middleware for every request: checks host and body size, and records the answer."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        """Wrap ``app``."""
        self.app = app
        self._settings = context.settings
        self._hosts = AllowedHosts(context.settings.allowed_hosts)
        self._answers = Answers(context.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        most, read = most_of(scope["path"], self._settings.body_max_bytes), 0
        too_large = f"A request's body has at most {most} bytes."
        began, started = time.perf_counter(), False
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
            return message

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
            await send(message)

        app, size = self.app, int(headers.get(b"content-length", b"0"))
        named = self._hosts.allow(headers.get(b"host", b"").decode("latin-1"))
        if not named and scope["path"] not in PROBES:
            app = problem(HTTPStatus.BAD_REQUEST, "This server does not serve this host.")
        elif size > most:
            app = await self._too_large(size, b"expect" in headers, receive, too_large)
        try:
            await app(scope, bounded, watched)
        except Exception:
            if started:
                raise  # the connection is closed
            log.exception("%s failed", _route_of(scope))
            await errors.unexpected()(scope, receive, watched)
        finally:
            self._answers.record(scope, _route_of(scope), status, began)

    async def _too_large(
        self, size: int, expects: bool, receive: Receive, detail: str
    ) -> JSONResponse:
        """Return the 413 for a body of ``size`` bytes, after reading it, unless it is huge.

        Many clients and proxies read no answer before they have sent the whole body; Caddy answers
        502 then. One that ``expects`` a 100 first (RFC 9110 section 10.1.1) does.
        """
        reads = size <= READ_BEFORE_413 * self._settings.body_max_bytes and not expects
        while reads and (await receive()).get("more_body"):
            pass
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, None if reads else CLOSE)


def _route_of(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", NO_ROUTE)
