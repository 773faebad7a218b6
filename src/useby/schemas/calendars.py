"""JSON models of calendars."""

from typing import Annotated

from pydantic import Field

from useby.schemas.fields import ApiModel, Moment


class NewCalendarOut(ApiModel):
    """A new calendar with its secret address, which is shown this once."""

    id: str
    url: Annotated[
        str, Field(description="Address to subscribe to. It needs no token: keep it secret.")
    ]


class CalendarOut(ApiModel):
    """A calendar, without its secret address."""

    id: str
    created_at: Moment


class CalendarList(ApiModel):
    """The caller's calendars, oldest first."""

    items: list[CalendarOut]
