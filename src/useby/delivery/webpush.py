"""Web Push: encrypted messages to browsers, which show them while no page is open (RFC 8030)."""

import hashlib
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic_core import to_json

from useby.delivery.channel import NotDelivered
from useby.delivery.outbound import Outbound, check
from useby.delivery.push_encryption import MOST_PLAIN, SALT_BYTES, encrypt
from useby.delivery.vapid import CURVE, Vapid, encoded
from useby.domain.channel import Channel
from useby.domain.notification import Notification, Severity

KEPT: Final = timedelta(days=7)
"""Time for which a push service keeps a message for a browser that is off: the ``TTL``."""
URGENCY: Final[Mapping[Severity, str]] = {
    Severity.INFO: "low",
    Severity.WARNING: "normal",
    Severity.ERROR: "high",
}
GONE: Final = frozenset({404, 410})
"""Statuses with which a push service answers when a subscription has ended."""
ENDED: Final = "the browser's subscription has ended, so the channel is removed"
MUST_SHOW: Final = ".push.apple.com"
"""Push service of browsers that revoke the permission after three pushes that show nothing, so
nothing is closed there."""
_LONGER: Final = "…"


class WebPush:
    """``delivery.channel.ShowingSender`` for browsers."""

    def __init__(
        self,
        outbound: Outbound,
        now: Callable[[], datetime],
        vapid: Vapid,
        public_url: str | None = None,
    ) -> None:
        """Store the parts.

        Args:
            outbound: The HTTP client.
            now: The wall clock: aware, UTC.
            vapid: The key pair of the server.
            public_url: Beginning of the links; ``None`` for links that the page itself completes.
        """
        self._outbound = outbound
        self._now = now
        self._vapid = vapid
        self._public_url = public_url

    async def send(self, channel: Channel, notification: Notification) -> str:
        """Implement ``Sender.send``."""
        urgency, topic = URGENCY[notification.kind], _topic(notification.id)
        return await self._post(channel, self._payload(notification), urgency, topic)

    async def close_shown(self, channel: Channel, ids: Collection[str]) -> None:
        """Implement ``ShowingSender.close_shown``.

        A message about one notification has its topic, so that it replaces the notification if the
        push service still keeps that.
        """
        if (urlsplit(channel.target).hostname or "").endswith(MUST_SHOW):
            return
        topic = _topic(*ids) if len(ids) == 1 else None
        await self._post(channel, to_json({"close": list(ids)}), "normal", topic)

    async def close(self) -> None:
        """Implement ``Sender.close``."""
        await self._outbound.close()

    def _payload(self, notification: Notification) -> bytes:
        place = notification.fragment
        link = place if self._public_url is None else f"{self._public_url}/{place}"
        return _fitting(
            {
                "id": notification.id,
                "message": notification.message,
                "severity": notification.kind.value,
                "productName": notification.product_name,
                "householdId": notification.household,
                "link": link,
            }
        )

    async def _post(self, channel: Channel, plain: bytes, urgency: str, topic: str | None) -> str:
        receiver, _, auth = (channel.secret or "").partition(".")
        body = encrypt(
            plain,
            _decoded(receiver),
            _decoded(auth),
            salt=secrets.token_bytes(SALT_BYTES),
            own=ec.generate_private_key(CURVE),
        )
        now = self._now()
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(int(KEPT.total_seconds())),
            "Urgency": urgency,
            "Authorization": self._vapid.authorization(channel.target, now),
        }
        if topic is not None:
            headers["Topic"] = topic
        answer = await self._outbound.post(channel.target, headers, body)
        if answer.status in GONE:
            raise NotDelivered(ENDED, is_final=True, is_gone=True)
        return check(answer, now.timestamp())


def _topic(notification_id: str) -> str:
    """Return the ``Topic`` of a notification: a repetition replaces what is not delivered yet."""
    return encoded(hashlib.sha256(notification_id.encode()).digest()[:24])


def _fitting(payload: dict[str, Any]) -> bytes:
    """Return a payload as JSON, with its message shortened until it fits."""
    while len(body := to_json(payload)) > MOST_PLAIN:
        message = payload["message"].removesuffix(_LONGER)
        payload["message"] = message[: len(message) * 3 // 4] + _LONGER
    return body


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
