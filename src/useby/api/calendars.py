"""Routes of calendars: secret addresses that show a household's dates in a calendar application."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Request, Response

from useby.actions import calendars as actions
from useby.api.context import Context, ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.preconditions import names_tag
from useby.api.proxies import path_prefix
from useby.api.stock_caller import CurrentStock
from useby.auth.rate_limits import network_of
from useby.domain.calendar import MAX_CALENDARS, MAX_EVENTS, CalendarEvent, TooManyCalendars
from useby.schemas.calendars import CalendarList, CalendarOut, NewCalendarOut
from useby.schemas.fields import Id
from useby.store.notifications import UnknownUser

router = APIRouter(prefix="/api/calendars", tags=["calendars"])

MEDIA_TYPE: Final = "text/calendar"
FULL: Final = (
    f"The account has {MAX_CALENDARS} calendars, and there cannot be more. Delete one first."
)
WAIT_SECONDS: Final = 10.0
"""Time for which a request waits until the calendars before it are rendered."""


@router.post(
    "",
    operation_id="addCalendar",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 409),
)
async def add_calendar(
    node: ContextDep, caller: CurrentStock, request: Request, response: Response
) -> NewCalendarOut:
    """Create a calendar; anybody who has its address can read the dates, until it is deleted."""
    now = node.now()
    try:
        calendar_id, secret = await node.database.write(
            lambda t: actions.create(t, caller.actor, now)
        )
    except TooManyCalendars:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    response.headers["Cache-Control"] = "no-store"
    prefix = path_prefix(request.scope, node.settings)
    origin = f"{request.url.scheme}://{request.url.netloc}"
    return NewCalendarOut(id=calendar_id, url=f"{origin}{prefix}{router.prefix}/{secret}.ics")


@router.get("", operation_id="listCalendars", responses=problem_responses(401))
async def list_calendars(node: ContextDep, caller: CurrentStock) -> CalendarList:
    """List the caller's calendars, without their addresses."""
    found = await node.database.read(lambda c: actions.of_member(c, caller.actor))
    return CalendarList(
        items=[CalendarOut(id=each.id, created_at=each.created_at) for each in found]
    )


@router.delete(
    "/{calendar_id}",
    operation_id="deleteCalendar",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_calendar(node: ContextDep, caller: CurrentStock, calendar_id: Id) -> None:
    """Delete a calendar: its address stops working at once."""
    household, member = caller.stock.id, caller.user.id
    if not await node.database.write(lambda t: actions.delete(t, household, member, calendar_id)):
        raise Problem.not_found("calendar")


Secret = Annotated[str, Path(description="The last part of the address, before `.ics`.")]


@router.head("/{secret}.ics", include_in_schema=False)
@router.get(
    "/{secret}.ics",
    operation_id="readCalendar",
    response_class=Response,
    responses={
        **problem_responses(404, 429),
        200: {
            "description": "The calendar, as iCalendar (RFC 5545).",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        304: {"description": "The calendar still has the entity tag of `If-None-Match`."},
    },
    description=f"Return the dates of the open lots; at most {MAX_EVENTS:,} events, the soonest."
    " The address is the permission, so this needs no token.",
)
async def read_calendar(
    node: ContextDep,
    request: Request,
    secret: Secret,
    if_none_match: Annotated[
        str | None, Header(description="Entity tags; the calendar is sent if it has another one.")
    ] = None,
) -> Response:
    """Return the calendar of a secret address."""
    events = await _events(node, request, secret)
    tag = await asyncio.to_thread(actions.entity_tag, events)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    # Several lines of the header are one list.
    if if_none_match is not None and names_tag(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await node.calendars.acquire()
    except TimeoutError:
        raise Problem.unavailable("Too many calendars at once.", WAIT_SECONDS) from None
    try:
        body = await asyncio.to_thread(_render, events)
    finally:
        node.calendars.release()
    return Response(body, headers=headers, media_type=f"{MEDIA_TYPE}; charset=utf-8")


async def _events(node: Context, request: Request, secret: str) -> list[CalendarEvent]:
    """Return the events of a calendar.

    Only addresses that open nothing are counted against their senders: a provider reads the
    calendars of many households from one network.
    """
    try:
        events = await actions.events(node.database, secret, node.now())
    except UnknownUser:  # deleted a moment ago
        raise Problem.not_found("calendar") from None
    if events is not None:
        return events
    wait = node.rates.hit("calendar", network_of(request.client.host if request.client else ""))
    if wait is not None:
        raise Problem.too_many(wait)
    raise Problem.not_found("calendar")


def _render(events: list[CalendarEvent]) -> bytes:
    from useby.schemas import calendar_file  # noqa: PLC0415 - see there

    return calendar_file.render(events)
