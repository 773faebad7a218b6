"""Serve the web page of a node: the files of ``useby/web``, unchanged.

``client.js`` and the modules in ``client/`` are the JavaScript client: links in the source tree,
files in a wheel.
"""

import gzip
import hashlib
import os
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from useby.api.preconditions import names_tag

FOLDER: Final = Path(__file__).parents[1] / "web"
_HOME: Final = "index.html"
_SERVICE_WORKER: Final = "sw.js"
_SCAN_WORKER: Final = "scan_worker.js"
_TEXT: Final = "text/plain; charset=utf-8"
MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".wasm": "application/wasm",
    ".ts": _TEXT,  # declarations of types, beside the modules
    ".md": _TEXT,
    ".txt": _TEXT,
    ".LICENSE": _TEXT,
}
"""Types by suffix; the registry of an operating system may differ or lack some."""
_ALREADY_SMALL: Final = ("image/png", "image/x-icon")
_HEADERS: Final = {
    "Content-Security-Policy": (
        # 'self' of connect-src includes the WebSocket of this host (CSP 3).
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none';"
        " frame-ancestors 'none';"
        " form-action 'none';"  # without its script, a form sends no password anywhere
        " require-trusted-types-for 'script'; trusted-types useby"
    ),
    "Cache-Control": "no-cache",  # cached, but revalidated by ETag each time
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


_WORKER_POLICY: Final = _HEADERS["Content-Security-Policy"].replace(
    "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
)
"""Policy of the worker that reads barcodes: WebAssembly runs there, and not in the page."""


class _File(NamedTuple):
    """A file in memory."""

    body: bytes
    compressed: bytes | None
    """The body in gzip; ``None`` if that is not smaller."""
    digest: str
    media_type: str


def install(api: FastAPI) -> None:
    """Serve the page at ``/`` and its files under ``/web``."""
    # A path is looked up here and never joined to the folder, so it cannot lead out of it.
    files = paths()

    async def home(request: Request) -> Response:
        return _answer(files[_HOME], request)

    async def file(request: Request) -> Response:
        path = files.get(request.path_params["path"])
        if path is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _answer(path, request)

    api.add_route("/", home, include_in_schema=False)
    api.add_route("/web/{path:path}", file, include_in_schema=False)


def paths() -> dict[str, Path]:
    """Return the files of the page by their paths in URLs, relative to ``/web/``."""
    return {
        path.relative_to(FOLDER).as_posix(): path
        for folder, _, names in os.walk(FOLDER, followlinks=True)
        for path in (Path(folder, name) for name in names)
    }


def _answer(path: Path, request: Request) -> Response:
    try:
        # A file that is edited is read again, so that a reload of the page shows it.
        file = _read(path, path.stat().st_mtime_ns)
    except OSError:
        raise HTTPException(HTTPStatus.NOT_FOUND) from None
    body, tag, headers = file.body, f'"{file.digest}"', dict(_HEADERS)
    if path == FOLDER / _SERVICE_WORKER:
        headers["Service-Worker-Allowed"] = "../"  # the page itself, which may be below a path
    if path == FOLDER / _SCAN_WORKER:
        headers["Content-Security-Policy"] = _WORKER_POLICY
    if file.compressed is not None and _accepts_gzip(request.headers.getlist("accept-encoding")):
        body, tag = file.compressed, f'"{file.digest}-gzip"'
        headers["Content-Encoding"] = "gzip"
    headers["ETag"] = tag
    if names_tag(request.headers.getlist("if-none-match"), tag):
        headers.pop("Content-Encoding", None)
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type=file.media_type)


@lru_cache(maxsize=256)
def _read(path: Path, changed_at: int) -> _File:  # noqa: ARG001 - a part of the cache's key
    """Read and compress a file, once for each version of it."""
    body = path.read_bytes()
    media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    compressed = None if media_type in _ALREADY_SMALL else gzip.compress(body, mtime=0)
    if compressed is not None and len(compressed) >= len(body):
        compressed = None
    return _File(body, compressed, hashlib.sha256(body).hexdigest()[:32], media_type)


def _accepts_gzip(headers: list[str]) -> bool:
    """Return whether ``Accept-Encoding`` allows gzip (RFC 9110 section 12.5.3)."""
    weights = {}
    for each in ",".join(headers).replace(" ", "").lower().split(","):
        name, _, weight = each.partition(";q=")
        weights[name] = weight
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight == "" or weight.strip("0.") != ""
