"""The kinds of channels that a node can send to."""

from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec

from useby.delivery.apprise import LIBRARY, Apprise
from useby.delivery.attempts import Senders
from useby.delivery.channel import Sender
from useby.delivery.mail_channel import MailChannel
from useby.delivery.mailer import mailer
from useby.delivery.outbound import Outbound
from useby.delivery.vapid import Vapid
from useby.delivery.webhook import Webhook
from useby.delivery.webpush import WebPush
from useby.domain.addresses import networks
from useby.domain.channel import ChannelKind
from useby.settings import Settings


def missing(settings: Settings) -> dict[ChannelKind, str]:
    """Return the kinds that a node cannot send to, each with what its operator can do."""
    found = {}
    if mailer(settings) is None:
        found[ChannelKind.EMAIL] = "set USEBY_SMTP_URL"
    if find_spec(LIBRARY) is None:
        found[ChannelKind.APPRISE] = "run pip install 'useby[channels]'"
    return found


def senders(settings: Settings, now: Callable[[], datetime], vapid: Vapid) -> Senders:
    """Return a sender for each kind; the node's settings restrict where they connect to.

    Args:
        settings: The node's settings.
        now: The wall clock: aware, UTC.
        vapid: The key pair for push services.
    """
    allowed = networks(settings.outbound_allowed_networks)
    found: dict[ChannelKind, Sender] = {
        ChannelKind.WEBHOOK: Webhook(Outbound(allowed), now),
        ChannelKind.APPRISE: Apprise(Outbound(allowed), now),
        ChannelKind.WEBPUSH: WebPush(Outbound(allowed), now, vapid, settings.public_url),
    }
    sending = mailer(settings)
    if sending is not None:
        found[ChannelKind.EMAIL] = MailChannel(sending, settings.public_url or "", now)
    return found
