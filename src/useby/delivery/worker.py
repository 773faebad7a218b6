"""Deliver what is in the outbox: claim channels, send their notifications in order, record each.

Any number of workers may run on one database. A worker wakes when a transaction of its node has
added notifications, and when the next row is due. It sends to a limited number of channels at once;
those whose last attempt failed may take half of the places, so that dead targets leave room. Once
half of the places are taken, one user may have only a few of them.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from useby import metrics
from useby.backoff import Backoff
from useby.batcher import Batcher
from useby.delivery.attempts import Senders, attempt, close_shown
from useby.delivery.channel import BatchSender, NotDelivered
from useby.delivery.closings import Closings
from useby.domain.channel import MAX_BATCH, DeliveryState, retry_delay
from useby.domain.delivery import ChannelClaim, Closing, DeliveryOutcome, Pending, WorkerPlaces
from useby.store import channel_claims, outbox
from useby.store.absences import ChannelPosition, absences
from useby.store.database import Database, StoreUnavailable
from useby.store.shown_pushes import ChannelKey

log = logging.getLogger(__name__)

PLACES: Final = 128
"""Maximum number of channels that a node sends to at once."""
FAILING_PLACES: Final = PLACES // 2
PLACES_OF_USER: Final = 8
"""Maximum number of channels of one user, and as many failing ones, that a node sends to at once
while half of its places are taken. With less to do, all channels of a user, at most 20, have a
place, so a target that hangs delays no other channel of its user."""
TURN: Final = 50
"""Maximum notifications that a channel is sent before others have their turn."""
TURN_SECONDS: Final = 2.0
"""Time after which a channel sends nothing more before others have their turn."""
MAX_SLEEP: Final = 15.0
"""Maximum sleep, in seconds: the wall clock may be changed, and other nodes may stop."""
MIN_SLEEP: Final = 0.05
"""Minimum sleep, in seconds: what is committed in that time is looked up together."""
GRACE: Final = timedelta(seconds=3)
"""Time in which only a node that has a device of the user decides about an ``onlyWhenAway``."""
GRACE_SLEEP: Final = 0.5
MOST_ABSENCES: Final = 200
"""Maximum channels whose presence is looked up at once; the next look begins behind them."""
RETRY_SECONDS: Final = 0.5
RETRY_MAX_SECONDS: Final = 30.0

GONE: Final = DeliveryOutcome((), DeliveryState.FAILED, is_gone=True)
"""Outcome of an attempt on a target that exists no more."""

HasSeen = Callable[[str, int, timedelta], bool]
"""Return whether a device on this node has been sent a notification and was in use; see
``realtime.hub.Hub.has_seen``."""


@dataclass(eq=False, slots=True)
class _Record:
    """A result that waits to be stored, and the next row of the channel."""

    claim: ChannelClaim
    outcome: DeliveryOutcome | Closing | None
    ends: bool
    most: int
    next: asyncio.Future[Pending | Closing | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class DeliveryWorker:
    """Sends what the outbox has for the channels of all users."""

    def __init__(
        self,
        database: Database,
        senders: Senders,
        has_seen: HasSeen,
        now: Callable[[], datetime],
        *,
        several_nodes: bool,
    ) -> None:
        """Store the parts; ``run`` starts the work.

        Args:
            database: The database.
            senders: The kinds of channels that this node can send to.
            has_seen: Tells whether a device on this node has a notification and is in use.
            now: The wall clock: aware, UTC.
            several_nodes: Whether devices of a user may be connected to other nodes.
        """
        self._database = database
        self.senders = senders
        self._has_seen = has_seen
        self._now = now
        self._grace = GRACE if several_nodes else timedelta()
        self._looked_at: ChannelPosition | None = None
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], ChannelClaim] = {}
        self._closings = Closings(database, now, self.wake)
        self._records: Batcher[_Record] = Batcher(self._store, _not_stored, size=PLACES)

    def wake(self) -> None:
        """Look at the outbox soon: a transaction may have added to it."""
        self._wake.set()

    def on_read(self, user_id: str) -> None:
        """Close soon what the browsers of a user show and the user has read."""
        self._closings.add(user_id)

    async def run(self) -> None:
        """Deliver until cancelled; retry after any failure, with backoff."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._records.run(), name="delivery-records")
                group.create_task(self._closings.run(), name="delivery-closings")
                await self._keep_delivering()
        finally:
            await self._stop()

    async def _keep_delivering(self) -> None:
        backoff = Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS)
        while True:
            self._wake.clear()
            try:
                seconds = await self._start_turns()
            except StoreUnavailable as error:
                log.warning("the database is unavailable, deliveries are retried: %s", error)
                await asyncio.sleep(backoff.next())
                continue
            except Exception:
                log.exception("looking for deliveries failed and is retried")
                await asyncio.sleep(backoff.next())
                continue
            backoff.reset()
            await asyncio.sleep(MIN_SLEEP)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _start_turns(self) -> float:
        """Claim what is due, as far as there are places; return the seconds until more is due."""
        now = self._now()
        places = PLACES if self._is_busy else PLACES // 2
        taken = {fails: self._places(failing=fails) for fails in (False, True)}
        due = await self._database.read(
            lambda c: channel_claims.next_due(c, taken[False], taken[True])
        )
        failing = FAILING_PLACES - sum(each.failures > 0 for each in self._running.values())
        soonest = [now + timedelta(seconds=MAX_SLEEP)]
        groups = ((due.fresh, PLACES, False), (due.failing, failing, True))
        for at, limit, fails in sorted(groups, key=lambda group: group[0] or now):
            most = min(limit, places - len(self._running))
            if at is None or most <= 0:
                continue  # the end of a turn wakes us
            if at > now:
                soonest.append(at)
                continue
            claims = await self._claim(now, most, taken[fails], failing=fails)
            for each in claims:
                self._start(each)
            # Others may be due as well. Without a claim, what is due is left to other nodes.
            pause = 0.0 if claims or self._looked_at else GRACE_SLEEP
            soonest.append(now + timedelta(seconds=pause))
        return max(0.0, (min(soonest) - now).total_seconds())

    @property
    def _is_busy(self) -> bool:
        return len(self._running) >= PLACES // 2

    def _places(self, *, failing: bool) -> WorkerPlaces:
        if not self._is_busy:
            return channel_claims.UNLIMITED
        turns = [each for each in self._running.values() if (each.failures > 0) is failing]
        return WorkerPlaces(Counter(each.channel.user_id for each in turns), PLACES_OF_USER)

    async def _claim(
        self, now: datetime, most: int, places: WorkerPlaces, *, failing: bool
    ) -> list[ChannelClaim]:
        present: list[ChannelKey] = []
        if self._grace:
            waiting = await self._database.read(
                lambda c: absences(c, now, self._grace, MOST_ABSENCES, self._looked_at)
            )
            self._looked_at = waiting[-1].place if len(waiting) == MOST_ABSENCES else None
            present = [
                each.key for each in waiting if self._has_seen(each.key[0], each.seq, each.presence)
            ]
        return await self._database.write(
            lambda t: channel_claims.claim(
                t,
                now,
                most,
                failing=failing,
                places=places,
                grace=self._grace,
                present=present,
            )
        )

    def _start(self, claim: ChannelClaim) -> None:
        task = asyncio.create_task(self._turn(claim), name="delivery")
        self._running[task] = claim
        metrics.deliveries_running.set(len(self._running))
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        metrics.deliveries_running.set(len(self._running))
        self._wake.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # The claim ends by itself, and the notification is sent again, with the same id.
            log.warning("the database is unavailable, a delivery is repeated: %s", error)

    async def _turn(self, claim: ChannelClaim) -> None:
        """Send the pending notifications of a channel, one after the other, and close read ones."""
        failures, ends = claim.failures, False
        outcome: DeliveryOutcome | Closing | None = None
        end = time.monotonic() + TURN_SECONDS
        for number in range(TURN + 1):
            is_over = number == TURN or (number > 0 and time.monotonic() >= end)
            found = await self._record(claim, outcome, ends=ends or is_over)
            if found is None:
                return
            if isinstance(found, Closing):
                outcome = await self._close_shown(claim, found)
                ends = outcome is None
                continue
            outcome = await self._deliver(claim, found, failures)
            ends = outcome is None
            if outcome is not None and outcome.state is DeliveryState.SENT:
                failures = 0

    async def _close_shown(
        self, claim: ChannelClaim, closing: Closing
    ) -> DeliveryOutcome | Closing | None:
        """Close what a channel shows; ``None`` to do so in its next turn, since the attempt failed.

        Nobody misses anything, so such a failure does not delay or mark the channel.
        """
        try:
            await close_shown(self.senders, claim.channel, list(closing.ids.values()))
        except NotDelivered as failed:
            if failed.is_gone:
                return GONE
            return closing if failed.is_final else None
        return closing

    async def _deliver(
        self, claim: ChannelClaim, pending: Pending, failures: int
    ) -> DeliveryOutcome | None:
        """Send the first rows, or skip them; ``None`` to leave them to the node with the device."""
        channel, kind = claim.channel, claim.channel.kind.value
        seqs = tuple(each.seq for each in pending.batch)
        if channel.only_when_away:
            seen = [s for s in seqs if self._has_seen(channel.user_id, s, channel.presence)]
            if seen:
                metrics.deliveries.labels(kind, "skipped_seen").inc(len(seen))
                return DeliveryOutcome(tuple(seen), DeliveryState.SKIPPED_SEEN)
            if not claim.may_send(pending.notification):
                return None
        batch_id = f"{channel.id}.{pending.end}"
        try:
            await attempt(self.senders, channel, *pending.batch, batch_id=batch_id)
        except NotDelivered as failed:
            log.debug("channel %s: %s", channel.id, failed.reason)
            metrics.deliveries.labels(kind, "failed" if failed.is_final else "retried").inc()
            if failed.is_gone:
                return GONE
            if failed.is_final:
                return DeliveryOutcome(seqs, DeliveryState.FAILED, failed.reason)
            delay = retry_delay(failures + 1, failed.retry_after, random.random())  # noqa: S311
            return DeliveryOutcome(seqs, DeliveryState.PENDING, failed.reason, delay)
        metrics.deliveries.labels(kind, "sent").inc()
        return DeliveryOutcome(seqs, DeliveryState.SENT)

    async def _record(
        self, claim: ChannelClaim, outcome: DeliveryOutcome | Closing | None, *, ends: bool
    ) -> Pending | Closing | None:
        """Store an outcome, and return what the channel sends next; ``None`` ends the turn."""
        is_batch = isinstance(self.senders.get(claim.channel.kind), BatchSender)
        record = _Record(claim, outcome, ends, MAX_BATCH if is_batch else 1)
        self._records.put(record)
        return await record.next

    async def _store(self, records: Sequence[_Record]) -> None:
        now = self._now()
        try:
            rows = await self._database.write(
                lambda t: [
                    outbox.advance(t, each.claim, each.outcome, now, ends=each.ends, most=each.most)
                    for each in records
                ]
            )
        except StoreUnavailable as error:
            for each in records:
                if not each.next.done():
                    each.next.set_exception(error)
            return
        for each, row in zip(records, rows, strict=True):
            if not each.next.done():
                each.next.set_result(row)

    async def _stop(self) -> None:
        """Cancel what is being sent, and end the claims, so that another node goes on at once."""
        running = dict(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for sender in self.senders.values():
            await sender.close()
        if not running:
            return
        now, claims = self._now(), list(running.values())
        with contextlib.suppress(StoreUnavailable):
            await self._database.write(lambda t: outbox.release(t, claims, now))


def _not_stored(record: _Record) -> None:
    if not record.next.done():
        record.next.set_exception(StoreUnavailable("the outcome could not be stored"))
