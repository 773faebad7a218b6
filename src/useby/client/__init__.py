"""Python client: notifications of one user over the WebSocket, everything else over REST.

The package imports nothing of the server, and only ``cli`` of the server imports the package. It
needs websockets and httpx. ``docs/reference/clients.md`` specifies it and the JavaScript client.
"""

from useby.client.api import Api
from useby.client.blocking import SyncRunner
from useby.client.cursor import Cursor, FileCursor, MemoryCursor
from useby.client.errors import (
    ApiError,
    Conflict,
    ConnectionRejected,
    Error,
    FlushInterrupted,
    Forbidden,
    Invalid,
    NoResponse,
    NotFound,
    NotSignedIn,
    PreconditionFailed,
    TooMany,
    Unauthorized,
    Unavailable,
)
from useby.client.events import (
    Event,
    Notification,
    ProductChanged,
    Read,
    State,
    SummaryItem,
)
from useby.client.households import Household, HouseholdInvitation, Invited, Member
from useby.client.models import Account, Lot, Movement, Outcome, Product, StoredProduct, Tokens
from useby.client.notifications import Notifications
from useby.client.params import (
    AccountChange,
    LotChange,
    NewLot,
    NewNotification,
    NewProduct,
    PolicyFields,
    ProductChange,
    ProductPut,
)
from useby.client.policies import Policy, Repeat
from useby.client.reports import Calendar, ComingAlert, DateReading, ImportReport, Scan, Stats
from useby.client.timing import Timing

__all__ = [
    "Account",
    "AccountChange",
    "Api",
    "ApiError",
    "Calendar",
    "ComingAlert",
    "Conflict",
    "ConnectionRejected",
    "Cursor",
    "DateReading",
    "Error",
    "Event",
    "FileCursor",
    "FlushInterrupted",
    "Forbidden",
    "Household",
    "HouseholdInvitation",
    "ImportReport",
    "Invalid",
    "Invited",
    "Lot",
    "LotChange",
    "Member",
    "MemoryCursor",
    "Movement",
    "NewLot",
    "NewNotification",
    "NewProduct",
    "NoResponse",
    "NotFound",
    "NotSignedIn",
    "Notification",
    "Notifications",
    "Outcome",
    "Policy",
    "PolicyFields",
    "PreconditionFailed",
    "Product",
    "ProductChange",
    "ProductChanged",
    "ProductPut",
    "Read",
    "Repeat",
    "Scan",
    "State",
    "Stats",
    "StoredProduct",
    "SummaryItem",
    "SyncRunner",
    "Timing",
    "Tokens",
    "TooMany",
    "Unauthorized",
    "Unavailable",
]
