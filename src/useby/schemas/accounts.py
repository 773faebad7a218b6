"""JSON models of accounts, sign-ins and tokens, for requests and answers."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints

from useby.domain.account import User
from useby.schemas.fields import (
    ApiModel,
    Email,
    LeadDays,
    Moment,
    Password,
    ShortText,
    Text,
    TimeOfDay,
    TimeZone,
)

RefreshText = Annotated[Text, StringConstraints(min_length=1, max_length=128)]
GivenPassword = Annotated[
    Text,
    StringConstraints(max_length=200),
    Field(json_schema_extra={"format": "password"}),
]
MOST_CATEGORIES: Final = 100
CategoryName = Annotated[ShortText, StringConstraints(min_length=1)]


class SignupIn(ApiModel):
    """A new account."""

    email: Email
    password: Password
    name: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    time_zone: TimeZone = "UTC"


class InvitationIn(ApiModel):
    """An invitation that an operator created, and the new password."""

    invitation: Annotated[Text, StringConstraints(min_length=1, max_length=512)]
    password: Password


class SignupAccepted(ApiModel):
    """The same answer for every e-mail, free or taken."""

    detail: str


class SignupOut(ApiModel):
    """State of sign-up on this server."""

    open: bool


class LoginIn(ApiModel):
    """An e-mail and its password."""

    email: Email
    password: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    refresh_token: Annotated[
        RefreshText | None,
        Field(
            description="A good refresh token of the account, if the device still has one. It shows"
            " that the device is a known one, whose attempts are counted apart; it is not spent."
        ),
    ] = None


class RefreshIn(ApiModel):
    """A refresh token to spend, or of the sign-in to end."""

    refresh_token: RefreshText


class TokensOut(ApiModel):
    """Tokens of one sign-in."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a type
    expires_in: Annotated[int, Field(description="Seconds until the access token ends.")]


class TicketOut(ApiModel):
    """A ticket to use once as `access_token` in the WebSocket's URL."""

    ticket: str
    expires_in: Annotated[int, Field(description="Seconds.")]


class CategoryPolicy(ApiModel):
    """Lead days and time of day of the alerts of one category."""

    lead_days: LeadDays
    alert_time: TimeOfDay = "09:00"


class MeOut(ApiModel):
    """The account."""

    id: str
    email: str | None
    name: str
    time_zone: str
    alert_time: str
    lead_days: list[int]
    categories: dict[str, CategoryPolicy]
    created_at: Moment

    @classmethod
    def of(cls, user: User) -> "MeOut":
        """Return the account as its owner sees it."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            time_zone=user.time_zone,
            alert_time=user.policy.alert_time.isoformat("minutes"),
            lead_days=list(user.policy.lead_days),
            categories={
                name: CategoryPolicy(
                    lead_days=list(policy.lead_days),
                    alert_time=policy.alert_time.isoformat("minutes"),
                )
                for name, policy in user.categories.items()
            },
            created_at=user.created_at,
        )


def _not_too_many(value: Any) -> Any:
    # This runs before the members are validated; pydantic checks their number only afterwards.
    if isinstance(value, dict) and len(value) > MOST_CATEGORIES:
        raise ValueError(f"there are at most {MOST_CATEGORIES} categories")
    return value


class MeChange(ApiModel):
    """Changes of the account; a field that is left out or null stays as it is."""

    name: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)] | None = None
    time_zone: TimeZone | None = None
    alert_time: TimeOfDay | None = None
    lead_days: LeadDays | None = None
    categories: Annotated[
        dict[CategoryName, CategoryPolicy] | None,
        BeforeValidator(_not_too_many),
        Field(
            max_length=MOST_CATEGORIES,
            description="By category; replaces all that were set before.",
        ),
    ] = None
    password: Password | None = None
    current_password: Annotated[
        GivenPassword | None, Field(description="Wanted to change the password.")
    ] = None


class DeleteAccountIn(ApiModel):
    """The password, required if the account has one."""

    password: GivenPassword = ""
