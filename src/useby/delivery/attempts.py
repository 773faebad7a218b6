"""One attempt to deliver a notification, within a time limit, and its result."""

import asyncio
import logging
from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime
from typing import Final, TypeVar

from uuid_utils import uuid7

from useby.delivery.channel import BatchSender, NotDelivered, Sender, ShowingSender
from useby.domain.channel import Channel, ChannelKind
from useby.domain.notification import Cause, Notification, Severity

log = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPT_SECONDS: Final = 10.0
"""Maximum time of an attempt, from the look-up of the name to the end of the answer."""

Senders = Mapping[ChannelKind, Sender]


async def attempt(
    senders: Senders, channel: Channel, *notifications: Notification, batch_id: str = ""
) -> str:
    """Send a notification, or some as one message, and return what the target answered.

    Args:
        senders: The kinds of channels that this node can send to.
        channel: The channel.
        notifications: One notification; several for a ``BatchSender``.
        batch_id: Id of a message with several; by default that of the first.

    Raises:
        NotDelivered: The attempt has failed.
    """
    sender = senders.get(channel.kind)
    if sender is None:
        # Another node may be able to, or this one after its next start.
        raise NotDelivered(f"this server cannot send to {channel.kind} channels")
    first = notifications[0]
    if isinstance(sender, BatchSender):
        sending = sender.send_batch(channel, batch_id or first.id, notifications)
        return await _limited(channel, sending)
    return await _limited(channel, sender.send(channel, first))


async def close_shown(senders: Senders, channel: Channel, ids: Collection[str]) -> None:
    """Close notifications that a channel shows and that have been read.

    Raises:
        NotDelivered: The attempt has failed.
    """
    sender = senders.get(channel.kind)
    if isinstance(sender, ShowingSender):
        await _limited(channel, sender.close_shown(channel, ids))


async def _limited(channel: Channel, sending: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            return await sending
    except NotDelivered:
        raise
    except TimeoutError:
        raise NotDelivered(f"no answer within {ATTEMPT_SECONDS:.0f} seconds") from None
    except Exception as error:
        log.exception("an attempt on channel %s failed unexpectedly", channel.id)
        raise NotDelivered(f"the attempt failed: {type(error).__name__}") from None


def test_message(channel: Channel, now: datetime) -> Notification:
    """Return a notification that is stored nowhere, with which its owner tests a channel.

    Args:
        channel: The channel.
        now: The current time, aware.
    """
    return Notification(
        id=str(uuid7()),
        user_id=channel.user_id,
        seq=0,
        message=f"This is a test of the channel {channel.name}.",
        kind=Severity.INFO,
        event=Cause.CUSTOM,
        product_name="",
        created_at=now.replace(microsecond=0),
    )
