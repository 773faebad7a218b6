"""Passwords that cost next to nothing, in each process that imports this module.

A password takes 0.16 s of CPU time otherwise, and hundreds of tests sign up and in. The tests'
processes and the fork server import it. A node that imports for itself has ``RECOMMENDED``.
"""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

RECOMMENDED = PasswordHash.recommended
"""The library's own choice, with which a node hashes."""
_cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
PasswordHash.recommended = staticmethod(lambda: _cheap)  # type: ignore[method-assign]
