"""Keep a sign-in's refresh token in a cookie, for the node's own page.

Scripts cannot read the cookie, and browsers send it to the refresh route only. All other routes,
and the socket, ignore it.
"""

import ipaddress
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from useby.api.errors import Problem
from useby.api.proxies import path_prefix
from useby.realtime.allowed_hosts import without_port
from useby.realtime.upgrade import foreign_origin
from useby.settings import Settings

NAME: Final = "useby_refresh"
ROUTE: Final = "/api/auth/refresh"


def store(request: Request, response: Response, settings: Settings, refresh_token: str) -> None:
    """Add the cookie with a refresh token to an answer; it lasts as long as the token."""
    response.set_cookie(
        NAME,
        refresh_token,
        max_age=settings.refresh_token_seconds,
        **_attributes(request, settings),
    )


def remove(request: Request, response: Response, settings: Settings) -> None:
    """Have the browser delete the cookie."""
    response.delete_cookie(NAME, **_attributes(request, settings))


def refresh_token_of(request: Request) -> str | None:
    """Return the refresh token in the cookie of a request, if it has one."""
    return request.cookies.get(NAME)


def require_own_page(request: Request) -> None:
    """Refuse a request that a browser sends for a page of another origin.

    Browsers do not let a page set ``Sec-Fetch-Site``, and it is right even if a proxy replaces
    ``Host``. They leave it out where the connection is not secure; then ``Origin`` decides.

    Raises:
        Problem: 403, the page has another origin.
    """
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        is_own = site == "same-origin"
    else:
        is_own = origin is None or foreign_origin(origin, headers.get("host", "")) is None
    if not is_own:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "Only the node's own page may use the cookie: send the refreshToken in the body.",
        )


def _attributes(request: Request, settings: Settings) -> dict[str, Any]:
    # The URL of a request with a malformed Host cannot be parsed, so it is not used here.
    host = without_port(request.headers.get("host", ""))
    return {
        "path": path_prefix(request.scope, settings) + ROUTE,
        "secure": request.scope["scheme"] != "http" or not _is_loopback(host),
        "httponly": True,
        "samesite": "strict",
    }


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
