"""What can go wrong for good, and what REST answers when it is no success."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus


class ConnectionRejected(Exception):  # noqa: N818 - it names what happened
    """The server won't have this client, and coming back can't help."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        """Say it in the server's words: a close's code, or an HTTP status, and its reason."""
        super().__init__(f"{reason} ({code})" if code is not None else reason)
        self.code = code
        self.reason = reason


class FlushInterrupted(Exception):  # noqa: N818 - it names what happened
    """It ended before every mark was known to be durable."""


class ApiError(Exception):
    """REST answered, and it was no success.

    Attributes:
        status: The HTTP status.
        detail: A sentence for a person.
        errors: What is wrong with which field, as ``(where, what)``.
        retry_after: Seconds after which trying again may help; ``None`` if the server names none.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        errors: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        """Take what was answered."""
        said = "; ".join(f"{where}: {what}" for where, what in errors)
        super().__init__(" ".join(each for each in (f"HTTP {status}.", detail, said) if each))
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after


class Unauthorized(ApiError):  # noqa: N818 - a status's name
    """401: no token, or none that is good."""


class Forbidden(ApiError):  # noqa: N818 - a status's name
    """403: the caller may not."""


class NotFound(ApiError):  # noqa: N818 - a status's name
    """404: it is not there, or not the caller's."""


class Conflict(ApiError):  # noqa: N818 - a status's name
    """409: what is there does not allow it."""


class Invalid(ApiError):  # noqa: N818 - a status's name
    """422: the request is not as documented; ``errors`` says where."""


class TooMany(ApiError):  # noqa: N818 - a status's name
    """429: too many attempts."""


class Unavailable(ApiError):  # noqa: N818 - a status's name
    """502, 503, 504: not now."""


BY_STATUS: Mapping[int, type[ApiError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
    HTTPStatus.TOO_MANY_REQUESTS: TooMany,
    HTTPStatus.BAD_GATEWAY: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.GATEWAY_TIMEOUT: Unavailable,
}
