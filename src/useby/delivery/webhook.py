"""Webhooks: a POST of a notification's extended JSON, signed as Standard Webhooks defines it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pydantic_core import to_json

from useby import __version__
from useby.delivery.outbound import Outbound, check
from useby.domain.channel import Channel
from useby.domain.notification import Notification
from useby.schemas.extended import extended

PREFIX: Final = "whsec_"
"""Beginning of a secret, which is base64."""


class Webhook:
    """``delivery.channel.Sender`` for webhooks."""

    def __init__(self, outbound: Outbound, now: Callable[[], datetime]) -> None:
        """Store the HTTP client and the wall clock (aware, UTC)."""
        self._outbound = outbound
        self._now = now

    async def send(self, channel: Channel, notification: Notification) -> str:
        """Implement ``Sender.send``: any status from 200 to 299 is a success."""
        body = to_json(extended(notification))
        sent_at = int(self._now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"useby/{__version__}",
            "webhook-id": notification.id,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": signature(channel.secret or "", notification.id, sent_at, body),
        }
        return check(await self._outbound.post(channel.target, headers, body), sent_at)

    async def close(self) -> None:
        """Implement ``Sender.close``."""
        await self._outbound.close()


def signature(secret: str, message_id: str, sent_at: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``.

    Args:
        secret: The secret, with its prefix.
        message_id: The value of ``webhook-id``.
        sent_at: The value of ``webhook-timestamp``.
        body: The body.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b"%b.%d.%b" % (message_id.encode(), sent_at, body)
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
