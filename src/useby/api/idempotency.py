"""``Idempotency-Key``: a request that is sent again is not carried out again.

draft-ietf-httpapi-idempotency-key-header-07; a key is taken as it stands, in the draft's quotes or
without, as most clients send it.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Header, Request, Response

from useby.api.context import Context, write_as
from useby.api.errors import Problem
from useby.auth.tokens import Claims
from useby.store import idempotency
from useby.store.engine import Transaction
from useby.store.idempotency import Keyed, KeyReused

REUSED: Final = (
    "This Idempotency-Key was sent with another request in the last 24 hours. "
    "Send each request with a key of its own, and the very same bytes when it is sent again."
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="Any text of the caller's own, a UUID best. For 24 hours a request that comes"
        " again with it is not carried out again, and is answered what it was answered first; one"
        " with another body, or to another path, is refused (422).",
    ),
]


async def write_once(
    node: Context,
    claims: Claims,
    request: Request,
    key: str | None,
    work: Callable[[Transaction], bytes],
    now: datetime,
) -> bytes:
    """Run a write and give the JSON it answers; with a key that was seen, only the latter.

    Raises:
        Problem: 422, the key stands for another request; 401, the token has been revoked.
    """
    if key is None:
        return await write_as(node, claims, work)
    sent = request.scope["path"].encode() + b"\n" + await request.body()
    keyed = Keyed(claims.user_id, key, hashlib.sha256(sent).hexdigest())
    try:
        return await write_as(node, claims, lambda t: idempotency.once(t, keyed, work, now))
    except KeyReused:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, REUSED) from None


def json_response(body: bytes, status: HTTPStatus) -> Response:
    """JSON that is ready to be sent."""
    return Response(body, status, media_type="application/json")
