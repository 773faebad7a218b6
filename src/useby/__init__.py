"""useby: keeps products, knows when each must be noticed, and tells every device at once.

Rooms and who may import whom: ``docs/architecture.md``.
"""

__version__ = "0.1.0"
