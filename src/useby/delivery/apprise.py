"""Apprise: the services of that library that post by HTTP.

The library is an extra, ``useby[channels]``, and is imported when it is first used: that takes
half a second, in a thread. Its services run confined (``delivery.confined``). Their URLs contain
passwords and tokens, and so do the lines that they log; these are dropped.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from useby.delivery.channel import NotDelivered
from useby.delivery.outbound import Outbound, check
from useby.domain.channel import Channel
from useby.domain.notification import Notification, Severity

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase

    from useby.delivery.confined import ConfinedThreads, Relay

LIBRARY: Final = "apprise"
MISSING: Final = (
    "this server has no Apprise: its operator can install it with pip install 'useby[channels]'"
)
EXAMPLE: Final = "e.g. ntfys://ntfy.sh/my-topic or tgram://bot-token/chat-id"
UNKNOWN: Final = f"must be a URL of Apprise, {EXAMPLE}"
SEVERAL: Final = (
    "must have one target, so that a repetition reaches no other twice: add a channel for each"
)
NO_ANSWER: Final = "could not be read in time; try again"
DENIED: Final = "this service does more than post by HTTP, which is not allowed here"
TYPES: Final = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
}
"""Apprise's types of notifications. Its fourth, ``success``, has no severity of ours."""
READ_SECONDS: Final = 10.0
LOGGERS: Final = ("apprise", "oauthlib", "requests_oauthlib")
"""Loggers that write URLs, headers and bodies."""
_OTHERS: Final = frozenset({"nostr", "nostrs"})
"""Services that import ``requests`` and send by another protocol."""


class Apprise:
    """``delivery.channel.Sender`` for services of Apprise."""

    def __init__(self, outbound: Outbound, now: Callable[[], datetime]) -> None:
        """Store the HTTP client and the wall clock (aware, UTC)."""
        self._outbound = outbound
        self._now = now
        self._threads: ConfinedThreads | None = None

    async def send(self, channel: Channel, notification: Notification) -> str:
        """Implement ``Sender.send``; each request has the notification's id as ``webhook-id``."""
        relay, threads = await self._confinement({"webhook-id": notification.id})
        work = partial(_notify, channel.target, notification)
        try:
            accepted = await threads.run(channel.id, relay, work)
        except NotDelivered:
            raise
        except Exception as error:  # noqa: BLE001 - its text may contain the URL
            reason = f"the service's plug-in failed: {type(error).__name__}"
            raise NotDelivered(DENIED if relay.denied else reason, is_final=True) from None
        return outcome(relay, self._now().timestamp(), accepted=accepted)

    async def refusal(self, user_id: str, url: str) -> str | None:
        """Return why a URL cannot be a channel's target; ``None`` if it can."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                relay, threads = await self._confinement({})
                reason = await threads.run(user_id, relay, partial(_refusal, url))
                return DENIED if relay.denied else reason
        except NotDelivered as failed:
            return failed.reason
        except TimeoutError:
            return NO_ANSWER

    async def close(self) -> None:
        """Implement ``Sender.close``."""
        await self._outbound.close()

    async def _confinement(self, headers: dict[str, str]) -> "tuple[Relay, ConfinedThreads]":
        """Load the library.

        Raises:
            NotDelivered: It is not installed.
        """
        if find_spec(LIBRARY) is None:
            raise NotDelivered(MISSING)
        await asyncio.to_thread(_load)
        from useby.delivery.confined import ConfinedThreads, Relay  # noqa: PLC0415 - an extra

        if self._threads is None:
            self._threads = ConfinedThreads()
        return Relay(self._outbound, headers), self._threads


def outcome(relay: "Relay", now: float, *, accepted: bool) -> str:
    """Return the words for a successful call.

    Args:
        relay: The call's requests.
        now: The current time, in Unix seconds.
        accepted: Whether the service's plug-in reports a success.

    Raises:
        NotDelivered: The service has not accepted the notification.
    """
    if accepted and relay.answers:
        return f"the target answered {relay.answers[-1].status}"
    if relay.denied:
        raise NotDelivered(DENIED, is_final=True)
    if relay.failures:
        raise relay.failures[0]
    if not relay.answers:
        raise NotDelivered("the service's plug-in sent nothing", is_final=True)
    words = check(relay.answers[-1], now)
    raise NotDelivered(f"{words}, and its text is no success")


@cache
def _services() -> "dict[str, type[NotifyBase]]":
    """Import the library with all of its services, and return them by schema."""
    from apprise import manager_plugins  # noqa: PLC0415 - an extra

    library: Any = manager_plugins  # its methods have no types
    manager = library.NotificationManager()
    return {schema: each for each in manager.plugins() for schema in each.schemas(each)}


def _posts_by_http(service: "type[NotifyBase]") -> bool:
    modules = [sys.modules[each.__module__] for each in service.__mro__]
    return any("requests" in vars(each) for each in modules)


@cache
def _asset() -> "AppriseAsset":
    """Return settings: nothing is kept in files, and no picture of another site is linked."""
    from apprise import AppriseAsset  # noqa: PLC0415 - an extra

    return AppriseAsset(
        app_id="useby",
        app_desc="useby",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode="memory",
        allow_templates=False,
    )


def _load() -> None:
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    _services()
    _asset()


def _service(url: str) -> "NotifyBase":
    """Return the service of a URL, ready to send.

    Raises:
        ValueError: The URL has no service that may be used; the message is the reason.
    """
    from apprise import Apprise as Library  # noqa: PLC0415 - an extra
    from apprise import plugins  # noqa: PLC0415 - an extra

    library: Any = plugins  # its functions have no types
    parts: dict[str, Any] | None = library.url_to_dict(url)
    schema = str(parts["schema"] if parts else url.partition(":")[0]).lower()
    known = _services().get(schema)
    if known is None:
        raise ValueError(UNKNOWN)
    if schema in _OTHERS or not _posts_by_http(known):
        raise ValueError(f"must be of a service that posts by HTTP, {EXAMPLE}; not {schema}://")
    service = None if parts is None else Library.instantiate(parts, asset=_asset())
    if service is None:
        raise ValueError(f"is not a URL of {known.service_name}: see {known.setup_url}")
    service.retry = 0
    if len(service) > 1:
        raise ValueError(SEVERAL)
    # The worker repeats what fails, after a while; a plug-in must not sleep in the middle.
    service.throttle = _no_pause  # type: ignore[method-assign]
    return service


def _refusal(url: str) -> str | None:
    try:
        _service(url)
    except ValueError as error:
        return str(error)
    return None


def _notify(url: str, notification: Notification) -> bool:
    try:
        service = _service(url)
    except ValueError as error:
        raise NotDelivered(f"the URL {error}", is_final=True) from None
    return service.notify(
        body=notification.message,
        title=notification.product_name,
        notify_type=TYPES[notification.kind],
        body_format="text",
    )


def _no_pause(*_: object, **__: object) -> None:
    """Replace ``URLBase.throttle``."""
