"""REST client of the policies that decide when alerts are sent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Unpack

from useby.client.params import PolicyFields, PolicyScope
from useby.client.rest import RestClient, part
from useby.client.shape import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Shape):
    """Repeats of the alert on expiry."""

    every: str
    """An ISO 8601 duration in whole days, e.g. ``P3D``."""
    most: int
    """Number of repeats after the first alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Shape):
    """A policy; a field that is ``None`` is that of the next wider scope."""

    scope: str
    """``lot``, ``product``, ``category``, ``location``, ``dateKind`` or ``account``."""
    key: str | None = None
    """Id of the lot or product, name, or kind of date; ``None`` for the account."""
    leads: tuple[str, ...] | None = None
    """Times before the date, e.g. ``7d``, ``24h`` or ``15%``."""
    alert_time: str | None = None
    on_expiry: bool | None = None
    repeat: Repeat | None = None
    muted: bool | str | None = None
    """``True``, or the time until which nothing is sent."""


class Policies:
    """Policies of one user, as ``Api.policies``."""

    def __init__(self, rest: RestClient) -> None:
        """Create the client of policies; ``Api`` does."""
        self._rest = rest

    async def all(self, *, limit: int = 100) -> AsyncIterator[Policy]:
        """Iterate over the policies, the widest scope first, fetching page by page.

        Args:
            limit: Policies per page, at most 500.
        """
        async for item in self._rest.pages("/policies", {"limit": limit}):
            yield Policy.of(item)

    async def put(
        self, scope: PolicyScope, key: str | None = None, **fields: Unpack[PolicyFields]
    ) -> Policy:
        """Set all fields of a policy; those left out are those of the next wider scope.

        Args:
            scope: Scope of the policy.
            key: Id of the lot or product, name of the category or location, or kind of date;
                ``None`` for the account.
            fields: The fields.

        Raises:
            NotFound: There is no such lot or product.
            Conflict: There are policies for 100 names of this scope already.
        """
        return Policy.of(await self._rest.request("PUT", _path(scope, key), fields))

    async def delete(self, scope: PolicyScope, key: str | None = None) -> None:
        """Delete a policy: that of the next wider scope counts."""
        await self._rest.request("DELETE", _path(scope, key))


def _path(scope: str, key: str | None) -> str:
    return f"/policies/{part(scope)}" + ("" if key is None else f"/{part(key)}")
