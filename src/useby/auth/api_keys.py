"""Text of an API key: ``uby_``, 43 random characters (256 bits) and a checksum of 6 characters.

The prefix and the checksum are those of GitHub's tokens ("Behind GitHub's new authentication token
formats", github.blog, April 2021): a scanner finds leaked keys by the prefix, and rejects other
texts by the CRC-32, without a query. Letters and digits only, so that a double click selects all.
"""

import hashlib
import re
import secrets
import zlib
from typing import Final, Protocol

from useby.domain.api_key import ApiKey

PREFIX: Final = "uby_"
RANDOM_BITS: Final = 256
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM: Final = 43
"""Digits of 256 bits to the base 62."""
_CHECKSUM: Final = 6
"""Digits of a CRC-32 to the base 62."""
_SHOWN: Final = len(PREFIX) + 6
_FORM: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECKSUM}}}", re.ASCII)


class KeySource(Protocol):
    """Source of the stored keys, which the database has."""

    async def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash."""

    def note_use(self, key: str, key_id: str) -> None:
        """Record later that a key was used today; it is called at each use."""


def new_key() -> str:
    """Return a new key."""
    random = _base62(secrets.randbits(RANDOM_BITS), _RANDOM)
    return PREFIX + random + _checksum(random)


def is_key(token: str) -> bool:
    """Return whether a token is meant to be a key; no ticket and no JWT begins so."""
    return token.startswith(PREFIX)


def is_well_formed(key: str) -> bool:
    """Return whether a key has the form and the checksum of one of ours."""
    if not _FORM.fullmatch(key):
        return False
    return key.endswith(_checksum(key[len(PREFIX) : -_CHECKSUM]))


def hash_of(key: str) -> str:
    """Return the hash under which a key is stored. A key is random, so SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def prefix_of(key: str) -> str:
    """Return the beginning of a key, which may be shown: 36 of its bits."""
    return key[:_SHOWN]


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM)


def _base62(number: int, size: int) -> str:
    digits = ""
    for _ in range(size):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
