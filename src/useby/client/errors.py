"""Exceptions of the client.

::

    Exception
    └── Error
        ├── ConnectionRejected   the server rejected the client permanently
        ├── FlushInterrupted     the client was closed before all marks were durable
        ├── NotSignedIn          there is no token, or no refresh token
        ├── NoResponse           the node cannot be reached, or did not respond in time
        └── ApiError             REST returned a status that is no success
            ├── Unauthorized     401
            ├── Forbidden        403
            ├── NotFound         404
            ├── Conflict         409
            ├── PreconditionFailed  412
            ├── Invalid          422
            ├── TooMany          429
            └── Unavailable      502, 503, 504

Wrong arguments raise ``ValueError`` or ``TypeError``. Errors of the application's own cursor pass
through.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any


class Error(Exception):
    """Base of all exceptions of the client."""


class ConnectionRejected(Error):  # noqa: N818 - it names what happened
    """The server rejected this client permanently; reconnecting cannot help.

    Attributes:
        code: Close code or HTTP status; ``None`` if there was neither.
        reason: Reason of the close, or a short text.
    """

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        """Store the close code or HTTP status, and the reason."""
        super().__init__(f"{reason} ({code})" if code is not None else reason)
        self.code = code
        self.reason = reason


class FlushInterrupted(Error):  # noqa: N818 - it names what happened
    """The client was closed before every mark was confirmed as durable."""


class NotSignedIn(Error):  # noqa: N818 - it names what happened
    """There is no access token, or no refresh token to exchange."""


class NoResponse(Error):  # noqa: N818 - it names what happened
    """The node cannot be reached, or did not respond in time; it may have handled the request."""


class ApiError(Error):
    """The REST API returned a status that is no success.

    Attributes:
        status: HTTP status.
        detail: Description for a person.
        errors: Invalid fields, as ``(field, message)``.
        retry_after: Seconds after which a retry may help; ``None`` if the server named none.
        problem: All members of the response, such as ``lots`` of a 409 or ``bad`` of an import.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        errors: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
        problem: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Store the fields of the response."""
        fields = "; ".join(f"{name}: {message}" for name, message in errors)
        super().__init__(" ".join(part for part in (f"HTTP {status}.", detail, fields) if part))
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.problem = problem


class Unauthorized(ApiError):  # noqa: N818 - a status's name
    """401: the token is missing or invalid."""


class Forbidden(ApiError):  # noqa: N818 - a status's name
    """403: the caller lacks the permission."""


class NotFound(ApiError):  # noqa: N818 - a status's name
    """404: the resource does not exist or belongs to another user."""


class Conflict(ApiError):  # noqa: N818 - a status's name
    """409: the current state of the resource does not allow the request."""


class PreconditionFailed(ApiError):  # noqa: N818 - a status's name
    """412: the resource has changed since ``if_match`` was read."""


class Invalid(ApiError):  # noqa: N818 - a status's name
    """422: the request is invalid; ``errors`` names the fields."""


class TooMany(ApiError):  # noqa: N818 - a status's name
    """429: too many attempts."""


class Unavailable(ApiError):  # noqa: N818 - a status's name
    """502, 503, 504: the service is temporarily unavailable."""


BY_STATUS: Mapping[int, type[ApiError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: PreconditionFailed,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
    HTTPStatus.TOO_MANY_REQUESTS: TooMany,
    HTTPStatus.BAD_GATEWAY: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.GATEWAY_TIMEOUT: Unavailable,
}
