"""JSON that goes in and out, each shape defined once.

- ``fields``: types of fields with their checks, and ``ApiModel``, the base of the models.
- ``products``, ``notifications``, ``accounts``: requests and answers of REST, one file a resource;
  the command line reads its options and files by the same models.
- ``frames``: frames of the WebSocket.
- ``problems``, ``health``: errors, and the state of a node.

Imports ``domain``. Imported by ``realtime``, ``api`` and ``cli``.
"""
