"""A node's address, as people write it."""

from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

SOCKET_PATH: Final = "/api/ws/notification"
_SOCKET_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_REST_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def socket_url(url: str, since: str = "") -> str:
    """The socket's URL on a node; without a path, it is the contract's.

    Args:
        url: ``http(s)://`` or ``ws(s)://``, or a host and port alone.
        since: The notification after which the server is to begin.

    Raises:
        ValueError: It is no URL of a node.
    """
    scheme, host, path = _parts(url, _SOCKET_SCHEMES)
    return urlunsplit(
        (scheme, host, path or SOCKET_PATH, f"since={quote(since)}" * bool(since), "")
    )


def rest_url(url: str) -> str:
    """The node's own address, under which ``/api`` is.

    Raises:
        ValueError: It is no URL of a node.
    """
    scheme, host, path = _parts(url, _REST_SCHEMES)
    return urlunsplit((scheme, host, path.removesuffix(SOCKET_PATH), "", ""))


def _parts(url: str, schemes: dict[str, str]) -> tuple[str, str, str]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = schemes.get(parts.scheme)
    if scheme is None or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("it is no node's URL, as http://127.0.0.1:8000")
    return scheme, parts.netloc, parts.path.rstrip("/")
