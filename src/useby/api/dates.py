"""Route that reads dates as people write them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from useby.api.context import ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.domain.dates import MOST_CHARACTERS, DateOrder, UnreadableDate, read_date
from useby.schemas.dates import DateOut, Day

router = APIRouter(prefix="/api/dates", tags=["products"])


@router.get("", operation_id="readDate", responses=problem_responses(401))
async def read(
    node: ContextDep,
    caller: CurrentCaller,
    text: Annotated[
        str,
        Query(
            description="Text of a person, e.g. `EXP 05/26`, `in 5 days` or `never`.",
            json_schema_extra={"maxLength": MOST_CHARACTERS},  # the reader has its own refusal
        ),
    ],
    order: Annotated[
        DateOrder | None,
        Query(description="Order of day and month where the text leaves it open."),
    ] = None,
    today: Annotated[
        Day | None, Query(description="Present day; by default that of the caller's time zone.")
    ] = None,
) -> DateOut:
    """Read a date. A text that can be read in two ways gives both days, and none is chosen."""
    today = today or node.now().astimezone(caller.user.zone).date()
    try:
        return DateOut.of(read_date(text, today=today, order=order))
    except UnreadableDate as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The text {error}.") from None
