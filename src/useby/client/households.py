"""REST client of households, their members and the invitations into them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict, Unpack

from useby.client.rest import RestClient, part
from useby.client.shape import Shape

Role = Literal["owner", "editor", "kiosk", "viewer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Household(Shape):
    """A household as one of its members sees it."""

    id: str
    name: str
    role: str
    """Role of the user of this client."""
    time_zone: str
    """Zone of its dates."""
    read_settles_all: bool
    """Whether an alert that one member reads is read for all."""
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Shape):
    """A member of a household."""

    user_id: str
    name: str
    role: str
    joined_at: datetime
    email: str | None = None
    """Only owners see it, and the member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdInvitation(Shape):
    """An unused invitation into a household."""

    id: str
    role: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    token: str | None = None
    """The token; only in the answer that creates the invitation."""
    url: str | None = None
    """Address of the page that accepts it; only in the answer that creates it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited(Shape):
    """What an invitation is for."""

    household: str
    """Name of the household."""
    role: str
    expires_at: datetime


class HouseholdChange(TypedDict, total=False):
    """New settings of a household."""

    name: str
    time_zone: str
    currency: str
    read_settles_all: bool


class Households:
    """Households of one user, as ``Api.households``."""

    def __init__(self, rest: RestClient) -> None:
        """Create the client of households; ``Api`` does."""
        self._rest = rest

    def use(self, household_id: str | None) -> None:
        """Let requests about stock from now on be about a household.

        Args:
            household_id: The household; ``None`` for the user's own.
        """
        self._rest.household = household_id

    async def all(self) -> list[Household]:
        """Return the user's households; requests are about the first one until ``use``."""
        answer = await self._rest.request("GET", "/households")
        return [Household.of(each) for each in answer["items"]]

    async def get(self, household_id: str) -> Household:
        """Return a household."""
        return Household.of(await self._rest.request("GET", _path(household_id)))

    async def change(self, household_id: str, **change: Unpack[HouseholdChange]) -> Household:
        """Change the given settings of a household; only an owner may."""
        return Household.of(await self._rest.request("PATCH", _path(household_id), change))

    async def delete(self, household_id: str) -> None:
        """Delete a household with its stock; only an owner may."""
        await self._rest.request("DELETE", _path(household_id))

    async def members(self, household_id: str) -> list[Member]:
        """Return the members of a household, by the time at which they joined."""
        answer = await self._rest.request("GET", f"{_path(household_id)}/members")
        return [Member.of(each) for each in answer["items"]]

    async def set_role(self, household_id: str, user_id: str, role: Role) -> Member:
        """Change the role of a member; only an owner may.

        Raises:
            Conflict: The household would have no owner any more.
        """
        path = f"{_path(household_id)}/members/{part(user_id)}"
        return Member.of(await self._rest.request("PATCH", path, {"role": role}))

    async def remove(self, household_id: str, user_id: str) -> None:
        """Remove a member, or leave.

        Raises:
            Conflict: The household would have no owner any more.
        """
        await self._rest.request("DELETE", f"{_path(household_id)}/members/{part(user_id)}")

    async def invite(self, household_id: str, role: Role) -> HouseholdInvitation:
        """Create an invitation, which one person can accept within 7 days; only an owner may."""
        path = f"{_path(household_id)}/invitations"
        return HouseholdInvitation.of(await self._rest.request("POST", path, {"role": role}))

    async def invitations(self, household_id: str) -> list[HouseholdInvitation]:
        """Return the unused invitations of a household, without their tokens."""
        answer = await self._rest.request("GET", f"{_path(household_id)}/invitations")
        return [HouseholdInvitation.of(each) for each in answer["items"]]

    async def revoke(self, household_id: str, invitation_id: str) -> None:
        """Revoke an unused invitation."""
        path = f"{_path(household_id)}/invitations/{part(invitation_id)}"
        await self._rest.request("DELETE", path)

    async def invited(self, token: str) -> Invited:
        """Return what the invitation of a token is for."""
        return Invited.of(await self._rest.request("GET", f"/invitations/{part(token)}"))

    async def accept(self, token: str) -> Household:
        """Become a member by an invitation.

        Raises:
            NotFound: The invitation was used or revoked, or has expired.
            Conflict: The user is a member already, or the household is full.
        """
        path = f"/invitations/{part(token)}/accept"
        return Household.of(await self._rest.request("POST", path))


def _path(household_id: str) -> str:
    return f"/households/{part(household_id)}"
