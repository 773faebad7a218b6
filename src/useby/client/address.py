"""Parse the URL of a node and build the WebSocket and REST URLs from it."""

from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

SOCKET_PATH: Final = "/api/ws/notification"
_SOCKET_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_REST_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def socket_url(url: str, since: str = "") -> str:
    """Return the WebSocket URL of a node; a URL without a path gets the contract's path.

    Args:
        url: URL of the node with ``http(s)://`` or ``ws(s)://``, or only host and port.
        since: Id of the notification after which the server begins; ``""`` to omit it.

    Raises:
        ValueError: The URL does not name a node.
    """
    scheme, host, path = _parts(url, _SOCKET_SCHEMES)
    return urlunsplit(
        (scheme, host, path or SOCKET_PATH, f"since={quote(since)}" * bool(since), "")
    )


def rest_url(url: str) -> str:
    """Return the base URL of a node, below which the REST routes (``/api``) are.

    Raises:
        ValueError: The URL does not name a node.
    """
    scheme, host, path = _parts(url, _REST_SCHEMES)
    return urlunsplit((scheme, host, path.removesuffix(SOCKET_PATH), "", ""))


def _parts(url: str, schemes: dict[str, str]) -> tuple[str, str, str]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = schemes.get(parts.scheme)
    if scheme is None or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("the URL must be of a node, e.g. http://127.0.0.1:8000")
    return scheme, parts.netloc, parts.path.rstrip("/")
