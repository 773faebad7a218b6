"""HTTP requests to targets that users choose, to no address that they must not reach.

A name is resolved once, and the connection goes to an address of that answer: a second look-up
could have another result. No proxy of the environment is used, and no redirect is followed.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpcore

from useby.delivery.channel import NotDelivered
from useby.delivery.name_look_ups import CONNECT_SECONDS, NameLookUps
from useby.domain.addresses import IpAddress, Network, is_named, may_connect

MOST_READ: Final = 64 * 1024
"""Bytes of an answer that are read."""
KEPT_CONNECTIONS: Final = 128
"""Maximum connections that are kept while nothing is sent on them."""
KEPT_SECONDS: Final = 15.0
MOST_ADDRESSES: Final = 4
"""Maximum addresses of a name that are tried."""
PLAIN: Final = "http"
FINAL: Final = range(400, 500)
REPEATED: Final = frozenset({408, 425, 429})
"""Statuses of ``FINAL`` after which an attempt is repeated."""
REFUSED: Final = (
    "its address is not public; the operator of this server can allow it with"
    " USEBY_OUTBOUND_ALLOWED_NETWORKS"
)
REFUSED_PLAIN: Final = "http:// is allowed for networks of USEBY_OUTBOUND_ALLOWED_NETWORKS only"


class Refused(httpcore.ConnectError):
    """The operator does not allow this address; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a request."""

    status: int
    retry_after: str | None
    """Header of this name."""
    headers: Sequence[tuple[str, str]] = field(default=(), compare=False, repr=False)
    body: bytes = field(default=b"", compare=False, repr=False)
    """At most ``MOST_READ`` bytes of it."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that are allowed, and to no others, nor to files."""

    def __init__(self, allowed: Sequence[Network], names: NameLookUps, *, plain: bool) -> None:
        """Store the rules.

        Args:
            allowed: Networks that are allowed although they are not public.
            names: Looks up the names of hosts.
            plain: Whether connections are not encrypted, and so must be to ``allowed``.
        """
        self._allowed = allowed
        self._names = names
        self._plain = plain
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve a host once, and connect to the first of its allowed addresses that answers.

        Raises:
            Refused: No address of the host is allowed.
            ConnectError: The host cannot be resolved, or no address answers.
        """
        error: Exception | None = None
        try:
            found = await self._names.addresses(host, port)
        except OSError as failed:
            raise httpcore.ConnectError(str(failed)) from None
        permitted = self._permitted(found)
        for number, address in enumerate(permitted, start=1):
            limit = timeout if number == len(permitted) else CONNECT_SECONDS
            try:
                return await self._backend.connect_tcp(
                    str(address), port, limit, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error or httpcore.ConnectError("the host has no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def _permitted(self, addresses: Sequence[IpAddress]) -> Sequence[IpAddress]:
        if self._plain:
            found = [each for each in addresses if is_named(each, self._allowed)]
        else:
            found = [each for each in addresses if may_connect(each, self._allowed)]
        if addresses and not found:
            raise Refused(REFUSED_PLAIN if self._plain else REFUSED)
        return found[:MOST_ADDRESSES]


class Connections:
    """Connections that are kept between requests, by origin; each sends one request at a time.

    httpcore's pool looks at all of its connections twice for each request, which took a third of
    the CPU time of a webhook. The worker limits the number of requests.
    """

    def __init__(self, allowed: Sequence[Network], ssl_context: ssl.SSLContext) -> None:
        """Store the rules; see ``Outbound``."""
        self._context = ssl_context
        names = NameLookUps()
        self._backends = {
            plain: GuardedBackend(allowed, names, plain=plain) for plain in (True, False)
        }
        self._idle: dict[str, list[httpcore.AsyncHTTPConnection]] = {}
        self._count = 0

    async def take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """Return a connection that is kept, or one that is yet to be opened."""
        while (key := str(origin)) in self._idle:
            connection = self._pop(key, -1)
            if not (connection.is_closed() or connection.has_expired()):
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._context,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=self._backends[origin.scheme == PLAIN.encode()],
        )

    async def give(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection if it can be used again, and close the oldest if there are too many."""
        if connection.is_closed() or not connection.is_idle():
            await connection.aclose()
            return
        self._idle.setdefault(str(origin), []).append(connection)
        self._count += 1
        if self._count > KEPT_CONNECTIONS:
            await self._pop(next(iter(self._idle)), 0).aclose()

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            await self._pop(next(iter(self._idle)), 0).aclose()

    def _pop(self, origin: str, place: int) -> httpcore.AsyncHTTPConnection:
        connection = self._idle[origin].pop(place)
        self._count -= 1
        if not self._idle[origin]:
            del self._idle[origin]
        return connection


class Outbound:
    """A client for requests to targets of users."""

    def __init__(
        self, allowed: Sequence[Network] = (), ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """Create the client; no connection is opened yet.

        Args:
            allowed: Networks that are allowed although they are not public.
            ssl_context: Trusted certificates; by default those of the system.
        """
        self._allowed = allowed
        self._context = ssl_context
        self._connections: Connections | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a POST and return its answer.

        Raises:
            NotDelivered: There is no answer, or the address is refused.
        """
        return await self.request("POST", url, headers, body)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send a request and return its answer.

        Raises:
            NotDelivered: There is no answer, or the address is refused.
        """
        if self._connections is None:
            context = self._context or httpcore.default_ssl_context()
            self._connections = Connections(self._allowed, context)
        origin = httpcore.URL(url).origin
        connection = await self._connections.take(origin)
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with connection.stream(method, url, headers=lines, content=body) as got:
                answer = await _read(got)
                found = [(name.decode(), value.decode("latin-1")) for name, value in got.headers]
                return Answer(got.status, _header(got, b"retry-after"), found, answer)
        except Refused as refused:
            raise NotDelivered(str(refused), is_final=True) from None
        except ssl.SSLError as error:
            raise NotDelivered(f"no secure connection: {error.reason or 'TLS failed'}") from None
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            OSError,
        ) as error:
            raise NotDelivered(f"no answer: {error or type(error).__name__}") from None
        finally:
            await self._connections.give(origin, connection)

    async def close(self) -> None:
        """Close all connections."""
        if self._connections is not None:
            await self._connections.close()


async def _read(answer: httpcore.Response) -> bytes:
    """Read a body to its end, so that the connection can be used again, or to ``MOST_READ``."""
    body = bytearray()
    async for part in answer.aiter_stream():
        body += part
        if len(body) > MOST_READ:
            break
    return bytes(body[:MOST_READ])


def _header(answer: httpcore.Response, wanted: bytes) -> str | None:
    for name, value in answer.headers:
        if name.lower() == wanted:
            return value.decode("latin-1")
    return None


def check(answer: Answer, now: float) -> str:
    """Return the words for a successful answer.

    Args:
        answer: The answer.
        now: The current time, in Unix seconds.

    Raises:
        NotDelivered: The status is no success.
    """
    reason = f"the target answered {answer.status}"
    if answer.status in range(200, 300):
        return reason
    raise NotDelivered(
        reason,
        is_final=answer.status in FINAL and answer.status not in REPEATED,
        retry_after=retry_after(answer.retry_after, now),
    )


def retry_after(text: str | None, now: float) -> float | None:
    """Return the seconds of a ``Retry-After`` (RFC 9110 section 10.2.3); ``None`` without one.

    Args:
        text: The header's value: seconds, or a date.
        now: The current time, in Unix seconds.
    """
    if text is None:
        return None
    if text.isascii() and text.strip().isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        if at.tzinfo is None:  # the obsolete form of a date names no zone, and means UTC
            at = at.replace(tzinfo=UTC)
        return max(0.0, at.timestamp() - now)
    except (ValueError, OverflowError):
        return None
