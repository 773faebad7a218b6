"""Query parameters of lists that are answered by page."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Query

from useby.api.errors import Problem
from useby.schemas.fields import Text

Cursor = Annotated[
    Text | None, Query(max_length=512, description="`nextCursor` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="Maximum number of items.")]


def bad_cursor() -> Problem:
    """Return a 422: the cursor was not made by this list."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is not one of this list.")
