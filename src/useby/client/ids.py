"""What an id looks like. Pure."""

import re
from typing import Final, TypeGuard

_UUID: Final = re.compile(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", re.IGNORECASE | re.ASCII)


def is_id(value: object) -> TypeGuard[str]:
    """Whether it may be the id of something at a node: the text of a UUID."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
