"""Allow pages of other origins to use REST (CORS), and explain refusals to operators."""

import time
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from useby.api.context import Context
from useby.api.errors import problem
from useby.realtime.answers import NO_ROUTE, Answers
from useby.realtime.upgrade import foreign_origin


class Cors(CORSMiddleware):
    """Starlette's middleware, which also records preflights and logs refused origins."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        """Wrap ``app``."""
        super().__init__(
            app,
            allow_origins=list(context.settings.allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "useby-household",
            ],
            expose_headers=["retry-after", "etag"],
        )
        self._answers = Answers(context.settings)
        self._refusals = context.verifier.refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass a request on."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            await self.app(scope, receive, send)
            return
        allowed = self.is_allowed_origin(origin)
        if not allowed and foreign_origin(origin, headers.get("host", "")):
            self._refusals.write_origin(origin)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            began = time.perf_counter()
            response = self._preflight(headers, allowed=allowed)
            await response(scope, receive, send)
            self._answers.record(scope, NO_ROUTE, response.status_code, began)
        elif allowed:
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _preflight(self, headers: Headers, *, allowed: bool) -> Response:
        response = self.preflight_response(headers)
        if response.status_code == HTTPStatus.OK:
            return response
        kept = {name: value for name, value in response.headers.items() if "content-" not in name}
        detail = (
            "A page of another origin may not send this method or one of these headers."
            if allowed
            else "USEBY_ALLOWED_ORIGINS lacks this page's origin."
        )
        return problem(HTTPStatus.BAD_REQUEST, detail, kept)
