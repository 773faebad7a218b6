"""useby: store products with expiry dates and notify every device of a person when one is due.

The packages and their permitted imports: ``docs/architecture.md``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from useby.client import (
        Api,
        ApiError,
        ConnectionRejected,
        Error,
        FileCursor,
        MemoryCursor,
        Notification,
        Notifications,
    )

__all__ = [
    "Api",
    "ApiError",
    "ConnectionRejected",
    "Error",
    "FileCursor",
    "MemoryCursor",
    "Notification",
    "Notifications",
    "__version__",
]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """Import the client's names on first use, because the server needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("useby.client"), name)
