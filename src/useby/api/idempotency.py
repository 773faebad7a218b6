"""Implement ``Idempotency-Key``: a request that is sent again is not executed again.

This follows draft-ietf-httpapi-idempotency-key-header-07. A key is used exactly as sent, in the
draft's quotes or, as most clients send it, without.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Header, Request, Response

from useby.api.context import Context, write_authorized
from useby.api.errors import Problem
from useby.auth.tokens import Claims
from useby.domain.notification import Draft, Notification
from useby.domain.quota import Limits
from useby.store import idempotency, notifications, usage
from useby.store.database import Transaction
from useby.store.idempotency import IdempotentRequest, KeyReused
from useby.store.locks import lock_users

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


async def post_once(
    node: Context,
    claims: Claims,
    request: Request,
    key: str | None,
    drafts: Sequence[Draft],
    answer: Callable[[Sequence[Notification]], bytes],
    *,
    large: bool = False,
) -> bytes:
    """Store notifications of one user; for a repeated key, return the first answer again.

    Args:
        node: The node.
        claims: The claims of the caller's token.
        request: The request, which a repeat must equal.
        key: Its ``Idempotency-Key``, if it has one.
        drafts: The notifications to store.
        answer: Renders the answer from the stored notifications; deterministic.
        large: Whether there are many drafts; see ``Database.write``.

    Returns:
        The answer, JSON.

    Raises:
        Problem: 422, the key belongs to another request; 401, the token has been revoked.
        QuotaReached: The account has reached a limit.
    """
    now, limits = node.now(), node.settings.limits
    if key is None:
        return await write_authorized(
            node, claims, lambda t: answer(_keep(t, drafts, limits, now)), large=large
        )
    sent = request.scope["path"].encode() + b"\n" + await request.body()
    keyed = IdempotentRequest(claims.user_id, key, hashlib.sha256(sent).hexdigest())
    made: dict[bytes, bytes] = {}
    """Answer by its stored form, if this request was executed now and is no repeat."""

    def work(transaction: Transaction) -> bytes:
        new = _keep(transaction, drafts, limits, now)
        body = answer(new)
        kept = body if idempotency.short(body) else idempotency.receipt(new)
        made[kept] = body
        return kept

    def once(transaction: Transaction) -> bytes:
        kept = idempotency.once(transaction, keyed, work, now)
        if kept not in made and idempotency.is_receipt(kept):
            return answer(idempotency.by_receipt(kept, drafts))
        return made.get(kept, kept)

    try:
        return await write_authorized(node, claims, once, large=large)
    except KeyReused:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, REUSED) from None


def _keep(
    transaction: Transaction, drafts: Sequence[Draft], limits: Limits, now: datetime
) -> list[Notification]:
    """Store notifications of one user if there is room for all of them."""
    if not drafts:
        return []
    owner = drafts[0].user_id
    lock_users(transaction, owner)
    usage.require_room(transaction.connection, owner, limits, unread=len(drafts))
    return notifications.add(transaction, drafts, now)


def json_response(body: bytes, status: HTTPStatus) -> Response:
    """Return a response whose body is already JSON."""
    return Response(body, status, media_type="application/json")
