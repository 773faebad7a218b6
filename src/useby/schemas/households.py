"""JSON models of households, their members and invitations."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field

from useby.domain.household import Household, HouseholdChange, Invitation, Member, Role
from useby.schemas.accounts import Currency
from useby.schemas.fields import ApiModel, Form, LongText, Moment, RequestModel, TimeZone, example

_ROLES: Final = ", ".join(Role)
ROLE_FORM: Final = f'must be one of {_ROLES}, e.g. "editor"'
GivenRole = Annotated[
    Role,
    Form(ROLE_FORM),
    Field(
        description="`owner` may do everything; `editor` may not change the household and its"
        " members; `kiosk` only takes, opens and undoes that on the same day; `viewer` only sees."
    ),
]


class HouseholdOut(ApiModel):
    """A household as one of its members sees it."""

    id: str
    name: Annotated[
        str, Field(description="Its name, or that of its founder; empty if neither has one.")
    ]
    role: Annotated[Role, Field(description="Role of the caller.")]
    time_zone: Annotated[str, Field(description="Zone of its dates.")]
    currency: Annotated[str | None, Field(description="Currency of prices; null until it is set.")]
    read_settles_all: Annotated[
        bool,
        Field(
            description="Whether an alert that one member reads is read for all.",
        ),
    ]

    @classmethod
    def of(cls, its: Household, role: Role) -> "HouseholdOut":
        """Return a household, with the values that count now, in its JSON form."""
        return cls(
            id=its.id,
            name=its.name,
            role=role,
            time_zone=its.time_zone or "UTC",
            currency=its.currency,
            read_settles_all=its.reads_settle_all,
        )


class HouseholdList(ApiModel):
    """The caller's households; requests without a household are about the first one."""

    items: list[HouseholdOut]
    next_cursor: None = None


class HouseholdIn(RequestModel):
    """Changes of a household; a field that is left out or null stays as it is."""

    model_config = example(name="Our kitchen", timeZone="Europe/Berlin")

    name: LongText | None = None
    time_zone: TimeZone | None = None
    currency: Currency | None = None
    read_settles_all: Annotated[
        bool | None,
        Field(
            strict=True,
            description="Whether an alert that one member reads is read for all.",
        ),
        Form("must be true or false, e.g. true"),
    ] = None

    @property
    def change(self) -> HouseholdChange:
        """The change of the household."""
        return HouseholdChange(
            name=self.name,
            time_zone=self.time_zone,
            currency=self.currency,
            reads_settle_all=self.read_settles_all,
        )


class MemberOut(ApiModel):
    """A member of a household."""

    user_id: str
    name: str
    email: Annotated[str | None, Field(description="Only owners see it, and the member.")]
    role: Role
    joined_at: Moment

    @classmethod
    def of(cls, member: Member, name: str, email: str | None) -> "MemberOut":
        """Return a member in its JSON form."""
        return cls(
            user_id=member.user_id,
            name=name,
            email=email,
            role=member.role,
            joined_at=member.joined_at.astimezone(UTC),
        )


class MemberList(ApiModel):
    """The members of a household, by the time at which they joined."""

    items: list[MemberOut]
    next_cursor: None = None


class RoleIn(RequestModel):
    """The role of a member, or of an invitation."""

    model_config = example(role="editor")

    role: GivenRole


class InvitationOut(ApiModel):
    """An unused invitation, without its token."""

    id: str
    role: Role
    created_by: Annotated[str, Field(description="Id of the member who made it.")]
    created_at: Moment
    expires_at: Moment

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOut":
        """Return an invitation in its JSON form."""
        return cls(
            id=invitation.id,
            role=invitation.role,
            created_by=invitation.created_by,
            created_at=_utc(invitation.created_at),
            expires_at=_utc(invitation.expires_at),
        )


class NewInvitationOut(InvitationOut):
    """A new invitation with its token, which is shown this once."""

    token: Annotated[str, Field(description="A person who has it can become a member, once.")]
    url: Annotated[str, Field(description="Address of the page that accepts it: a link to send.")]


class InvitationList(ApiModel):
    """The unused invitations of a household, oldest first."""

    items: list[InvitationOut]
    next_cursor: None = None


class InvitedOut(ApiModel):
    """What an invitation is for."""

    household: Annotated[str, Field(description="Name of the household; empty if it has none.")]
    role: Role
    expires_at: Moment

    @classmethod
    def of(cls, invitation: Invitation, its: Household) -> "InvitedOut":
        """Return what anybody with the token sees."""
        return cls(household=its.name, role=invitation.role, expires_at=_utc(invitation.expires_at))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
