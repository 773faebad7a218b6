"""Implement ``Idempotency-Key``: a request that is sent again is not executed again.

This follows draft-ietf-httpapi-idempotency-key-header-07. A key is used exactly as sent, in the
draft's quotes or, as most clients send it, without.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from useby.actions import inventory
from useby.actions import notifications as actions
from useby.api.context import Context, write_authorized
from useby.api.errors import Problem
from useby.api.stock_caller import StockCaller
from useby.auth.tokens import Claims
from useby.domain.notification import Draft, Notification
from useby.store import idempotency
from useby.store.database import Transaction
from useby.store.idempotency import IdempotentRequest, KeyReused

REUSED: Final = (
    "This Idempotency-Key was sent with another request in the last 24 hours. "
    "Use a new key for each request, and repeat a request with the same bytes."
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="Key of this request, chosen by the client; a UUID is recommended. A repeat"
        " of a key within 24 hours is not executed and gets the first answer. If its path or body"
        " differs from the first request, it is rejected (422).",
    ),
]

Result = TypeVar("Result")
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that changes stock, and its ``Idempotency-Key``."""

    key: str | None
    """``None`` if it has none; then each repeat is executed."""
    fingerprint: str

    async def run(
        self,
        node: Context,
        caller: StockCaller,
        response: Response,
        work: Callable[[Transaction], Result],
        render: Callable[[Result], Answer],
    ) -> Answer | Response:
        """Execute the request; for a repeated key, return the first answer again.

        A refusal is not stored: the repeat of a refused request is executed.

        Args:
            node: The node.
            caller: The caller.
            response: Has the status of the answer, if it is not 200.
            work: Changes the stock.
            render: Returns the answer and sets its ``ETag`` in ``response``.

        Raises:
            Problem: 422, the key belongs to another request.
        """
        if self.key is None:
            return render(await node.database.write(work))
        keyed = IdempotentRequest(caller.user.id, self.key, self._fingerprint_for(caller))

        def once(transaction: Transaction) -> bytes:
            # A household is locked first, with all its members, so that nobody meets a deadlock.
            if caller.actor.is_shared:
                inventory.lock_to_delete(transaction, caller.actor)
            return idempotency.once(transaction, keyed, tagged, now)

        def tagged(transaction: Transaction) -> bytes:
            body = render(work(transaction)).model_dump_json(by_alias=True)
            return idempotency.packed(f"{response.headers['ETag']}\n{body}".encode())

        now = node.now()
        try:
            kept = await node.database.write(once)
        except KeyReused:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, REUSED) from None
        tag, _, body = idempotency.unpacked(kept).partition(b"\n")
        answer = json_response(body, HTTPStatus(response.status_code or HTTPStatus.OK))
        answer.headers["ETag"] = tag.decode()
        return answer

    def _fingerprint_for(self, caller: StockCaller) -> str:
        """Return the fingerprint of the request on the household that it is about."""
        if caller.stock.id == caller.user.id:
            return self.fingerprint
        return hashlib.sha256(f"{self.fingerprint}\n{caller.stock.id}".encode()).hexdigest()


async def _repeatable(request: Request, key: IdempotencyKey = None) -> Repeatable:
    return Repeatable(key, "" if key is None else await _fingerprint(request))


RepeatableDep = Annotated[Repeatable, Depends(_repeatable)]


async def post_once(
    node: Context,
    claims: Claims,
    request: Request,
    key: str | None,
    drafts: Sequence[Draft],
    answer: Callable[[Sequence[Notification]], bytes] | None = None,
) -> bytes | Sequence[Notification]:
    """Store notifications of one user; for a repeated key, return the first answer again.

    Args:
        node: The node.
        claims: The claims of the caller's token.
        request: The request, which a repeat must equal.
        key: Its ``Idempotency-Key``, if it has one.
        drafts: The notifications to store.
        answer: Renders the answer to a single post; ``None`` for a batch, whose answer is rendered
            after the transaction: while it is rendered, other users' posts are stored.

    Returns:
        The stored notifications, or the answer (JSON) that is stored for the key.

    Raises:
        Problem: 422, the key belongs to another request; 401, as of ``write_authorized``.
        QuotaReached: The account has reached a limit.
    """
    now, limits, large = node.now(), node.settings.limits, answer is None
    if key is None:
        return await write_authorized(
            node, claims, lambda t: actions.post(t, drafts, limits=limits, now=now), large=large
        )
    keyed = IdempotentRequest(claims.user_id, key, await _fingerprint(request))
    try:
        return await write_authorized(
            node,
            claims,
            lambda t: actions.post_once(t, keyed, drafts, answer, limits=limits, now=now),
            large=large,
        )
    except KeyReused:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, REUSED) from None


def json_response(body: bytes, status: HTTPStatus) -> Response:
    """Return a response whose body is already JSON."""
    return Response(body, status, media_type="application/json")


async def _fingerprint(request: Request) -> str:
    """Return a text that differs between requests of different paths or bodies."""
    sent = request.scope["path"].encode() + b"\n" + await request.body()
    return hashlib.sha256(sent).hexdigest()
