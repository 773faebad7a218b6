"""Read what a trusted proxy adds to a request: the client's address, and the node's path prefix."""

from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from useby.settings import PATH_PREFIX, Settings

_KEY: Final = "useby.path_prefix"


class TrustedProxies:
    """Middleware around the application: uvicorn's, and ``X-Forwarded-Prefix``."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap ``app``; headers of other peers than ``USEBY_TRUSTED_PROXIES`` are ignored."""
        inner: Any = app
        self._app: Any = ProxyHeadersMiddleware(inner, list(settings.trusted_proxies))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store the prefix, before uvicorn replaces the proxy's address by the client's."""
        client = scope.get("client")
        if client and client[0] in self._app.trusted_hosts:
            for name, value in scope["headers"]:
                # A proxy adds its header after one that the client sent: the last one counts.
                if name == b"x-forwarded-prefix":
                    scope[_KEY] = value.decode("latin-1").rstrip("/")
        await self._app(scope, receive, send)


def path_prefix(scope: Scope, settings: Settings) -> str:
    """Return the path below which the client reaches the node: empty, or e.g. ``/useby``."""
    prefix: str = scope.get(_KEY, "")
    return prefix if PATH_PREFIX.fullmatch(prefix) else settings.root_path
