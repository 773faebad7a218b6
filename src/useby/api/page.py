"""Serve the web page of a node: the files of ``useby/web``, unchanged.

``client.js`` and the modules in ``client/`` are the JavaScript client: links in the source tree,
files in a wheel.
"""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOLDER: Final = Path(__file__).parents[1] / "web"
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; frame-ancestors 'none';"
        " form-action 'none';"  # without its script, a form sends no password anywhere
        " require-trusted-types-for 'script'"
    ),
    "Cache-Control": "no-cache",  # cached, but revalidated by ETag each time
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.update(_HEADERS)
        return answer


def install(api: FastAPI) -> None:
    """Serve the page at ``/`` and its files under ``/web``."""
    files = _Files(directory=_FOLDER, follow_symlink=True)

    @api.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def home(request: Request) -> Any:
        return await files.get_response("index.html", request.scope)

    api.mount("/web", files)
