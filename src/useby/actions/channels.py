"""Create, change and delete channels."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from uuid_utils import uuid7

from useby.domain.channel import MAX_CHANNELS, Channel, ChannelKind, TooManyChannels
from useby.domain.events import DeliveryScheduled
from useby.store import accounts, channels
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.notifications import UnknownUser

__all__ = ["change", "create", "delete", "new_secret"]

_SECRET_BYTES: Final = 32


def create(
    transaction: Transaction,
    user_id: str,
    kind: ChannelKind,
    fields: Mapping[str, Any],
    now: datetime,
) -> Channel:
    """Create a channel, or enable the one that has the same subscription of a browser.

    Args:
        transaction: The running write.
        user_id: The user.
        kind: The kind; a webhook gets a secret.
        fields: The other fields of ``Channel`` that a user sets.
        now: The current time, aware.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        TooManyChannels: The account has as many channels as it can have.
    """
    if accounts.lock_user(transaction, user_id) is None:
        raise UnknownUser(user_id)
    present = channels.list_(transaction.connection, user_id)
    for each in present:
        if each.kind is kind is ChannelKind.WEBPUSH and each.target == fields["target"]:
            renewed = {"secret": fields["secret"], "enabled": True}
            return change(transaction, user_id, each.id, renewed, now) or each
    if len(present) >= MAX_CHANNELS:
        raise TooManyChannels
    own = dict(fields)
    if kind is ChannelKind.WEBHOOK:
        own["secret"] = new_secret()
    channel = Channel(id=str(uuid7()), user_id=user_id, kind=kind, created_at=now, **own)
    channels.add(transaction, channel)
    return channel


def change(
    transaction: Transaction,
    user_id: str,
    channel_id: str,
    fields: Mapping[str, Any],
    now: datetime,
) -> Channel | None:
    """Change the given fields of a channel; return it, or ``None`` if it is not the user's."""
    lock_users(transaction, user_id)
    before = channels.get(transaction.connection, user_id, channel_id)
    if before is None:
        return None
    if channels.change(transaction, replace(before, **fields), now):
        transaction.publish(DeliveryScheduled(now))
    return channels.get(transaction.connection, user_id, channel_id)


def delete(transaction: Transaction, user_id: str, channel_id: str) -> bool:
    """Delete a channel; return whether the user had it.

    The lock keeps notifications out that are being added, whose deliveries would refer to it.
    """
    lock_users(transaction, user_id)
    return channels.delete(transaction, user_id, channel_id)


def new_secret() -> str:
    """Return a secret in the notation of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
