"""Compress answers for clients that accept it (RFC 9110 section 12.5.3)."""

import gzip
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

LEAST: Final = 1_024
"""Minimum size of a body that is compressed, in bytes. A smaller one is one packet anyway."""
LEVEL: Final = 4
"""Level of gzip. An answer is sent once, and takes less than half of the time of level 9."""


class CompressedRoute(APIRoute):
    """Route whose answers are compressed.

    It is for lists, which repeat the names of their fields and get a tenth as long. A body must
    contain no secret: its size depends on all that is in it (RFC 7457 section 2.6).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler, followed by the compression."""
        handler = super().get_route_handler()

        async def compressed(request: Request) -> Response:
            return _compressed(await handler(request), request)

        return compressed


def accepts_gzip(request: Request) -> bool:
    """Return whether ``Accept-Encoding`` of a request allows gzip."""
    weights = {}
    headers = request.headers.getlist("accept-encoding")
    for each in ",".join(headers).replace(" ", "").lower().split(","):
        name, _, weight = each.partition(";q=")
        weights[name] = weight
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight == "" or weight.strip("0.") != ""


def _compressed(answer: Response, request: Request) -> Response:
    answer.headers.add_vary_header("Accept-Encoding")
    if len(answer.body) < LEAST or not accepts_gzip(request):
        return answer
    answer.body = gzip.compress(answer.body, LEVEL, mtime=0)
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer
