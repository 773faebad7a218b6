"""REST: thin. A route parses, authorises, calls the store, renders; one file a resource.

Imports everything below ``app``. ``create_api`` makes the application from a ``Context``.
"""

from useby.api.application import create_api

__all__ = ["create_api"]
