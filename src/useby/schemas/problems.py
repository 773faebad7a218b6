"""JSON models of errors, and the words for each way in which a value can be wrong.

pydantic's messages name types of Python and of pydantic, so none of them is shown to a client.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

MOST_ERRORS: Final = 20
"""Maximum number of errors that an answer lists of one request, or of one item of a batch."""
MOST_SENTENCES: Final = 3
"""Maximum number of errors in the ``detail`` of an answer."""
ERROR_BYTES: Final = 64 * 1024
"""Maximum size of the errors of all items in the answer to a batch, in bytes."""
MOST_NAME: Final = 64
"""Maximum length of a key in an error, in characters; clients choose the keys."""
MOST_MESSAGE: Final = 200
"""Maximum length of an error's message, in characters; some repeat a short part of the request."""
OWN_WORDS: Final = "own_words"
"""Type of the errors of a field whose type contains its own message, ``fields.Form``."""

_NUMBER: Final = "must be a number, e.g. 1.5"
_WHOLE: Final = "must be a whole number, e.g. 7"
_TRUTH: Final = "must be true or false"
_LIST: Final = 'must be a list, e.g. ["a", "b"]'
_OBJECT: Final = 'must be an object, e.g. {{"key": "value"}}'
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "string_type": 'must be a text, e.g. "Milk"',
    "string_unicode": "must be a text without half of a surrogate pair, e.g. Milk",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}, e.g. {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}, e.g. {le}",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "list_type": _LIST,
    "too_short": "has too few items: the minimum is {min_length}",
    "too_long": "has too many items: the maximum is {max_length}",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "json_invalid": 'is not valid JSON from this character on; JSON looks like {{"name": "Milk"}}',
}
"""Message by pydantic's type of the error, with the names that its context has."""
_OTHER: Final = "is not as documented"
_HUMP: Final = re.compile(r"(?<=[a-z])[A-Z]")


class FieldError(BaseModel):
    """One error in a request."""

    at: str = Field(description="Place of the error: `body.expiryDate`, `query.limit`, …")
    message: str


Errors = Annotated[
    list[FieldError],
    Field(description="The first errors; none if the batch has more than fit into the answer."),
]


class OpenLot(BaseModel):
    """One of the lots that a change of a product could mean."""

    id: str
    date: str | None = Field(description="Its expiryDate. Null means never.")
    quantity: str


class ProblemBody(BaseModel):
    """A problem (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []
    lots: Annotated[
        list[OpenLot],
        Field(description="The open lots, if a change of the product could mean several."),
    ] = []


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return the first of pydantic's errors, without the values sent: one may be a password."""
    return [
        FieldError(
            at=".".join(_short(str(part), MOST_NAME) for part in each["loc"]),
            message=_short(_message(each), MOST_MESSAGE),
        )
        for each in errors[:MOST_ERRORS]
    ]


def sentences(errors: Sequence[FieldError]) -> str:
    """Return the first errors for a person, e.g. "The password needs at least 8 characters."."""
    return " ".join(f"The {_words(error.at)} {error.message}." for error in errors[:MOST_SENTENCES])


def _words(at: str) -> str:
    """Return the name of a field in words: "expiry date" for `body.items.3.expiryDate`."""
    name = next((part for part in reversed(at.split(".")) if not part.isdecimal()), "request")
    if name == "email":
        return "e-mail"  # the word of the page
    return _HUMP.sub(lambda hump: f" {hump[0].lower()}", name)


def _message(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == OWN_WORDS:
        return str(error["msg"])
    if kind == "value_error":
        return str(context["error"])  # validators of ours raise it
    return _MESSAGES.get(kind, _OTHER).format(**context)


def shared_out(errors_of_items: Sequence[Sequence[FieldError]]) -> list[list[FieldError]]:
    """Return as many errors of each item of a batch as the answer has room for.

    The first errors of all items take precedence over any item's second error.
    """
    room = ERROR_BYTES
    kept: list[list[FieldError]] = [[] for _ in errors_of_items]
    for rank in range(max(map(len, errors_of_items), default=0)):
        for errors, shown in zip(errors_of_items, kept, strict=True):
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
