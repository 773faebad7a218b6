"""How long a token lives, as far as the token itself tells. Pure."""

import base64
import json
import math

_PARTS = 3  # of a JWT (RFC 7519)


def life(token: str, wall: float) -> float | None:
    """Seconds for which a token that has just come is good, or ``None`` if it does not tell.

    Its signature is not looked at; only the server can. A local clock that puts the token's end
    into the past, or further away than the token's whole life, is wrong: then the whole life
    counts from now.

    Args:
        token: Any text.
        wall: The local clock, in seconds since the epoch.
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
    """Whether it tells anything of itself; a ticket does not."""
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
