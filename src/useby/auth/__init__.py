"""Authentication: tokens, passwords, tickets, and limits on sign-in attempts.

This package has no SQL and no HTTP routes. It imports ``settings`` and ``domain``; ``realtime``,
``api``, ``node`` and ``cli`` import it.
"""
