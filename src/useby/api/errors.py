"""Render every error in one format: ``application/problem+json`` (RFC 9457)."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Self

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from useby import metrics
from useby.auth.passwords import PasswordQueueFull
from useby.domain.account import TokenStatus
from useby.domain.household import LastOwner, NotAllowed, UnknownHousehold
from useby.domain.quota import Quota, QuotaReached
from useby.schemas.problems import FieldError, OpenLot, ProblemBody, field_errors, sentences
from useby.store.database import ReadRefused, StoreUnavailable
from useby.store.notifications import UnknownUser

log = logging.getLogger(__name__)

FULL: Final = {
    Quota.PRODUCTS: "The account has reached its limit of {:,} products. Delete some first.",
    Quota.UNREAD: "The account has reached its limit of {:,} unread notifications."
    " Mark some read first.",
    Quota.BYTES: "The account has reached its limit of {:,} bytes."
    " Delete products or notifications first.",
}
"""Detail of a 409 by quota: the account's owner can make room and send the request again."""

LAST_OWNER: Final = (
    "A household must keep an owner: make another member an owner first, or delete the household."
)
NO_ACCOUNT: Final = "The account of this access token does not exist or is disabled."
REFUSED: Final = {
    TokenStatus.UNKNOWN: NO_ACCOUNT,
    TokenStatus.DISABLED: NO_ACCOUNT,
    TokenStatus.REVOKED: "The access token has been revoked.",
}
"""Detail of a 401 for a token with a good signature."""

MEDIA_TYPE = "application/problem+json"
CLOSE: Final = {"Connection": "close"}
RETRY_AFTER_SECONDS = 2
_UNITS: Final = (("hour", 3600), ("minute", 60), ("second", 0))


class Problem(Exception):  # noqa: N818 - the RFC calls it so
    """Raised to answer a request with an error."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        errors: Sequence[FieldError] = (),
        lots: Sequence[OpenLot] = (),
    ) -> None:
        """Store the answer.

        Args:
            status: The status.
            detail: The error, in a sentence for a person.
            headers: Headers of the answer, if it has any.
            errors: Errors in fields of the request.
            lots: The open lots of a product that the request could mean.
        """
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors)
        self.lots = list(lots)

    @classmethod
    def unauthorized(cls, detail: str) -> Self:
        """Return a 401: the token is missing or not valid (RFC 6750 section 3)."""
        return cls(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})

    @classmethod
    def not_found(cls, what: str) -> Self:
        """Return a 404, the same if the item does not exist and if it is another user's."""
        return cls(HTTPStatus.NOT_FOUND, f"There is no such {what}.")

    @classmethod
    def unavailable(cls, detail: str, retry_after: float = 0) -> Self:
        """Return a 503: the same request may succeed after ``retry_after`` seconds."""
        seconds = max(RETRY_AFTER_SECONDS, math.ceil(retry_after))
        return cls(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(seconds)})

    @classmethod
    def too_many(cls, retry_after: int) -> Self:
        """Return a 429: the next attempt is allowed after ``retry_after`` seconds."""
        return cls(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many attempts.",
            {"Retry-After": str(retry_after)},
        )


def duration(seconds: int) -> str:
    """Return a duration in words, rounded up: "40 seconds", "2 minutes", "1 hour"."""
    unit, length = next(each for each in _UNITS if seconds >= each[1])
    number = math.ceil(seconds / max(length, 1))
    return f"{number} {unit}{'' if number == 1 else 's'}"


def with_wait(detail: str, headers: Mapping[str, str]) -> str:
    """Return a detail with the time of `Retry-After` in words, if that is among the headers."""
    seconds = headers.get("Retry-After")
    return f"{detail} Try again in {duration(int(seconds))}." if seconds else detail


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of a route's problems, for its ``responses``.

    Each route that needs a token (401) refuses keys whose scopes do not name it (403).
    """
    scopes = {HTTPStatus.FORBIDDEN} if HTTPStatus.UNAUTHORIZED in statuses else set()
    return {
        status: {
            "model": ProblemBody,
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
        }
        for status in sorted({400, 413, 422, 503, *scopes, *statuses})
    }


def problem(
    status: int,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
    lots: Sequence[OpenLot] = (),
) -> JSONResponse:
    """Return a problem as a response; a `Retry-After` is repeated in the words of ``detail``."""
    detail = with_wait(detail, headers or {})
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [error.model_dump() for error in errors]
    if lots:
        body["lots"] = [lot.model_dump() for lot in lots]
    return JSONResponse(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(api: FastAPI) -> None:
    """Register handlers that answer the expected exceptions with a problem."""

    async def answer(_: Request, error: Exception) -> Response:
        return response_to(error) or unexpected()

    for kind in _RESPONSES:
        api.add_exception_handler(kind, answer)


def unexpected() -> Response:
    """Return the answer to an error of ours, whose traceback only the log gets."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, headers=CLOSE)


def response_to(error: Exception) -> Response | None:
    """Return the problem that answers an exception; ``None`` if it is not an expected one."""
    for kind in type(error).__mro__:
        if kind in _RESPONSES:
            return _RESPONSES[kind](error)
    return None


def _of_problem(error: Problem) -> Response:
    return problem(error.status, error.detail, error.headers, error.errors, error.lots)


def _of_http(error: HTTPException) -> Response:
    detail = str(error.detail)
    if error.status_code == HTTPStatus.BAD_REQUEST:  # only FastAPI raises it
        detail = 'The body must be JSON in UTF-8, e.g. {"name": "Milk"}.'
    return problem(error.status_code, detail, error.headers)


def _of_validation(error: RequestValidationError) -> Response:
    errors = field_errors(error.errors())
    detail = sentences(errors)
    if len(errors) < len(error.errors()):
        detail += f" The first {len(errors)} errors are listed."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, None, errors)


def _of_queue_full(_: PasswordQueueFull) -> Response:
    return _try_again("Too many sign-ins at once.")


def _of_store_unavailable(error: StoreUnavailable) -> Response:
    log.warning("a request gets 503, because the database is unavailable: %s", error)
    # The text does not promise that nothing changed: the commit may have succeeded.
    return _try_again("The database can't be used now.")


def _of_read_refused(error: ReadRefused) -> Response:
    return _try_again(str(error))  # counted but not logged: one user could fill the log


def _of_unknown_user(_: UnknownUser) -> Response:
    # The user was deleted between the check of the token and the write.
    return _of_problem(Problem.unauthorized(NO_ACCOUNT))


def _of_unknown_household(_: UnknownHousehold) -> Response:
    return _of_problem(Problem.not_found("household"))


def _of_not_allowed(error: NotAllowed) -> Response:
    detail = (
        f"Your role in this household is {error.role.value}, which may not {error.what}."
        " An owner of the household can give you another role."
    )
    return problem(HTTPStatus.FORBIDDEN, detail)


def _of_last_owner(_: LastOwner) -> Response:
    return problem(HTTPStatus.CONFLICT, LAST_OWNER)


def _of_quota(error: QuotaReached) -> Response:
    metrics.quota_refusals.labels(error.quota.value).inc()
    return problem(HTTPStatus.CONFLICT, FULL[error.quota].format(error.limit))


def _try_again(detail: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)


_RESPONSES: Final[Mapping[type, Callable[[Any], Response]]] = {
    Problem: _of_problem,
    HTTPException: _of_http,
    RequestValidationError: _of_validation,
    PasswordQueueFull: _of_queue_full,
    StoreUnavailable: _of_store_unavailable,
    ReadRefused: _of_read_refused,
    UnknownUser: _of_unknown_user,
    QuotaReached: _of_quota,
    UnknownHousehold: _of_unknown_household,
    NotAllowed: _of_not_allowed,
    LastOwner: _of_last_owner,
}
"""Response to each expected exception, of its class or of a subclass."""
