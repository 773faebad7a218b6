"""Receive a file: as the body itself, or in the field ``file`` of a form.

The form is parsed as it arrives and never written to a disk. ``RequestGuard`` limits the size of
the body (``bodies.IMPORT_MOST``).
"""

from http import HTTPStatus
from typing import Final

from fastapi import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from useby.api.errors import Problem

FIELD: Final = "file"
MOST_FIELDS: Final = 16
"""Maximum fields of a form."""


async def file_of(request: Request) -> bytes:
    """Return the file of a request.

    Raises:
        Problem: 422, the form is damaged or has not exactly one file.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data":
        received = bytearray()
        async for piece in request.stream():
            received += piece
        return bytes(received)
    try:
        return await _field(request, options.get("boundary", ""))
    except (MultipartError, ValueError):
        raise _refusal() from None


async def _field(request: Request, boundary: str) -> bytes:
    """Return the contents of the field ``file`` of a form.

    Raises:
        Problem: 422, there is no such field, or there are two.
        MultipartError: The form is damaged.
    """
    if not boundary:
        raise _refusal()
    received: bytearray | None = None
    is_file = False
    with PushMultipartParser(boundary, max_segment_count=MOST_FIELDS) as parser:
        async for piece in request.stream():
            for event in parser.parse(piece) if piece else ():
                if isinstance(event, MultipartSegment):
                    is_file = event.name == FIELD
                    if is_file and received is not None:
                        raise _refusal()
                    received = bytearray() if is_file else received
                elif event and is_file and received is not None:
                    received += event
    if received is None:
        raise _refusal()
    return bytes(received)


def _refusal() -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The form must have one file, in the field `{FIELD}`, e.g. curl -F {FIELD}=@fridge.csv.",
    )
