"""The interface of a kind of channel."""

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from useby.domain.channel import Channel
from useby.domain.notification import Notification


class NotDelivered(Exception):  # noqa: N818 - the name describes the result
    """An attempt has failed; the message is the reason, for the channel's owner."""

    def __init__(
        self,
        reason: str,
        *,
        is_final: bool = False,
        is_gone: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """Store the reason.

        Args:
            reason: What happened, in a few words, without the target.
            is_final: True if the target refuses this notification, so that it is not repeated.
            is_gone: True if the target exists no more, so that the channel is deleted.
            retry_after: Seconds for which the target asks to wait.
        """
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        self.is_gone = is_gone
        self.retry_after = retry_after


class Sender(Protocol):
    """A kind of channel."""

    async def send(self, channel: Channel, notification: Notification) -> str:
        """Send one notification. It may be sent again, with the same id.

        The caller cancels an attempt that takes too long.

        Args:
            channel: The channel, whose target and secret are to be used.
            notification: The notification.

        Returns:
            What the target answered, in a few words.

        Raises:
            NotDelivered: The attempt has failed.
            Exception: Any other error counts as a failed attempt and is logged.
        """

    async def close(self) -> None:
        """Close what is open; ``send`` may open it again."""


@runtime_checkable
class ShowingSender(Sender, Protocol):
    """A kind of channel of ``domain.channel.SHOWING_KINDS``."""

    async def close_shown(self, channel: Channel, ids: Collection[str]) -> None:
        """Close notifications that are shown and have been read.

        Args:
            channel: The channel.
            ids: Ids of the notifications; the channel may show some of them no more.

        Raises:
            NotDelivered: The attempt has failed.
        """


@runtime_checkable
class BatchSender(Sender, Protocol):
    """A kind of channel that sends several notifications as one message."""

    async def send_batch(
        self, channel: Channel, batch_id: str, notifications: Sequence[Notification]
    ) -> str:
        """Send some notifications as one message.

        It may be sent again, with the same id and without those that are read by then.

        Args:
            channel: The channel, whose target and secret are to be used.
            batch_id: The id of the message.
            notifications: The notifications, oldest first, at least one.

        Returns:
            What the target answered, in a few words.

        Raises:
            NotDelivered: The attempt has failed.
            Exception: Any other error counts as a failed attempt and is logged.
        """
