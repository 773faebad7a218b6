"""Mails of notifications, to an address that its owner has confirmed.

Several notifications are one mail, so a person with many gets few. Each mail has a link that ends
them (RFC 8058), and its ``Message-ID`` is the same for every repetition.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from useby.auth.address_links import unsubscribe_token
from useby.delivery.channel import NotDelivered
from useby.delivery.mail_texts import notifications_mail
from useby.delivery.mailer import Mailer
from useby.domain.channel import Channel
from useby.domain.mail import link
from useby.domain.notification import Notification

UNSUBSCRIBE_PATH: Final = "mail/unsubscribe"
UNCONFIRMED: Final = (
    "the address is not confirmed: open the link in the mail that was sent to it, or change the"
    " channel's address to get another mail"
)


class MailChannel:
    """``delivery.channel.BatchSender`` for e-mail."""

    def __init__(self, mailer: Mailer, base: str, now: Callable[[], datetime]) -> None:
        """Store the parts.

        Args:
            mailer: Sends a mail.
            base: The public URL of the node.
            now: The wall clock: aware, UTC.
        """
        self._mailer = mailer
        self._base = base
        self._now = now

    async def send(self, channel: Channel, notification: Notification) -> str:
        """Implement ``Sender.send``."""
        return await self.send_batch(channel, notification.id, [notification])

    async def send_batch(
        self, channel: Channel, batch_id: str, notifications: Sequence[Notification]
    ) -> str:
        """Implement ``BatchSender.send_batch``: all of them are one mail."""
        if not channel.is_confirmed:
            raise NotDelivered(UNCONFIRMED, is_final=True)
        unsubscribe = link(self._base, UNSUBSCRIBE_PATH, token=unsubscribe_token(channel))
        mail = notifications_mail(
            batch_id,
            channel.target,
            notifications,
            self._base,
            unsubscribe,
            self._now(),
            channel.language,
        )
        return await self._mailer.send(mail)

    async def close(self) -> None:
        """Implement ``Sender.close``: each mail has a connection of its own."""
