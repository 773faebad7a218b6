"""JSON models of API keys."""

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from useby.domain.api_key import OWN_SCOPES, ApiKey, KeyScope
from useby.schemas.fields import ApiModel, Characters, Form, Id, Moment, RequestModel, example

_NAMES: Final = ", ".join(OWN_SCOPES)
SCOPES_FORM: Final = f'must be a list of one or more of {_NAMES}, e.g. ["notify"]'
SERVICE_SCOPE: Final = (
    "must not have notify:any: only the operator makes service keys, e.g. with useby key add shop"
    " --scope notify:any"
)
EXPIRY_FORM: Final = "must be a later date-time with its offset, e.g. 2027-01-31T12:00:00Z"
KeyName = Annotated[
    str,
    Characters(1, 100, "cron on the server", is_name=True),
    Field(description="Name by which you recognize the key."),
]


class KeyIn(RequestModel):
    """A new key."""

    model_config = example(name="cron on the server", scopes=["notify"])

    name: KeyName
    scopes: Annotated[
        tuple[KeyScope, ...],
        Field(min_length=1, max_length=len(KeyScope), description=f"One or more of {_NAMES}."),
        Form(SCOPES_FORM),
    ]
    expires_at: Annotated[
        AwareDatetime | None,
        Form(EXPIRY_FORM),
        Field(description="End of the key; without it the key works until you delete it."),
    ] = None
    household_id: Annotated[
        Id | None,
        Field(
            description="Household whose products and lots the key may read or change, within its"
            " scopes; without it, the one that requests without `Useby-Household` are about."
        ),
    ] = None

    def faults(self, now: datetime) -> list[tuple[str, str]]:
        """Return the fields that a key cannot have, with the reasons."""
        found = []
        if KeyScope.NOTIFY_ANY in self.scopes:
            found.append(("body.scopes", SERVICE_SCOPE))
        if self.expires_at is not None and self.expires_at <= now:
            found.append(("body.expiresAt", EXPIRY_FORM))
        return found


class KeyOut(ApiModel):
    """A key, without its text."""

    id: str
    name: str
    prefix: Annotated[str, Field(description="Beginning of the key, by which you recognize it.")]
    scopes: tuple[KeyScope, ...]
    created_at: Moment
    expires_at: Moment | None
    last_used_on: Annotated[date | None, Field(description="Day of the last use, in UTC.")]
    household_id: Annotated[
        str | None,
        Field(
            description="The one household whose products and lots the key may read or change,"
            " within its scopes."
        ),
    ]

    @classmethod
    def of(cls, key: ApiKey) -> "KeyOut":
        """Return a stored key in its JSON form."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=key.scopes,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_on=key.used_on,
            household_id=key.household_id,
        )


class NewKeyOut(KeyOut):
    """A new key with its text, which is shown this once."""

    key: Annotated[
        str, Field(description="The key, for `Authorization: Bearer`. Nothing shows it again.")
    ]


class KeyList(ApiModel):
    """The caller's keys, oldest first."""

    items: list[KeyOut]
