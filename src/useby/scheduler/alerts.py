"""Claim products whose alert is due, store their notifications, and schedule their next alerts.

A batch is one transaction: the notifications, a record of each alert sent (a unique key of
product, date and lead), and each product's next due time. So a crash loses the whole batch or
nothing of it, and no alert is sent twice. The cost follows what is due, not what is stored.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from useby import metrics
from useby.actions import alerts as actions
from useby.actions import floods
from useby.actions import snoozes as snooze_actions
from useby.actions.alerts import SentBatch
from useby.backoff import Backoff
from useby.store import alert_holds, alerts, slices, snoozes
from useby.store.database import Database, StoreUnavailable
from useby.store.user_batcher import UserBatcher

log = logging.getLogger(__name__)

MAX_SLEEP: Final = timedelta(seconds=15)
"""Maximum sleep. We sleep on the monotonic clock but alerts follow the wall clock; if that is
changed, this bounds how late we notice."""
MIN_SLEEP: Final = 0.05
"""Minimum sleep, in seconds: rows that are due and locked are another node's for a moment."""
OVERDUE: Final = timedelta(seconds=2)
"""Age from which a due alert is late: another transaction has locked its owner's or its product's
row. Such an owner gets a queue of their own, whose batch may wait for the lock."""
RETRY_SECONDS: Final = 0.5
RETRY_MAX_SECONDS: Final = 30.0


class AlertScheduler:
    """Sends alerts when they are due. Any number of schedulers may run on one database."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Store the database and the wall clock (aware, UTC)."""
        self._database = database
        self._now = now
        self._wake = asyncio.Event()
        self._until: datetime | None = None
        self._late: UserBatcher[str] = UserBatcher(
            "alerts", self._send_late, lambda each: each, most=1
        )

    def wake(self, at: datetime | None = None) -> None:
        """Wake up if an alert due at ``at`` comes before the present sleep ends.

        Args:
            at: The due time, aware; ``None`` if it is unknown, which always wakes.
        """
        if at is None or self._until is None or at < self._until:
            self._wake.set()

    async def run(self) -> None:
        """Send due alerts until cancelled; retry after any failure, with backoff."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._late.run(), name="scheduler-late")
            await self._keep_sending()

    async def _keep_sending(self) -> None:
        backoff = Backoff(RETRY_SECONDS, RETRY_MAX_SECONDS)
        while True:
            self._wake.clear()
            self._until = None  # until the next due time is read, any call of wake() counts
            try:
                while (await self.send_due()).goes_on:
                    pass
                due = await self._next_due()
            except Exception as error:
                if isinstance(error, StoreUnavailable):
                    log.warning("the database is unavailable, alerts are retried: %s", error)
                else:
                    log.exception("sending due alerts failed and is retried")
                await asyncio.sleep(backoff.next())
                continue
            backoff.reset()
            now = self._now()
            latest = now + MAX_SLEEP
            self._until = latest if due is None else min(due, latest)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(MIN_SLEEP, (self._until - now).total_seconds())):
                    await self._wake.wait()

    async def send_due(self, *, of: str | None = None) -> SentBatch:
        """Send one batch of the alerts that are due now.

        Args:
            of: Restricts the batch to this owner. By default, owners with their own queue are
                left out.
        """
        now, left_out = self._now(), self._late.locked_users
        batch = await self._database.write(
            lambda t: actions.send_due(t, now, of=of, left_out=left_out), large=True
        )
        metrics.alert_batches.inc(1 if batch.claimed else 0)
        metrics.alerts_sent.inc(batch.sent)
        metrics.alert_failures.inc(batch.quarantined)
        return batch

    async def _next_due(self) -> datetime | None:
        """Return the next due time, without owners that have their own queue; queue late owners.

        This also does a slice of the unfinished large writes, if there are any, or ends holds and
        snoozes.
        """
        left_out = self._late.locked_users
        due, unfinished, held, snoozed = await self._database.read(
            lambda c: (
                alerts.next_due(c, left_out),
                slices.are_waiting(c),
                alert_holds.next_until(c),
                snoozes.next_due(c),
            )
        )
        before = self._now() - OVERDUE
        if due is not None and due < before:
            for owner in await self._database.read(
                lambda c: alerts.late_owners(c, before, left_out)
            ):
                self._late.put(owner)
        if unfinished:
            now = self._now()
            if await self._database.write(lambda t: slices.do_slice(t, now), large=True):
                return now  # there may be another slice, and this one has made alerts due
            retry = now + OVERDUE  # another node does it, or the user's row is locked
            return retry if due is None else min(due, retry)
        times = [due, await self._end_holds(held), await self._end_snoozes(snoozed)]
        return min((each for each in times if each is not None), default=None)

    async def _end_holds(self, until: datetime | None) -> datetime | None:
        """End the holds that are over; return when the next may end, given the first one."""
        now = self._now()
        if until is None or until > now:
            return until
        await self._database.write(lambda t: floods.release(t, now), large=True)
        return now + OVERDUE  # others may be left, or more of a user's alerts are due

    async def _end_snoozes(self, until: datetime | None) -> datetime | None:
        """End the snoozes that are over; return when the next may end, given the first one."""
        now = self._now()
        if until is None or until > now:
            return until
        ended = await self._database.write(lambda t: snooze_actions.send_due(t, now), large=True)
        return now if ended else now + OVERDUE  # a user's row may be locked

    async def _send_late(self, owners: Sequence[str], *, may_wait: bool) -> Sequence[str]:
        """Send a late owner's due alerts; return the owner again if some are still locked."""
        if not may_wait:
            return owners
        (owner,) = owners
        try:
            while (await self.send_due(of=owner)).goes_on:
                pass
            now = self._now()
            if await self._database.read(lambda c: alerts.is_due(c, owner, now)):
                return owners
        except StoreUnavailable as error:
            log.warning("the database is unavailable, late alerts are retried: %s", error)
            return owners
        except Exception:
            log.exception("sending the late alerts of an owner failed and is retried")
            return owners
        self.wake()
        return ()
