"""Check the format of ids. Pure."""

import re
from typing import Final, TypeGuard

_UUID: Final = re.compile(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", re.IGNORECASE | re.ASCII)


def is_id(value: object) -> TypeGuard[str]:
    """Return whether the value is the text of a UUID, the format of all ids of a node."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
