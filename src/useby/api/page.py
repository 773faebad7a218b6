"""Serve the web page of a node: the files of ``useby/web``, unchanged.

``client.js`` and the modules in ``client/`` are the JavaScript client: links in the source tree,
files in a wheel. Two are made here: ``files.js`` lists the files for the service worker, with a
version that differs if any of them differs, and ``styles.css`` has all stylesheets, because a page
is not drawn until the last of them has come.
"""

import gzip
import hashlib
import json
import os
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from useby.api.compression import accepts_gzip
from useby.api.preconditions import names_tag

FOLDER: Final = Path(__file__).parents[1] / "web"
_HOME: Final = "index.html"
_SERVICE_WORKER: Final = "sw.js"
_SCAN_WORKER: Final = "scan_worker.js"
_LIST: Final = "files.js"
_STYLES: Final = "styles.css"
_SHEETS: Final = ("style", "forms", "add", "lists", "inbox", "settings", "insights", "offline")
"""Stylesheets in their order: a later one may change what an earlier one sets."""
_SHELL: Final = (".js", ".css", ".svg", ".png", ".webmanifest", ".wasm", ".json")
"""Suffixes of the files without which the page does not open offline."""
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

    async def listed(request: Request) -> Response:
        return _respond(_list(files), request)

    async def styles(request: Request) -> Response:
        return _respond(_styles(files), request)

    async def file(request: Request) -> Response:
        path = files.get(request.path_params["path"])
        if path is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _answer(path, request)

    api.add_route("/", home, include_in_schema=False)
    api.add_route(f"/web/{_LIST}", listed, include_in_schema=False)
    api.add_route(f"/web/{_STYLES}", styles, include_in_schema=False)
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
        file = _present(path)
    except OSError:
        raise HTTPException(HTTPStatus.NOT_FOUND) from None
    if path == FOLDER / _SERVICE_WORKER:
        # The page itself, which may be below a path.
        return _respond(file, request, **{"Service-Worker-Allowed": "../"})
    if path == FOLDER / _SCAN_WORKER:
        return _respond(file, request, **{"Content-Security-Policy": _WORKER_POLICY})
    return _respond(file, request)


def _respond(file: _File, request: Request, **more: str) -> Response:
    body, tag, headers = file.body, f'"{file.digest}"', _HEADERS | more
    if file.compressed is not None and accepts_gzip(request):
        body, tag = file.compressed, f'"{file.digest}-gzip"'
        headers["Content-Encoding"] = "gzip"
    headers["ETag"] = tag
    if names_tag(request.headers.getlist("if-none-match"), tag):
        headers.pop("Content-Encoding", None)
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type=file.media_type)


def _styles(files: dict[str, Path]) -> _File:
    """Return the stylesheets as one file; one that has gone since the start is left out."""
    sheets = []
    for name in _SHEETS:
        with suppress(KeyError, OSError):
            sheets.append(_present(files[f"{name}.css"]).body)
    return _joined(tuple(sheets))


@lru_cache(maxsize=1)
def _joined(sheets: tuple[bytes, ...]) -> _File:
    return _file(b"\n".join(sheets), MEDIA_TYPES[".css"])


def _list(files: dict[str, Path]) -> _File:
    """Return the script that lists the page's files, relative to ``/web/``, and their version."""
    digests = {}
    for name, path in sorted(files.items()):
        if name in (_HOME, _SERVICE_WORKER) or name.endswith(_SHELL):
            try:
                digests[name] = _present(path).digest
            except OSError:  # it has gone since the start, and is not served
                continue
    version = hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:32]
    paths = [_STYLES, *(name for name in digests if name not in (_HOME, _SERVICE_WORKER))]
    listed = json.dumps({"version": version, "paths": paths})
    return _file(f"globalThis.FILES = {listed};\n".encode(), MEDIA_TYPES[".js"])


def _present(path: Path) -> _File:
    """Return a file. One that is edited is read again, so that a reload of the page shows it.

    Raises:
        OSError: It cannot be read.
    """
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read(path: Path, changed_at: int) -> _File:  # noqa: ARG001 - a part of the cache's key
    """Read and compress a file, once for each version of it."""
    return _file(path.read_bytes(), MEDIA_TYPES.get(path.suffix, "application/octet-stream"))


def _file(body: bytes, media_type: str) -> _File:
    compressed = None if media_type in _ALREADY_SMALL else gzip.compress(body, mtime=0)
    if compressed is not None and len(compressed) >= len(body):
        compressed = None
    return _File(body, compressed, hashlib.sha256(body).hexdigest()[:32], media_type)
