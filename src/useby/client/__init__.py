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
    TooMany,
    Unauthorized,
    Unavailable,
)
from useby.client.events import Event, Notification, ProductChanged, Read, State
from useby.client.models import Account, Outcome, Product, Tokens
from useby.client.notifications import Notifications
from useby.client.params import AccountChange, NewNotification, NewProduct, ProductChange
from useby.client.timing import Timing

__all__ = [
    "Account",
    "AccountChange",
    "Api",
    "ApiError",
    "Conflict",
    "ConnectionRejected",
    "Cursor",
    "Error",
    "Event",
    "FileCursor",
    "FlushInterrupted",
    "Forbidden",
    "Invalid",
    "MemoryCursor",
    "NewNotification",
    "NewProduct",
    "NoResponse",
    "NotFound",
    "NotSignedIn",
    "Notification",
    "Notifications",
    "Outcome",
    "Product",
    "ProductChange",
    "ProductChanged",
    "Read",
    "State",
    "SyncRunner",
    "Timing",
    "Tokens",
    "TooMany",
    "Unauthorized",
    "Unavailable",
]
