"""JSON models of sign-ins."""

import datetime as dt
from typing import Annotated, Self

from pydantic import Field

from useby.domain.account import OpenSession, User
from useby.schemas.fields import ApiModel, Moment


class SessionOut(ApiModel):
    """A sign-in of the caller."""

    id: str
    created_at: Moment
    last_used_on: Annotated[
        dt.date,
        Field(description="Day in the account's time zone on which its tokens were last renewed."),
    ]
    expires_at: Annotated[Moment, Field(description="It ends then unless it is used before.")]
    program: Annotated[
        str | None,
        Field(description="Browser or program that signed in; null if it did not name itself."),
    ]
    system: Annotated[
        str | None, Field(description="Its operating system or device; null if unknown.")
    ]
    current: Annotated[bool, Field(description="True for the sign-in of this request.")]

    @classmethod
    def of(cls, session: OpenSession, user: User, current: str | None) -> Self:
        """Return a sign-in as its owner sees it; ``current`` is the id of the request's own."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_on=session.used_at.astimezone(user.zone).date(),
            expires_at=session.expires_at,
            program=session.client.program,
            system=session.client.system,
            current=session.id == current,
        )


class SessionPage(ApiModel):
    """A page of sign-ins, and the cursor of the next page if there is one."""

    items: list[SessionOut]
    next_cursor: str | None
