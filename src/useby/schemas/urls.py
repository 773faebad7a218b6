"""URLs of targets that users choose, and why one is refused before its name is looked up."""

import re
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

from useby.domain.addresses import Network, is_named, literal, may_connect
from useby.schemas.fields import Form

TARGET_FORM: Final = "must be a URL of at most 2000 characters, e.g. https://app.example/useby"
_TARGET: Final = re.compile(r"[!-~]+")
URL_FORM: Final = "must be an https URL of at most 2000 characters, e.g. https://app.example/useby"
_URL: Final = re.compile(r"https?://[!-~]+")
NO_CREDENTIALS: Final = "must not contain a user name or password, e.g. https://app.example/useby"
PLAIN_REFUSED: Final = (
    "must begin with https://, e.g. https://app.example/useby; http:// is for addresses in networks"
    " of the setting USEBY_OUTBOUND_ALLOWED_NETWORKS"
)
ADDRESS_REFUSED: Final = (
    "must be at a public address, e.g. https://app.example/useby; others must be in a network of"
    " the setting USEBY_OUTBOUND_ALLOWED_NETWORKS"
)


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise ValueError(TARGET_FORM)
    return text


Target = Annotated[
    str,
    StringConstraints(max_length=2000, strip_whitespace=True),
    Form(TARGET_FORM),
    AfterValidator(_target),
]
"""URL whose scheme is checked once the kind of the channel is known."""


def refusal(url: str, allowed: Sequence[Network]) -> str | None:
    """Return why a URL is refused without a look-up of its name; ``None`` if it is not.

    Args:
        url: The text.
        allowed: Networks that are allowed although they are not public.
    """
    try:
        parts = urlsplit(url)
        good = _URL.fullmatch(url) and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        return URL_FORM
    if "@" in parts.netloc:
        return NO_CREDENTIALS
    address = literal(parts.hostname or "")
    if address is not None and not may_connect(address, allowed):
        return ADDRESS_REFUSED
    if parts.scheme == "http":
        named = bool(allowed) if address is None else is_named(address, allowed)
        return None if named else PLAIN_REFUSED
    return None
