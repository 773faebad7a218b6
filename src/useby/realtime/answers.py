"""Record answered requests: a metric for each, and the access log, if it is enabled.

A record contains the template of the route in place of the URL, so that no token, e-mail or id of a
request reaches it.
"""

import functools
import logging
from time import perf_counter
from typing import Final

from prometheus_client import Histogram

from useby import metrics
from useby.logs import ACCESS

NO_ROUTE: Final = "none"
"""Template of a request that no route matches."""
log = logging.getLogger(ACCESS)


def record(method: str, route: str, status: int, began: float, client: str) -> None:
    """Record an answered request.

    Args:
        method: Its method; the parser accepts a fixed set.
        route: The template of its route, or ``NO_ROUTE``.
        status: The status of its answer.
        began: The moment of its head, by ``perf_counter``.
        client: The client's address.
    """
    seconds = perf_counter() - began
    _timer(method, route, status).observe(seconds)
    if log.isEnabledFor(logging.INFO):
        log.info("%s %s %s %d %.1f ms", client, method, route, status, seconds * 1000)


@functools.cache  # ``labels`` takes longer than the observation
def _timer(method: str, route: str, status: int) -> Histogram:
    return metrics.http_request_duration_seconds.labels(method, route, str(status))
