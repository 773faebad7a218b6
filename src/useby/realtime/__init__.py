"""The socket's life, from the upgrade request to the last byte of its close.

``http`` takes the upgrade and hands the transport to a ``socket``, whose thinking is done by a
``session`` (no I/O). ``hub`` is the pool of active connections, ``sweep`` the one timer for all of
them, ``frames`` and ``closes`` are the words of the contract; ``schemas`` has each frame's fields
and ``asyncapi`` shows that to programs.

Imports ``auth``, ``store``, ``bus`` and what is below. Imported by ``api`` and ``app``.
"""
