"""JSON models of accounts, sign-ins and tokens, for requests and answers."""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from useby.domain.account import MOST_FLOOD_CAP, User
from useby.domain.currency import CURRENCIES
from useby.domain.quiet import NOT_DEFERRED
from useby.schemas.deferral import DigestFields, QuietHours, QuietWindowFields
from useby.schemas.fields import (
    ApiModel,
    Characters,
    Email,
    Form,
    LeadDays,
    LongText,
    Moment,
    Password,
    RequestModel,
    TimeOfDay,
    TimeZone,
    example,
)
from useby.text.language import LANGUAGE_FORM, canonical

RefreshText = Annotated[str, Characters(1, 128, "the newest that was returned", strip=False)]
InvitationText = Annotated[
    str, Characters(1, 512, "the last part of the link that was sent to you", strip=False)
]
ResetText = Annotated[str, Characters(1, 512, "the last part of the link in the mail", strip=False)]
LoginPassword = Annotated[str, Characters(1, 200, "that of the sign-up", strip=False)]
GivenPassword = Annotated[
    str,
    Characters(0, 200, "that of the sign-up", strip=False),
    Field(json_schema_extra={"format": "password"}),
]
CURRENCY_MESSAGE: Final = "must be the ISO 4217 code of a currency, e.g. EUR"


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(CURRENCY_MESSAGE)
    return code


Currency = Annotated[
    str,
    Form(CURRENCY_MESSAGE),
    AfterValidator(_currency),
    Field(description="Code of ISO 4217, in capitals.", examples=["EUR"]),
]
FloodCap = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_FLOOD_CAP,
        strict=True,
        description="Alerts that may be due together; more become one notification.",
    ),
    Form(f"must be a whole number from 1 to {MOST_FLOOD_CAP}, e.g. 5"),
]
Language = Annotated[
    str,
    Form(LANGUAGE_FORM),
    AfterValidator(canonical),
    Field(description="Language of messages, a tag of BCP 47.", examples=["de"]),
]
MOST_CATEGORIES: Final = 100
CategoryName = Annotated[str, Characters(1, 100, "Dairy", is_name=True)]


ADA: Final = {"email": "ada@useby.example", "password": "four words that nobody else would combine"}
"""Example of an account."""


class SignupIn(RequestModel):
    """A new account; without `timeZone`, the zone is `UTC`."""

    model_config = example(**ADA, timeZone="Europe/Berlin")

    email: Email
    password: Password
    name: LongText = ""
    time_zone: TimeZone = "UTC"


class InvitationIn(RequestModel):
    """An invitation that an operator created, and the new password."""

    invitation: InvitationText
    password: Password


class ForgotIn(RequestModel):
    """The e-mail of the account whose password is forgotten."""

    model_config = example(email=ADA["email"])

    email: Email


class ForgotAccepted(ApiModel):
    """The same answer for every e-mail, with an account or without."""

    detail: str


class ResetIn(RequestModel):
    """The token of the link in the mail, and the new password."""

    token: ResetText
    password: Password


class SignupAccepted(ApiModel):
    """The same answer for every e-mail, free or taken."""

    detail: str


class SignupOut(ApiModel):
    """State of sign-up on this server."""

    open: bool


class LoginIn(RequestModel):
    """An e-mail and its password."""

    model_config = example(**ADA)

    email: Email
    password: LoginPassword
    refresh_token: Annotated[
        RefreshText | None,
        Field(
            description="A valid refresh token of the account, if the device has one. Attempts of a"
            " device that has signed in before are counted separately. The token is not spent."
        ),
    ] = None
    cookie: Annotated[
        bool,
        Field(description="True on the node's own page: a cookie holds the refresh token."),
    ] = False


class RefreshIn(RequestModel):
    """A refresh token, to end its sign-in."""

    refresh_token: RefreshText


class ExchangeIn(RequestModel):
    """A refresh token to exchange, or `cookie` on the node's own page, whose cookie has it."""

    refresh_token: RefreshText | None = None
    cookie: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.refresh_token is None) is not self.cookie:
            raise ValueError("must have either a refreshToken or a cookie that is true")
        return self


class TokensOut(ApiModel):
    """Tokens of one sign-in."""

    access_token: str
    refresh_token: Annotated[
        str | None,
        Field(
            exclude_if=lambda token: token is None,
            description="Left out if a cookie holds it.",
        ),
    ]
    token_type: str = "Bearer"  # noqa: S105 - the name of a type
    expires_in: Annotated[int, Field(description="Seconds until the access token expires.")]


class TicketOut(ApiModel):
    """A ticket to use once as `access_token` in the WebSocket's URL."""

    ticket: str
    expires_in: Annotated[int, Field(description="Seconds until the ticket expires.")]


class CategoryPolicy(RequestModel):
    """Lead days and time of day of the alerts of one category; without a time, `09:00`."""

    lead_days: LeadDays
    alert_time: TimeOfDay = "09:00"


class MeOut(ApiModel):
    """The account."""

    id: str
    email: str | None
    name: str
    time_zone: str
    alert_time: str
    lead_days: tuple[int, ...]
    categories: dict[str, CategoryPolicy]
    created_at: Moment
    currency: Annotated[str | None, Field(description="Currency of prices; null until it is set.")]
    flood_cap: Annotated[
        int, Field(description="Alerts that may be due together; more become one notification.")
    ]
    quiet_hours: Annotated[
        tuple[QuietWindowFields, ...],
        Field(description="Windows of the week in which alerts are not sent."),
    ]
    urgent_passes_quiet_hours: Annotated[
        bool, Field(description="Whether alerts of severity `error` are sent in quiet hours, too.")
    ]
    digest: DigestFields

    language: Annotated[
        str | None,
        Field(description="Language of messages (BCP 47); null until it is set, then English."),
    ]

    @classmethod
    def of(cls, user: User) -> "MeOut":
        """Return the account as its owner sees it."""
        deferral = user.deferral or NOT_DEFERRED
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            time_zone=user.time_zone,
            alert_time=user.policy.alert_time.isoformat("minutes"),
            lead_days=user.policy.lead_days,
            categories={
                name: CategoryPolicy(
                    lead_days=policy.lead_days,
                    alert_time=policy.alert_time.isoformat("minutes"),
                )
                for name, policy in user.categories.items()
            },
            created_at=user.created_at,
            currency=user.currency,
            flood_cap=user.flood_cap,
            language=user.language,
            quiet_hours=tuple(map(QuietWindowFields.of, deferral.quiet_hours)),
            urgent_passes_quiet_hours=deferral.urgent_passes,
            digest=DigestFields.of(deferral.digest),
        )


def _not_too_many(value: Any) -> Any:
    # This runs before the members are validated; pydantic checks their number only afterwards.
    if isinstance(value, dict) and len(value) > MOST_CATEGORIES:
        raise ValueError(f"must have at most {MOST_CATEGORIES} categories")
    return value


Categories = Annotated[
    dict[CategoryName, CategoryPolicy],
    Field(max_length=MOST_CATEGORIES),
    BeforeValidator(_not_too_many),
]


class MeChange(RequestModel):
    """Changes of the account; a field that is left out or null stays as it is."""

    model_config = example(timeZone="Europe/Berlin", alertTime="08:30", leadDays=[7, 2, 0])

    name: LongText | None = None
    time_zone: TimeZone | None = None
    alert_time: TimeOfDay | None = None
    lead_days: LeadDays | None = None
    categories: Annotated[
        Categories | None,
        Field(description="Policies by category; they replace all earlier ones."),
    ] = None
    currency: Annotated[
        Currency | None, Field(description="Currency of prices, a code of ISO 4217, in capitals.")
    ] = None
    flood_cap: FloodCap | None = None
    language: Annotated[
        Language | None,
        Field(description="Language of messages from now on, a tag of BCP 47."),
    ] = None
    quiet_hours: Annotated[
        QuietHours | None,
        Field(description="Windows of the week without alerts; they replace all earlier ones."),
    ] = None
    urgent_passes_quiet_hours: Annotated[
        bool | None,
        Field(
            strict=True,
            description="Whether alerts of severity `error` are sent in quiet hours, too.",
        ),
        Form("must be true or false, e.g. true"),
    ] = None
    digest: DigestFields | None = None
    password: Password | None = None
    current_password: Annotated[
        GivenPassword | None, Field(description="Required to change the password.")
    ] = None


class DeleteAccountIn(RequestModel):
    """The password, required if the account has one."""

    password: GivenPassword = ""
