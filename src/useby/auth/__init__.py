"""Who comes in: tokens, passwords, tickets, and how often one may try.

No SQL and no HTTP routes. Imports ``settings`` and ``domain``. Imported by ``realtime``, ``api``,
``app`` and ``cli``.
"""
