"""Get an application's token, and read its remaining life from its claims."""

import base64
import inspect
import json
import math
from collections.abc import Awaitable, Callable

Token = str | Callable[[], str | Awaitable[str]]
"""A token, or a function that returns a fresh one."""

_PARTS = 3  # A JWT has three parts (RFC 7519).


async def current(token: Token) -> str:
    """Return the token, or the one that the function returns.

    Raises:
        TypeError: The function does not return a string.
        Exception: Any error of the function.
    """
    if isinstance(token, str):
        return token
    fresh = token()
    if inspect.isawaitable(fresh):
        fresh = await fresh
    if not isinstance(fresh, str):
        raise TypeError("the token function must return a string")
    return fresh


def life(token: str, wall: float) -> float | None:
    """Return the remaining life of a token just received.

    The signature is not verified; only the server can. If the local clock puts the expiry in the
    past or further away than the token's whole life, the clock is wrong: then the whole life counts
    from now.

    Args:
        token: Any text.
        wall: Local time in seconds since the Unix epoch.

    Returns:
        Seconds, or ``None`` if the token does not contain them.
    """
    claims = _claims(token)
    ends, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    if ends is None:
        return None
    left = ends - wall
    if issued is None or issued >= ends:
        return left if left > 0 else None
    return left if 0 < left <= ends - issued else ends - issued


def is_jwt(token: str) -> bool:
    """Return whether the token is a JWT with claims; a ticket is none."""
    return bool(_claims(token))


def _claims(token: str) -> dict[str, object]:
    parts = token.split(".")
    if len(parts) != _PARTS:
        return {}
    try:
        value = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
