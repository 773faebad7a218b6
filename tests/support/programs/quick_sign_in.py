"""``useby …`` whose passwords cost next to nothing: a sign-in takes 0.2 s of CPU time else."""

import runpy

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
PasswordHash.recommended = staticmethod(lambda: cheap)  # type: ignore[method-assign]
runpy.run_module("useby", run_name="__main__", alter_sys=True)
