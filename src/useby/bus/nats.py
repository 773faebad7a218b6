"""Bus of a cluster: core NATS, with a subject for each user who is connected to this node.

Requests, sockets and the scheduler never wait for NATS. They put hints in a queue and user ids in
a set, and one task works off both. It sends as much as any kernel buffers, then makes a round trip.
A stalled server does not answer that, so the task detects it before anything can block
(``publish`` of nats-py blocks on a stalled server, and swallows the cancellation of its caller).

A lost connection is replaced by a new one. nats-py would reconnect by itself, but it waits without
limit for a stalled server to read what it was sent, before it tries another.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections import deque
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error, SlowConsumerError

from useby import metrics
from useby.backoff import Backoff
from useby.bus import BusMessage, Gap, Listener
from useby.bus.hints import decode, encode, hints_of, subject_of
from useby.domain.events import Event
from useby.settings import Settings

log = logging.getLogger(__name__)

MAX_QUEUED_HINTS: Final = 4096
MAX_QUEUED_BYTES: Final = 512 * 1024
"""Maximum size of the send queue, in bytes. The oldest hints are dropped first: they are stale,
and the sweep reconciles their users."""
BATCH_HINTS: Final = 512
BATCH_BYTES: Final = 32 * 1024
"""Bytes sent before a round trip: less than asyncio and the kernel buffer without a reader."""
BATCH_USERS: Final = 128
"""Subscriptions that are made or ended before a round trip, which confirms all of them."""
ROUND_TRIP_SECONDS: Final = 5
CONNECT_SECONDS: Final = 5
HANG_UP_SECONDS: Final = 1.0
PING_SECONDS: Final = 5
"""Seconds between pings on an idle connection; two without an answer end it."""
RETRY_SECONDS: Final = 0.1
RETRY_MAX_SECONDS: Final = 5.0
WAITING_HINTS: Final = 256
"""Maximum number of one user's received hints that wait for the listener; more are a flood."""


class ConnectionLost(Exception):  # noqa: N818 - the name describes the event
    """Raised when the connection to NATS is lost."""


class NatsBus:
    """Implements ``Bus`` with NATS. All of it runs on the event loop."""

    def __init__(self, settings: Settings) -> None:
        """Read the servers' addresses and credentials from the settings; ``run`` connects."""
        self.connected = False
        # Each node begins with a random server and goes on with the next.
        self._servers = deque(random.sample(settings.nats_url, len(settings.nats_url)))
        self._credentials = settings.nats_credentials
        self._tls = (
            None
            if settings.nats_ca is None
            else ssl.create_default_context(cafile=str(settings.nats_ca))
        )
        self._listener: Listener | None = None
        self._hints: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._followed: set[str] = set()
        self._changed: set[str] = set()
        """Ids of users whose subscription has to be made or ended."""
        self._subscriptions: dict[str, Subscription] = {}
        self._has_work = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def set_listener(self, listener: Listener) -> None:
        """Implement ``Bus.set_listener``."""
        self._listener = listener

    def publish(self, event: Event) -> None:
        """Implement ``Bus.publish``: queue the hints, and drop the oldest if the queue is full."""
        for hint in hints_of(event):
            message = subject_of(hint.user_id), encode(hint)
            self._hints.append(message)
            self._size += sum(map(len, message))
            self._all_sent.clear()
        while len(self._hints) > MAX_QUEUED_HINTS or self._size > MAX_QUEUED_BYTES:
            self._take()
            metrics.hints_dropped.inc()
        self._has_work.set()

    def subscribe(self, user_id: str) -> None:
        """Implement ``Bus.subscribe``."""
        self._followed.add(user_id)
        self._changed.add(user_id)
        self._has_work.set()

    def unsubscribe(self, user_id: str) -> None:
        """Implement ``Bus.unsubscribe``."""
        self._followed.discard(user_id)
        self._changed.add(user_id)
        self._has_work.set()

    async def flush(self) -> None:
        """Wait until a server has received everything published so far."""
        await self._all_sent.wait()

    async def run(self) -> None:
        """Implement ``Bus.run``: replace each lost connection by a new one, with backoff."""
        backoff, connections = Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS), 0
        while True:
            client = Client()
            try:
                await self._connect(client)
                log.info("connected to NATS")
                metrics.nats_reconnects.inc(1 if connections else 0)
                connections += 1
                backoff.reset()
                await self._carry(client)
            except (Error, ConnectionLost, OSError, ssl.SSLError, TimeoutError) as error:
                log.warning("no connection to NATS: %s", str(error) or type(error).__name__)
            except Exception:
                log.exception("the connection to NATS failed and is replaced")
            finally:
                self._set_connected(connected=False)
                await _abort(client)
            _reraise_cancellation()
            await asyncio.sleep(backoff.next())

    async def _connect(self, client: Client) -> None:
        self._servers.rotate(-1)
        self._lost = lost = asyncio.get_running_loop().create_future()

        async def on_lost() -> None:
            if not lost.done():
                lost.set_result(None)
                self._has_work.set()

        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect(
                list(self._servers),
                dont_randomize=True,
                name="useby",
                error_cb=self._on_error,
                disconnected_cb=on_lost,
                closed_cb=on_lost,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=1,
                connect_timeout=2,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=2,
                pending_size=2 * BATCH_BYTES,
                flush_timeout=ROUND_TRIP_SECONDS,
                no_echo=True,  # this node has its own events already
                user_credentials=self._credentials and str(self._credentials),
                tls=self._tls,
            )
        _reraise_cancellation()

    async def _carry(self, client: Client) -> None:
        """Subscribe and send over one connection, until it is lost."""
        self._subscriptions = {}
        self._changed = set(self._followed)
        await self._subscribe(client)
        self._set_connected(connected=True)
        # Hints published while there was no connection are lost, so all users are reconciled.
        self._pass_on(Gap())
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            while self._changed or self._hints:
                await self._subscribe(client)
                await self._send(client)
            if self._lost.done():
                raise ConnectionLost("the connection was lost")

    async def _subscribe(self, client: Client) -> None:
        """Make and end subscriptions; once confirmed, have the new ones' users reconciled."""
        while self._changed:
            turn = [self._changed.pop() for _ in range(min(BATCH_USERS, len(self._changed)))]
            for user_id in turn:
                subscription = self._subscriptions.get(user_id)
                if subscription is None and user_id in self._followed:
                    self._subscriptions[user_id] = await client.subscribe(
                        subject_of(user_id),
                        cb=self._on_message,
                        pending_msgs_limit=WAITING_HINTS,
                    )
                elif subscription is not None and user_id not in self._followed:
                    del self._subscriptions[user_id]
                    await subscription.unsubscribe()
            await self._round_trip(client)
            # The order is: subscribe, then read. Hints of commits from here on are received, and
            # earlier commits are in the database.
            if followed := [each for each in turn if each in self._subscriptions]:
                self._pass_on(Gap(tuple(followed)))

    async def _send(self, client: Client) -> None:
        sent = size = 0
        while self._hints and sent < BATCH_HINTS and size < BATCH_BYTES:
            subject, data = self._take()
            await client.publish(subject, data)
            sent, size = sent + 1, size + len(subject) + len(data)
        if sent:
            await self._round_trip(client)
            metrics.hints_sent.inc(sent)
        if not self._hints:
            self._all_sent.set()

    async def _round_trip(self, client: Client) -> None:
        # After the connection has ended, nats-py would wait for an answer that cannot come.
        flush = asyncio.create_task(client.flush(ROUND_TRIP_SECONDS), name="bus-round-trip")
        try:
            await asyncio.wait((flush, self._lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            flush.cancel()
            flush.add_done_callback(lambda task: task.cancelled() or task.exception())
        if self._lost.done():
            raise ConnectionLost("the connection was lost")
        await flush
        _reraise_cancellation()

    def _take(self) -> tuple[str, bytes]:
        message = self._hints.popleft()
        self._size -= sum(map(len, message))
        return message

    def _pass_on(self, message: BusMessage) -> None:
        if self._listener is not None:
            self._listener(message)

    def _set_connected(self, *, connected: bool) -> None:
        self.connected = connected
        metrics.nats_connected.set(connected)

    # nats-py calls these.

    async def _on_message(self, message: Msg) -> None:
        metrics.hints_received.inc()
        hint = decode(message.subject, message.data)
        if hint.user_id in self._followed:
            self._pass_on(hint)

    async def _on_error(self, error: Exception) -> None:
        if isinstance(error, SlowConsumerError):  # a flood: hints were dropped
            log.warning("hints of one user came too fast and were dropped; the user is reconciled")
            self._pass_on(decode(error.subject, b""))
        elif self.connected:
            log.warning(
                "NATS reported an error, all users are reconciled: %s",
                str(error) or type(error).__name__,
            )
            self._pass_on(Gap())


def _reraise_cancellation() -> None:
    """Raise the current task's cancellation, which nats-py may have swallowed."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _abort(client: Client) -> None:
    """Close a connection at once, without waiting for a server that does not read."""
    transport = client._transport  # noqa: SLF001 - nats-py has no way to drop unsent data
    writer = getattr(transport, "_io_writer", None)
    if writer is not None:
        writer.transport.abort()
    with contextlib.suppress(Error, OSError, TimeoutError):
        async with asyncio.timeout(HANG_UP_SECONDS):
            await client.close()
