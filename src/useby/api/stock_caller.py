"""The household that a request is about, and what the caller's role in it allows.

Without the header and the parameter it is the caller's own household, which costs a caller who
shares nothing no query. A key is for one household, and any other is for it as one that does
not exist. The role is checked here and again in the transaction that writes
(``inventory.lock_owner``), because it may have been taken in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request

from useby.actions import households as actions
from useby.api.context import Caller, Context, ContextDep, CurrentCaller
from useby.api.errors import Problem
from useby.auth.tokens import Claims
from useby.domain.account import User
from useby.domain.household import Actor, Deed, Role, SharedStock, UnknownHousehold, require

HEADER: Final = "Useby-Household"
DEEDS: Final[Mapping[Deed, tuple[str, ...]]] = {
    Deed.SEE: (
        *("listProducts", "getProduct", "listLots", "getLot", "listOpenLots", "countOpenLots"),
        *("countOpenLotsByWeek", "listMovements", "listProductMovements", "scan", "exportStock"),
        *("listLocations", "listCategories", "getStats", "listAlerts"),
        *("addCalendar", "listCalendars", "deleteCalendar"),
        *("listPolicies", "putProductPolicy", "deleteProductPolicy"),
        *("putLotPolicy", "deleteLotPolicy"),
    ),
    Deed.USE: ("consumeProduct", "discardProduct", "consumeLot", "discardLot", "openLot"),
    Deed.UNDO: ("undoMovement",),
    Deed.CHANGE: (
        *("addProduct", "addProducts", "changeProduct", "deleteProduct", "putProduct"),
        *("reopenProduct", "addLot", "changeLot", "deleteLot", "freezeLot", "thawLot", "moveLot"),
        *("importProducts", "addSamples", "removeSamples"),
    ),
    Deed.SET_POLICY: ("putHouseholdPolicy", "deleteHouseholdPolicy"),
}
"""Operations about a household, by what they do; ``domain.household.MAY`` has what a role may."""

_DEED_OF: Final = {name: deed for deed, names in DEEDS.items() for name in names}

TWO_NAMED: Final = (
    f"The header {HEADER} and the parameter household name two households: send one of them."
)


@dataclass(frozen=True, slots=True)
class StockCaller(Caller):
    """A caller, and the household that the request is about."""

    stock: User
    """Owner of the household's stock; the caller's own account if it shares nothing."""
    role: Role
    actor: Actor


async def stock_caller_of(
    node: ContextDep,
    caller: CurrentCaller,
    request: Request,
    named: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="Id of the household that the request is about; without it, the caller's"
            " own, or that of the key.",
        ),
    ] = None,
    household: Annotated[
        str | None, Query(description=f"The same as the header `{HEADER}`.")
    ] = None,
) -> StockCaller:
    """Return the caller with the household of the request.

    Raises:
        Problem: 422, the request names two households.
        UnknownHousehold: The caller is no member of the household, or has a key of another one.
        NotAllowed: The caller's role does not allow the request.
    """
    if named is not None and household is not None and named != household:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, TWO_NAMED)
    deed = _DEED_OF[getattr(request.scope.get("route"), "operation_id", "")]
    wanted = _within(caller.claims, household if named is None else named)
    stock, role = await _stock_of(node, caller.user, wanted)
    require(role, deed)
    actor = Actor(caller.user.id, stock.id, deed, isinstance(stock, SharedStock))
    return StockCaller(caller.user, caller.claims, stock, role, actor)


def _within(claims: Claims, household_id: str | None) -> str | None:
    """Return the household that a request names, or that of the caller's key, if it is a key.

    Raises:
        UnknownHousehold: The key is for another household.
    """
    if claims.household_id is None:
        return household_id
    if household_id not in (None, claims.household_id):
        raise UnknownHousehold(household_id)
    return claims.household_id


async def _stock_of(node: Context, user: User, household_id: str | None) -> tuple[User, Role]:
    if household_id in (None, user.id) and not user.shares:
        return user, Role.OWNER
    return await node.database.read(lambda c: actions.stock_of(c, user, household_id))


CurrentStock = Annotated[StockCaller, Depends(stock_caller_of)]
"""Caller with the household of the request."""


def is_named(request: Request) -> bool:
    """Return whether a request names its household."""
    return HEADER in request.headers or "household" in request.query_params
