"""Create, change and delete channels."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from uuid_utils import uuid7

from useby.auth.address_links import renewed
from useby.domain.account import TokenRefused, TokenStatus
from useby.domain.channel import MAX_CHANNELS, Channel, ChannelKind, TooManyChannels
from useby.domain.events import DeliveryScheduled
from useby.store import accounts, channels
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.notifications import UnknownUser

__all__ = ["change", "confirm", "create", "delete", "delete_gone", "new_secret", "unsubscribe"]

_SECRET_BYTES: Final = 32
WITH_SECRET: Final = frozenset({ChannelKind.WEBHOOK, ChannelKind.EMAIL})


def create(
    transaction: Transaction,
    user_id: str,
    kind: ChannelKind,
    fields: Mapping[str, Any],
    now: datetime,
    session_id: str | None = None,
) -> Channel:
    """Create a channel, or enable the one that has the same subscription of a browser.

    The channel of a browser ends with the sign-in in which it is made.

    Args:
        transaction: The running write.
        user_id: The user.
        kind: The kind; a webhook gets a secret, and so do the links in mails.
        fields: The other fields of ``Channel`` that a user sets.
        now: The current time, aware.
        session_id: The sign-in of the caller.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        TokenRefused: The sign-in has ended.
        TooManyChannels: The account has as many channels as it can have.
    """
    owner = accounts.lock_user(transaction, user_id)
    if owner is None:
        raise UnknownUser(user_id)
    own = dict(fields)
    if kind is ChannelKind.WEBPUSH:
        own["session_id"] = _open_sign_in(transaction, user_id, session_id, now)
    present = channels.list_(transaction.connection, user_id)
    for each in present:
        if each.kind is kind is ChannelKind.WEBPUSH and each.target == fields["target"]:
            renewed = replace(
                each, secret=own["secret"], session_id=own["session_id"], enabled=True
            )
            return _store(transaction, renewed, now) or each
    if len(present) >= MAX_CHANNELS:
        raise TooManyChannels
    if kind in WITH_SECRET:
        own["secret"] = new_secret()
    own |= {"language": owner.language, "created_at": now}
    channel = Channel(id=str(uuid7()), user_id=user_id, kind=kind, **own)
    channels.add(transaction, channel)
    return channel


def change(
    transaction: Transaction,
    user_id: str,
    channel_id: str,
    fields: Mapping[str, Any],
    now: datetime,
    session_id: str | None = None,
) -> Channel | None:
    """Change the given fields of a channel; return it, or ``None`` if it is not the user's.

    A new address is to be confirmed. A new subscription belongs to the sign-in of the caller.

    Raises:
        TokenRefused: The sign-in has ended.
    """
    lock_users(transaction, user_id)
    before = channels.get(transaction.connection, user_id, channel_id)
    if before is None:
        return None
    new = replace(before, **fields)
    if new.target != before.target:
        new = replace(new, confirmed_at=None)
    if new.kind is ChannelKind.WEBPUSH and "target" in fields:
        new = replace(new, session_id=_open_sign_in(transaction, user_id, session_id, now))
    return _store(transaction, new, now)


def confirm(transaction: Transaction, verified: Channel, now: datetime) -> bool:
    """Confirm the address of a channel, for whose present secret a link was verified.

    A part of the secret is replaced, so that the link works once.

    Returns:
        False if the channel has changed since.
    """
    lock_users(transaction, verified.user_id)
    channel = channels.get(transaction.connection, verified.user_id, verified.id)
    if channel is None or (channel.secret, channel.target) != (verified.secret, verified.target):
        return False
    secret = renewed(channel.secret or "", new_secret())
    _store(transaction, replace(channel, confirmed_at=now, secret=secret), now)
    return True


def unsubscribe(transaction: Transaction, verified: Channel, now: datetime) -> None:
    """Send no more mails to the address of a channel until it is confirmed again."""
    lock_users(transaction, verified.user_id)
    channel = channels.get(transaction.connection, verified.user_id, verified.id)
    if channel is not None and channel.target == verified.target:
        _store(transaction, replace(channel, confirmed_at=None), now)


def _open_sign_in(
    transaction: Transaction, user_id: str, session_id: str | None, now: datetime
) -> str | None:
    """Return a sign-in that has not ended; the lock of the user keeps it open until the commit.

    Raises:
        TokenRefused: It has ended.
    """
    (check,) = accounts.check_tokens(transaction.connection, [(user_id, session_id, now)])
    if session_id is not None and check.standing is not TokenStatus.GOOD:
        raise TokenRefused(check.standing)
    return session_id


def _store(transaction: Transaction, channel: Channel, now: datetime) -> Channel | None:
    if channels.change(transaction, channel, now):
        transaction.publish(DeliveryScheduled(now))
    return channels.get(transaction.connection, channel.user_id, channel.id)


def delete(transaction: Transaction, user_id: str, channel_id: str, now: datetime) -> bool:
    """Delete a channel; return whether the user had it.

    The lock keeps notifications out that are being added, whose deliveries would refer to it.
    """
    lock_users(transaction, user_id)
    return channels.delete(transaction, user_id, channel_id, now)


def delete_gone(transaction: Transaction, tested: Channel, now: datetime) -> None:
    """Delete a channel whose target has answered that it exists no more.

    The attempt may have taken some time, in which the browser has subscribed again: then the
    channel has another target, and stays.
    """
    lock_users(transaction, tested.user_id)
    channel = channels.get(transaction.connection, tested.user_id, tested.id)
    if channel is not None and channel.target == tested.target:
        channels.delete(transaction, tested.user_id, tested.id, now)


def new_secret() -> str:
    """Return a secret in the notation of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
