"""WebSocket connections, from the upgrade request to the last byte of the close.

- ``http``, ``direct``, ``bare_http``, ``upgrade``, ``allowed_hosts``, ``slots``, ``deadlines``,
  ``transports``: HTTP connections, until one is upgraded.
- ``answers``: the metric and the log line of each answered request, of ``api``'s, too.
- ``admission``: verify tokens and look users up, in batches.
- ``socket``, ``wire``, ``token_bucket``, ``assembler``, ``session``, ``states``, ``trail``: one
  connection; ``session`` decides and does no I/O.
- ``hub``, ``registry``, ``fanout``, ``sweep``, ``reconcile``: all connections of the node, events
  for them, and the timer that checks them; ``host`` is the part of the hub that ``socket`` needs.
- ``requests``, ``updates``, ``retry``: database work for connections, in batches.
- ``frames``, ``closes``, ``asyncapi``: the protocol, and its published description.

Imports ``auth``, ``store``, ``bus``, ``schemas`` and lower packages. Imported by ``api`` and
``node``.
"""
