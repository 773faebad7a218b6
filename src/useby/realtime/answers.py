"""Record answered requests: a metric for each, and the access log, if it is enabled.

A record contains the template of the route in place of the URL, so that no token, e-mail or id of a
request reaches it.
"""

import functools
import logging
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

from prometheus_client import Histogram
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from useby import metrics
from useby.logs import ACCESS
from useby.settings import Settings

NO_ROUTE: Final = "none"
"""Template of a request that no route matches."""
log = logging.getLogger(ACCESS)


class Answers:
    """The record of a node's answers."""

    def __init__(self, settings: Settings) -> None:
        """Read the proxies whose ``X-Forwarded-For`` is trusted."""
        app: Any = None
        self._trusted = ProxyHeadersMiddleware(app, list(settings.trusted_proxies)).trusted_hosts

    def record(self, scope: Mapping[str, Any], route: str, status: int, began: float) -> None:
        """Record an answered request.

        Args:
            scope: The ASGI scope of the request.
            route: The template of its route, or ``NO_ROUTE``.
            status: The status of its answer.
            began: The moment of its head, by ``perf_counter``.
        """
        seconds = perf_counter() - began
        method = scope["method"]  # the parser accepts a fixed set
        _timer(method, route, status).observe(seconds)
        if log.isEnabledFor(logging.INFO):
            client = self._client_of(scope)
            log.info("%s %s %s %d %.1f ms", client, method, route, status, seconds * 1000)

    def _client_of(self, scope: Mapping[str, Any]) -> str:
        client: str = (scope.get("client") or ("-",))[0]
        if client in self._trusted:
            given = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            forwarded = b", ".join(given).decode("latin-1")
            client = self._trusted.get_trusted_client_address(forwarded)[0] or client
        return client


@functools.cache  # ``labels`` takes longer than the observation
def _timer(method: str, route: str, status: int) -> Histogram:
    return metrics.http_request_duration_seconds.labels(method, route, str(status))
