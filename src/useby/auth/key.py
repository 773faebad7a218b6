"""Load the key that signs our tokens, from settings or from a file beside the database.

While a key is replaced, the settings also have the previous one, which verifies and never signs.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from useby.settings import NEW_KEY, Settings

KEY_BYTES: Final = 32


class SettingsError(Exception):
    """Raised when the program cannot start with these settings; the message contains the remedy."""


@dataclass(frozen=True)
class SigningKeys:
    """Key that signs, and the previous one, with which a token is still verified."""

    signing: bytes
    previous: bytes | None = None

    @cached_property
    def by_id(self) -> dict[str, bytes]:
        """Keys by their ids, the signing key first."""
        keys = (self.signing,) if self.previous is None else (self.signing, self.previous)
        return {key_id(key): key for key in keys}

    @property
    def signing_id(self) -> str:
        """Id of the key that signs."""
        return next(iter(self.by_id))


def key_id(key: bytes) -> str:
    """Return an id of the key, from which the key cannot be computed: 128 bits."""
    return urlsafe_b64encode(hmac.digest(key, b"key id", hashlib.sha256)[:16]).rstrip(b"=").decode()


def key_path(database: Path) -> Path:
    """Return the file of a database's signing key, used if the settings give none."""
    return database.with_suffix(".key")


def signing_keys(settings: Settings, database: Path | None, *, make: bool = True) -> SigningKeys:
    """Return the signing key as ``signing_key`` does, with the previous one, if it is set.

    Raises:
        SettingsError: For the reasons given at ``signing_key``.
    """
    previous = settings.secret_key_previous
    return SigningKeys(
        signing_key(settings, database, make=make),
        None if previous is None else previous.get_secret_value().encode(),
    )


def signing_key(settings: Settings, database: Path | None, *, make: bool = True) -> bytes:
    """Return the signing key. Create it if a node on loopback with SQLite has none.

    Args:
        settings: The settings, which may contain the key.
        database: The SQLite file that the key's file lies beside; ``None`` with PostgreSQL.
        make: Whether the key may be created. A command beside a node needs the node's key: with a
            new one it would sign what no node accepts.

    Raises:
        SettingsError: The settings have no key although other machines can reach the node or the
            database is PostgreSQL; or the key's file is readable by others or too short; or it is
            missing and may not be created.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    if not settings.on_loopback:
        raise SettingsError(
            f"USEBY_SECRET_KEY must be set to serve on {settings.host}, which other machines can"
            f" reach. Make one with: {NEW_KEY}"
        )
    if database is None:
        raise SettingsError(
            "USEBY_SECRET_KEY must be set: every node on a database server signs with the same"
        )
    path = key_path(database)
    if not make and not path.exists():
        raise SettingsError(
            "the node's signing key is needed: USEBY_SECRET_KEY is not set, and there is no"
            f" {path.absolute()}. Use the node's environment and database (docs/how-to/deploy.md"
            " shows how); a node that has never run makes its key with `useby serve`"
        )
    return _kept_key(path)


def _kept_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make_key(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SettingsError(f"{path} can be read by others (mode {mode:o}): chmod 600 it")
    key = path.read_bytes().strip()
    if len(key) < KEY_BYTES:
        raise SettingsError(f"{path} holds no key of {KEY_BYTES} bytes or more: delete it")
    return key


def _make_key(path: Path) -> None:
    """Write a key under a temporary name, then link it: of two that start at once, one wins."""
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(descriptor, "w") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(secrets.token_urlsafe(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
