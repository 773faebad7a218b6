"""Passwords that cost a test next to nothing."""

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from useby.auth.passwords import Passwords


class Counted(Argon2Hasher):
    """Argon2id, as cheap as it gets, that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.work: list[str] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.work.append("hash")
        return super().hash(password, salt=salt)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - its name
        self.work.append("verify")
        return super().verify(password, hash)


def cheap_passwords(hasher: Counted, monkeypatch: pytest.MonkeyPatch) -> Passwords:
    """Passwords that are hashed by ``hasher``."""
    monkeypatch.setattr(PasswordHash, "recommended", lambda: PasswordHash((hasher,)))
    return Passwords()
