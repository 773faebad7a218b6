"""JSON models of errors: a problem (RFC 9457) and the errors of single fields."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

MOST_ERRORS: Final = 20
"""Maximum number of errors that an answer lists of one request, or of one item of a batch."""
ERROR_BYTES: Final = 64 * 1024
"""Maximum size of the errors of all items in the answer to a batch, in bytes."""
MOST_NAME: Final = 64
"""Maximum length of a key in an error, in characters; clients choose the keys."""
MOST_MESSAGE: Final = 200
"""Maximum length of an error's message, in characters; some repeat a short part of the request."""


class FieldError(BaseModel):
    """One error in a request."""

    at: str = Field(description="Where: `body.expiryDate`, `query.limit`, …")
    message: str


Errors = Annotated[
    list[FieldError],
    Field(description="The first few; none where the batch has more than the answer has room for."),
]


class ProblemBody(BaseModel):
    """A problem (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return the first of pydantic's errors, without the values sent: one may be a password."""
    return [
        FieldError(
            at=".".join(_short(str(part), MOST_NAME) for part in each["loc"]),
            message=_short(str(each["msg"]), MOST_MESSAGE),
        )
        for each in errors[:MOST_ERRORS]
    ]


def shared_out(found: Sequence[Sequence[FieldError]]) -> list[list[FieldError]]:
    """Return as many errors of each item of a batch as the answer has room for.

    The first errors of all items take precedence over any item's second error.
    """
    room = ERROR_BYTES
    kept: list[list[FieldError]] = [[] for _ in found]
    for rank in range(max(map(len, found), default=0)):
        for errors, shown in zip(found, kept, strict=True):
            if rank < len(errors):
                room -= len(errors[rank].model_dump_json()) + 1
                if room < 0:
                    return kept
                shown.append(errors[rank])
    return kept


def _short(text: str, most: int) -> str:
    """Shorten a text, and replace lone surrogates, which UTF-8 cannot encode, by question marks."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.encode(errors="replace").decode()
