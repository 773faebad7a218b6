"""The Python client: a person's notifications over the socket, and the rest of the API over REST.

It imports nothing of the server, and of the server only ``cli`` imports it; websockets and httpx
are all it needs. What it does, and its JavaScript sister with it: ``docs/reference/clients.md``.
"""

from useby.client.api import Api
from useby.client.blocking import SyncRunner
from useby.client.cursor import Cursor, FileCursor, MemoryCursor
from useby.client.errors import (
    ApiError,
    Conflict,
    ConnectionRejected,
    FlushInterrupted,
    Forbidden,
    Invalid,
    NotFound,
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
    "Event",
    "FileCursor",
    "FlushInterrupted",
    "Forbidden",
    "Invalid",
    "MemoryCursor",
    "NewNotification",
    "NewProduct",
    "NotFound",
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
