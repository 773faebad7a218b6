"""REST layer: a route parses, authorises, calls the store and renders; one file per resource.

It imports everything below ``node``. ``create_api`` creates the application from a ``Context``.
"""

from useby.api.application import create_api

__all__ = ["create_api"]
