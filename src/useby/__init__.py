"""useby: keeps products, knows when each must be noticed, and tells every device at once.

Rooms and who may import whom: ``docs/architecture.md``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from useby.client import (
        Api,
        ApiError,
        ConnectionRejected,
        FileCursor,
        MemoryCursor,
        Notification,
        Notifications,
    )

__all__ = [
    "Api",
    "ApiError",
    "ConnectionRejected",
    "FileCursor",
    "MemoryCursor",
    "Notification",
    "Notifications",
    "__version__",
]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """The client's names, when somebody asks for one: the server needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("useby.client"), name)
