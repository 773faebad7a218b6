"""Tokens of links in mails to the address of a channel: to confirm it, and to get no more mails.

The channel's own secret signs them, which has two parts. The first is replaced when the address is
confirmed, so a link that confirms works once. The second stays, so a link that ends the mails works
as long as the channel has its address, also after it was confirmed again. Both are bound to the
address: one that has been replaced can neither confirm nor end the mails to another.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from useby.auth.signed_links import body_of, is_signed, sign
from useby.domain.channel import Channel, ChannelKind


class AddressLink(StrEnum):
    """Kind of a link."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"


CONFIRM_WITHIN: Final = timedelta(hours=24)
SEPARATOR: Final = "."
"""Between the parts of a secret. One that was stored by an earlier version has one part."""
NEVER: Final = 0
"""End of a token that has none."""
_MOST_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class LinkedChannel:
    """The contents of a token, unverified."""

    ends: int
    """Time at which it ends, in Unix seconds, or ``NEVER``."""
    channel_id: str
    user_id: str


def renewed(secret: str, first: str) -> str:
    """Return a secret with another first part, under which used links to confirm are not valid."""
    return f"{first}{SEPARATOR}{secret.rpartition(SEPARATOR)[2]}"


def confirm_token(channel: Channel, now: datetime) -> str:
    """Return the token that confirms the address of a channel, until ``CONFIRM_WITHIN``."""
    return _token(channel, AddressLink.CONFIRM, int((now + CONFIRM_WITHIN).timestamp()))


def unsubscribe_token(channel: Channel) -> str:
    """Return the token that ends the mails of a channel."""
    return _token(channel, AddressLink.UNSUBSCRIBE, NEVER)


def channel_of(token: str) -> LinkedChannel | None:
    """Return the channel that a token names, unverified; ``None`` if it is malformed."""
    ends, _, rest = (body_of(token) or "").partition(" ")
    channel_id, _, user_id = rest.partition(" ")
    if not (ends.isascii() and ends.isdecimal() and len(ends) <= _MOST_DIGITS and user_id):
        return None
    return LinkedChannel(int(ends), channel_id, user_id)


def is_valid(channel: Channel, purpose: AddressLink, token: str, now: datetime) -> bool:
    """Return whether a token is for this channel and its present address, and has not ended."""
    found = channel_of(token)
    if found is None or channel.secret is None or channel.kind is not ChannelKind.EMAIL:
        return False
    # An earlier version, which may run beside this one, signs with the whole secret.
    keys = {_key(channel.secret, purpose), channel.secret}
    if not any(is_signed(each.encode(), purpose, token, channel.target) for each in keys):
        return False
    return found.ends == NEVER or now.timestamp() < found.ends


def _token(channel: Channel, purpose: AddressLink, ends: int) -> str:
    if channel.secret is None:
        raise ValueError("a channel of another kind has no links in mails")
    body = f"{ends} {channel.id} {channel.user_id}"
    return sign(_key(channel.secret, purpose).encode(), purpose, body, channel.target)


def _key(secret: str, purpose: AddressLink) -> str:
    return secret.rpartition(SEPARATOR)[2] if purpose is AddressLink.UNSUBSCRIBE else secret
