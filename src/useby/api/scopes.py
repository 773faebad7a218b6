"""The one table of what a key may do: each operation, by its ``operationId``, and its scopes.

An operation that needs a token and stands in no row of ``MAY`` is not for keys, whatever their
scopes: so a new route is closed to keys until its row names it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from useby.api.errors import Problem
from useby.auth.claims import Claims
from useby.domain.api_key import KeyScope

MAY: Final[Mapping[KeyScope, tuple[str, ...]]] = {
    KeyScope.NOTIFY: ("postNotification", "postNotifications"),
    KeyScope.LISTEN: (
        *("issueTicket", "listNotifications", "listNotificationItems", "countUnread"),
        *("markRead", "markAllRead"),
    ),
    KeyScope.STOCK_READ: (
        *("listProducts", "getProduct", "listLots", "getLot", "listOpenLots", "countOpenLots"),
        *("countOpenLotsByWeek", "listMovements", "listProductMovements", "scan", "exportStock"),
    ),
    KeyScope.STOCK_WRITE: (
        *("addProduct", "addProducts", "changeProduct", "deleteProduct", "putProduct"),
        *("consumeProduct", "discardProduct", "reopenProduct"),
        *("addLot", "changeLot", "deleteLot", "consumeLot", "discardLot", "openLot"),
        *("freezeLot", "thawLot", "moveLot", "undoMovement", "importProducts"),
    ),
    KeyScope.CALENDAR: ("addCalendar", "listCalendars", "deleteCalendar"),
    KeyScope.NOTIFY_ANY: ("postNotifications", "postToUser"),
}
"""Operations that each scope names."""

NOT_FOR_KEYS: Final = frozenset(
    {
        *("addKey", "listKeys", "deleteKey"),
        *("getMe", "changeMe", "deleteMe", "logout", "logoutAll"),
        *("listSessions", "endSession"),
        *("listAlerts", "listAlertReasons", "snoozeNotification", "deleteNotification"),
        *("listPolicies", "putAccountPolicy", "deleteAccountPolicy", "putPolicy", "deletePolicy"),
        *("putProductPolicy", "deleteProductPolicy", "putLotPolicy", "deleteLotPolicy"),
        *("listLocations", "listCategories", "getStats", "readDate"),
        *("addSamples", "removeSamples"),
        *("putHouseholdPolicy", "deleteHouseholdPolicy"),
        *("listHouseholds", "getHousehold", "changeHousehold", "deleteHousehold"),
        *("listMembers", "getMember", "changeMember", "removeMember"),
        *("addInvitation", "listInvitations", "revokeInvitation", "joinHousehold"),
        *("listChannels", "addChannel", "getChannel", "changeChannel", "deleteChannel"),
        *("testChannel", "listDeliveries"),
    }
)
"""Operations that need a token and that no key may do."""

OPEN: Final = frozenset(
    {
        *("signup", "signupIsOpen", "login", "refresh", "endCookie", "acceptInvitation"),
        *("forgotPassword", "resetPassword"),
        *("getConfig", "getPushKey", "readCalendar", "live", "ready", "metrics"),
        "readInvitation",
    }
)
"""Operations that read no access token, and so no key: what they need is in the request."""

_NEEDED: Final[Mapping[str, tuple[KeyScope, ...]]] = {
    operation: tuple(scope for scope, named in MAY.items() if operation in named)
    for operations in MAY.values()
    for operation in operations
}


def require_scope(claims: Claims, operation: str | None) -> None:
    """Refuse a key whose scopes do not name an operation; any other token may do all.

    Args:
        claims: The claims of the token or the key.
        operation: The ``operationId`` of the route.

    Raises:
        Problem: 403, the detail names the scope that is needed.
    """
    if claims.scopes is None:
        return
    needed = _NEEDED.get(operation or "", ())
    if not needed:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "No key may do this, whatever its scopes: use the access token of a sign-in.",
        )
    if claims.scopes.isdisjoint(needed):
        wanted, own = (", ".join(sorted(each)) for each in (needed, claims.scopes))
        wanted = " or ".join(needed)
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"This key has the scope {own}, and this needs {wanted}: make a key with that scope.",
        )
