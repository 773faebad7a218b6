"""Record what became of the notifications of a claimed channel, and find those that are next.

A worker claims a channel (``store.channel_claims``), sends its pending notifications in the order
of ``seq``, and records each before it sends the next. Nothing here waits for rows that other
transactions lock.

A channel without pending rows has no ``next_at``, and the trigger that adds a row sets it. Writers
of notifications hold the row of their user, so ``next_at`` becomes empty under the same lock: no
row that is being added is overlooked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final

import sqlalchemy as sa

from useby.domain.channel import (
    MOST_DELIVERIES,
    RETRIES_END,
    SHOWING_KINDS,
    ChannelState,
    DeliveryState,
)
from useby.domain.delivery import Claim, Closing, Outcome, Pending
from useby.domain.events import DeliveriesGivenUp
from useby.domain.notification import Notification
from useby.store import (
    channel_rests,
    channels,
    notification_items,
    notifications,
    shown_pushes,
)
from useby.store.channel_claims import CLAIM_SECONDS
from useby.store.channel_rests import Rest
from useby.store.database import Transaction
from useby.store.locks import try_lock_users
from useby.store.schema import channels as table
from useby.store.schema import notifications as stored
from useby.store.schema import outbox

LOCKED_SECONDS: Final = 0.2
"""Time after which a channel is looked at again whose user another transaction locks."""
MOST_READ: Final = 100
"""Maximum read notifications that are skipped at once."""
MOST_ERROR: Final = 300
UNDELIVERED: Final = "given up: nothing could be delivered for 24 hours"


def advance(
    transaction: Transaction,
    claim: Claim,
    outcome: Outcome | Closing | None,
    now: datetime,
    *,
    ends: bool,
    most: int = 1,
) -> Pending | Closing | None:
    """Record the outcome of a channel's first pending rows, and return what is to be sent next.

    Args:
        transaction: The running write.
        claim: The claim.
        outcome: What became of the rows, or what has been closed; ``None`` at the beginning.
        now: The current time, aware.
        ends: True to end the claim in any case.
        most: Maximum number of notifications that are sent together. Those that wait for their
            time are sent with one that is due.

    Returns:
        The next rows to send, or, if none is due, what is to be closed; ``None`` if the claim is
        over: nothing is due, the attempt is to be repeated later, the channel is deleted, or
        another node has claimed it.
    """
    turn = _Turn(transaction, claim, now)
    if not turn.is_held():
        return None
    if isinstance(outcome, Closing):
        shown_pushes.forget(transaction.connection, claim.channel.key, outcome.ids)
    elif outcome is not None:
        if outcome.is_gone:
            turn.delete()
            return None
        turn.record(outcome)
        if outcome.delay:
            turn.release(now + outcome.delay)
            return None
    head = turn.head(most)
    is_due = head is not None and head.due_at <= now
    if not ends and (found := head if is_due else turn.closing()):
        turn.renew(found)
        return found
    turn.release(turn.idle_until() if head is None else max(head.due_at, now))
    return None


def release(transaction: Transaction, claims: Sequence[Claim], now: datetime) -> None:
    """End claims whose worker stops, so that others go on at once."""
    for each in claims:
        turn = _Turn(transaction, each, now)
        if turn.is_held():
            turn.release(now)


class _Turn:
    """Statements about one claimed channel."""

    def __init__(self, transaction: Transaction, claim: Claim, now: datetime) -> None:
        self._transaction = transaction
        self._run = transaction.connection.execute
        self._now = now
        self._claim = claim
        channel = claim.channel
        self._user_id, self._key = channel.user_id, channel.key
        self._shows = channel.kind in SHOWING_KINDS
        self._batch_end = 0
        self._held = (
            table.c.user_id == channel.user_id,
            table.c.id == channel.id,
            table.c.claim == claim.id,
        )
        self._rows = (outbox.c.user_id == channel.user_id, outbox.c.channel_id == channel.id)
        self._pending = (*self._rows, outbox.c.state == DeliveryState.PENDING)
        self._rest: Rest | None = None
        if claim.may_rest:
            self._rest = channel_rests.rest_of(transaction.connection, channel.user_id, now)

    def is_held(self) -> bool:
        """Lock the channel; return false if the claim is over, or its user changes the channel.

        The lock allows others to add rows that refer to the channel.
        """
        select = (
            sa.select(table.c.batch_end)
            .where(*self._held)
            .with_for_update(key_share=True, skip_locked=True)
        )
        row = self._run(select).first()
        if row is not None:
            self._batch_end = row[0] or 0
        return row is not None

    def record(self, outcome: Outcome) -> None:
        """Store the outcome of some rows, and the state of the channel."""
        error = None if outcome.error is None else outcome.error[:MOST_ERROR]
        tried = outcome.state not in (DeliveryState.SKIPPED_READ, DeliveryState.SKIPPED_SEEN)
        done_at = None if outcome.state is DeliveryState.PENDING else self._now
        self._run(
            sa.update(outbox)
            .where(*self._pending, outbox.c.seq.in_(outcome.seqs))
            .values(
                state=outcome.state,
                done_at=done_at,
                error=error,
                attempts=outbox.c.attempts + int(tried),
            )
        )
        if not tried:
            return
        if outcome.state is DeliveryState.SENT and self._shows:
            for seq in outcome.seqs:
                shown_pushes.add(self._transaction.connection, self._key, seq)
        values: dict[str, Any] = {"failures": 0, "failing_since": None}
        if outcome.state is DeliveryState.SENT:
            values |= {"state": ChannelState.OK, "error": None, "error_at": None}
        else:
            values |= {"state": ChannelState.FAILED, "error": error, "error_at": self._now}
        if outcome.state is DeliveryState.PENDING:
            values |= self._failing()
        self._run(sa.update(table).where(*self._held).values(**values))

    def _failing(self) -> dict[str, Any]:
        """Give up what was due 24 hours ago, if all attempts since then have failed."""
        first = self._run(sa.select(table.c.failing_since).where(*self._held)).scalar()
        since = self._now if first is None else first
        values = {"failures": table.c.failures + 1, "failing_since": since}
        before = self._now - RETRIES_END
        given_up = 0
        if since <= before:
            old = self._run(
                sa.update(outbox)
                .where(*self._pending, outbox.c.due_at <= before)
                .values(
                    state=DeliveryState.FAILED,
                    done_at=self._now,
                    error=sa.func.coalesce(outbox.c.error, UNDELIVERED),
                )
            )
            given_up = old.rowcount
        if given_up:
            kind = self._claim.channel.kind
            self._transaction.publish(DeliveriesGivenUp(kind, given_up))
        return values | {"state": ChannelState.FAILED if given_up else ChannelState.RETRYING}

    def head(self, most: int) -> Pending | None:
        """Return the first rows that may be sent and are unread; read ones before are skipped."""
        limit = most  # mostly the first is unread
        while True:
            rows = self._first(limit)
            found = [notifications.from_columns(row[1:]) for row in rows]
            first = next((n for n, each in enumerate(found) if each.read_at is None), len(found))
            if first:
                self._skip([each.seq for each in found[:first]])
            if first < len(found):
                return self._batch(found[first:], rows[first][0], most)
            if len(found) < limit:
                return None
            limit = MOST_READ

    def _first(self, limit: int) -> Sequence[Sequence[Any]]:
        passes = sa.true() if self._rest is None else self._rest.passes
        return self._run(
            sa.select(outbox.c.due_at, *notifications.COLUMNS)
            .join(
                stored,
                sa.and_(stored.c.user_id == outbox.c.user_id, stored.c.seq == outbox.c.seq),
            )
            .where(*self._pending, passes)
            .order_by(outbox.c.seq)
            .limit(limit)
        ).all()

    def _batch(self, rows: Sequence[Notification], due_at: datetime, most: int) -> Pending:
        """Return what is sent together: all that is unread, or what an attempt had that failed."""
        unread = [each for each in rows if each.read_at is None][:most]
        if self._claim.may_send(unread[0]):
            unread = list(takewhile(self._claim.may_send, unread))
        end = self._batch_end if self._batch_end >= unread[0].seq else unread[-1].seq
        together = [each for each in unread if each.seq <= end]
        first, *others = notification_items.with_items(self._transaction.connection, together)
        return Pending(first, due_at, tuple(others), end)

    def closing(self) -> Closing | None:
        """Return what the channel may show although it is read."""
        if not self._shows:
            return None
        ids = shown_pushes.read(self._transaction.connection, self._key)
        return Closing(ids) if ids else None

    def _skip(self, read: Sequence[int]) -> None:
        self._run(
            sa.update(outbox)
            .where(*self._pending, outbox.c.seq.in_(read))
            .values(state=DeliveryState.SKIPPED_READ, done_at=self._now)
        )

    def idle_until(self) -> datetime | None:
        """Return when to look at a channel that has nothing to send: never, soon, or after a rest.

        A transaction that holds the user's row may be about to add some.
        """
        soon = self._now + timedelta(seconds=LOCKED_SECONDS)
        if not try_lock_users(self._transaction, [self._user_id]):
            return soon
        is_pending = self._run(sa.select(outbox.c.seq).where(*self._pending).limit(1)).first()
        if is_pending is None:
            return None
        if self._rest is not None and self.head(1) is None:
            return self._rest.until
        return self._now

    def delete(self) -> None:
        """Delete the channel; look again soon if a transaction holds the user's row.

        That transaction may be about to add deliveries, which refer to the channel.
        """
        if try_lock_users(self._transaction, [self._user_id]):
            channels.delete(self._transaction, *self._key)
        else:
            self.release(self._now + timedelta(seconds=LOCKED_SECONDS))

    def renew(self, found: Pending | Closing) -> None:
        """Extend the claim, and store where the batch ends that is about to be sent."""
        values: dict[str, Any] = {"next_at": self._now + timedelta(seconds=CLAIM_SECONDS)}
        if isinstance(found, Closing):
            values["batch_end"] = None
        elif self._claim.may_send(found.notification):
            values["batch_end"] = found.end
        self._set(**values)

    def release(self, at: datetime | None) -> None:
        """End the claim, and let the next be at a time; delete all but the newest deliveries."""
        self._set(next_at=at, claim=None)
        done = (*self._rows, outbox.c.state != DeliveryState.PENDING)
        first_kept = (
            sa.select(outbox.c.seq)
            .where(*done)
            .order_by(outbox.c.seq.desc())
            .offset(MOST_DELIVERIES - 1)
            .limit(1)
        )
        seq = self._run(first_kept).scalar()
        if seq is not None:
            self._run(sa.delete(outbox).where(*done, outbox.c.seq < seq))
            if self._shows:
                shown_pushes.forget_before(self._transaction.connection, self._key, seq)

    def _set(self, **values: Any) -> None:
        self._run(sa.update(table).where(*self._held).values(**values))
