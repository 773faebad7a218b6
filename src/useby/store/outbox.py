"""Record the results of sending the notifications of a claimed channel, and find the next ones.

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
    RETRIES_END,
    SHOWING_KINDS,
    ChannelState,
    DeliveryState,
)
from useby.domain.delivery import ChannelClaim, Closing, DeliveryOutcome, Pending
from useby.domain.events import DeliveriesGivenUp
from useby.domain.notification import Notification
from useby.store import (
    channel_rests,
    channels,
    notification_items,
    notifications,
    shown_pushes,
)
from useby.store import outbox_statements as statements
from useby.store.channel_claims import CLAIM_SECONDS
from useby.store.channel_rests import Rest
from useby.store.database import Transaction
from useby.store.locks import try_lock_users
from useby.store.outbox_statements import MOST_GIVEN_UP

LOCKED_SECONDS: Final = 0.2
"""Time after which a channel is looked at again whose user another transaction locks."""
MOST_READ: Final = 100
"""Maximum read notifications that are skipped at once."""
MOST_PAGES: Final = 10
"""Maximum number of times that this is done in one transaction, for which others may wait."""
MOST_ERROR: Final = 300


def advance(
    transaction: Transaction,
    claim: ChannelClaim,
    outcome: DeliveryOutcome | Closing | None,
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
    turn = _ChannelTurn(transaction, claim, now)
    if not turn.lock():
        return None
    if isinstance(outcome, Closing):
        shown_pushes.forget(transaction.connection, claim.channel.key, outcome.ids)
    elif outcome is not None:
        if outcome.is_gone:
            turn.delete()
            return None
        turn.record(outcome)
        if outcome.delay:
            turn.release(now if turn.gives_up_more else now + outcome.delay)
            return None
    elif turn.goes_on_giving_up():
        turn.release(now)
        return None
    head = turn.head(most)
    is_due = head is not None and head.due_at <= now
    if not ends and (found := head if is_due else turn.closing()):
        turn.renew(found)
        return found
    turn.release(turn.idle_until() if head is None else max(head.due_at, now))
    return None


def release(transaction: Transaction, claims: Sequence[ChannelClaim], now: datetime) -> None:
    """End claims whose worker stops, so that others go on at once."""
    for each in claims:
        turn = _ChannelTurn(transaction, each, now)
        if turn.lock():
            turn.release(now)


class _ChannelTurn:
    """Statements about one claimed channel."""

    def __init__(self, transaction: Transaction, claim: ChannelClaim, now: datetime) -> None:
        self._transaction = transaction
        self._now = now
        self._claim = claim
        channel = claim.channel
        self._user_id, self._key = channel.user_id, channel.key
        self._shows = channel.kind in SHOWING_KINDS
        self._batch_end: int | None = None
        self._state = ChannelState.OK
        self._failures = 0
        self._failing_since: datetime | None = None
        self._due_upto = 0
        self._due_by: datetime | None = None
        self._has_more = False
        self.gives_up_more = False
        """True if more than ``MOST_GIVEN_UP`` notifications are to be given up."""
        self._rest: Rest | None = None
        if claim.may_rest:
            self._rest = channel_rests.rest_of(transaction.connection, channel.user_id, now)

    def _run(self, statement: sa.Executable, **values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
        """Execute a statement about the channel."""
        user_id, channel_id = self._key
        values |= {"owner": user_id, "channel": channel_id, "holder": self._claim.id}
        return self._transaction.connection.execute(statement, values)

    def lock(self) -> bool:
        """Lock the channel; return false if the claim is over, or its user changes the channel.

        The lock allows others to add rows that refer to the channel.
        """
        row = self._run(statements.LOCK).first()
        if row is None:
            return False
        self._batch_end, self._state, self._failures, self._failing_since, *due = row
        self._due_upto, self._due_by = due[0] or 0, due[1]
        return True

    def record(self, outcome: DeliveryOutcome) -> None:
        """Store the outcome of some rows, and the state of the channel."""
        error = None if outcome.error is None else outcome.error[:MOST_ERROR]
        tried = outcome.state not in (DeliveryState.SKIPPED_READ, DeliveryState.SKIPPED_SEEN)
        done_at = None if outcome.state is DeliveryState.PENDING else self._now
        values: dict[str, Any] = {"new_state": outcome.state, "at": done_at, "why": error}
        self._run(statements.RECORD, seqs=outcome.seqs, count=int(tried), **values)
        if not tried:
            return
        is_sent = outcome.state is DeliveryState.SENT
        if is_sent and self._shows:
            for seq in outcome.seqs:
                shown_pushes.add(self._transaction.connection, self._key, seq)
        values = {"new_state": ChannelState.FAILED, "at": self._now, "why": error}
        values |= {"count": 0, "since": None}
        if is_sent:
            values |= {"new_state": ChannelState.OK, "at": None, "why": None}
        elif outcome.state is DeliveryState.PENDING:
            since = self._failing_since or self._now
            values |= {"count": self._failures + 1, "since": since}
            if not self._gives_up(since):
                values["new_state"] = ChannelState.RETRYING
        self._run(statements.SET_STATE, **values)

    def goes_on_giving_up(self) -> bool:
        """Give up more if the last attempt has done so; return whether there may be even more.

        The rest of a large number follows at once, before the next attempt.
        """
        if self._state is ChannelState.FAILED and self._failing_since is not None:
            self._gives_up(self._failing_since)
        return self.gives_up_more

    def _gives_up(self, since: datetime) -> bool:
        """Give up some of what was due 24 hours ago, if all attempts since then have failed."""
        before = self._now - RETRIES_END
        if since > before:
            return False
        is_moved = self._due_by is not None and self._due_by <= before
        upto = self._due_upto if is_moved else 0
        given_up = self._run(statements.GIVE_UP, before=before, upto=upto, at=self._now).rowcount
        self.gives_up_more = given_up == MOST_GIVEN_UP
        if given_up:
            kind = self._claim.channel.kind
            self._transaction.publish(DeliveriesGivenUp(kind, given_up))
        return given_up > 0

    def head(self, most: int) -> Pending | None:
        """Return the first rows that may be sent and are unread; read ones before are skipped.

        Returns ``None`` as well if many are skipped; ``idle_until`` has the channel looked at
        again then.
        """
        limit, after = most, 0  # mostly the first is unread
        for _ in range(MOST_PAGES):
            rows = self._first(limit, after)
            found = [notifications.from_columns(row[1:]) for row in rows]
            first = next((n for n, each in enumerate(found) if each.read_at is None), len(found))
            if first:
                self._skip([each.seq for each in found[:first]])
            if first < len(found):
                return self._batch(found[first:], rows[first][0], most)
            if len(found) < limit:
                return None
            limit, after = MOST_READ, found[-1].seq
        self._has_more = True
        return None

    def _first(self, limit: int, after: int) -> Sequence[Sequence[Any]]:
        unsent = (
            statements.UNSENT if self._rest is None else statements.UNSENT.where(self._rest.passes)
        )
        return self._run(unsent, after=after, most=limit).all()

    def _batch(self, rows: Sequence[Notification], due_at: datetime, most: int) -> Pending:
        """Return what is sent together: all that is unread, or what an attempt had that failed."""
        unread = [each for each in rows if each.read_at is None][:most]
        if self._claim.may_send(unread[0]):
            unread = list(takewhile(self._claim.may_send, unread))
        end = unread[-1].seq
        if self._batch_end is not None and self._batch_end >= unread[0].seq:
            end = self._batch_end
        together = [each for each in unread if each.seq <= end]
        first, *others = notification_items.with_items(self._transaction.connection, together)
        if self._due_by is not None and first.seq <= self._due_upto:
            due_at = min(due_at, self._due_by)
        return Pending(first, due_at, tuple(others), end)

    def closing(self) -> Closing | None:
        """Return what the channel may show although it is read."""
        if not self._shows:
            return None
        ids = shown_pushes.read(self._transaction.connection, self._key)
        return Closing(ids) if ids else None

    def _skip(self, read: Sequence[int]) -> None:
        self._run(statements.SKIP, seqs=read, at=self._now)

    def idle_until(self) -> datetime | None:
        """Return when to look at a channel that has nothing to send: never, soon, or after a rest.

        A transaction that holds the user's row may be about to add some.
        """
        soon = self._now + timedelta(seconds=LOCKED_SECONDS)
        if not try_lock_users(self._transaction, [self._user_id]):
            return soon
        if self._run(statements.FIRST_PENDING).first() is None:
            return None
        if self._rest is not None and self.head(1) is None and not self._has_more:
            return self._rest.until
        return self._now

    def delete(self) -> None:
        """Delete the channel; look again soon if a transaction holds the user's row.

        That transaction may be about to add deliveries, which refer to the channel.
        """
        if try_lock_users(self._transaction, [self._user_id]):
            channels.delete(self._transaction, *self._key, self._now)
        else:
            self.release(self._now + timedelta(seconds=LOCKED_SECONDS))

    def renew(self, found: Pending | Closing) -> None:
        """Extend the claim, and store where the batch ends that is about to be sent."""
        end = self._batch_end
        if isinstance(found, Closing):
            end = None
        elif self._claim.may_send(found.notification):
            end = found.end
        at = self._now + timedelta(seconds=CLAIM_SECONDS)
        self._run(statements.RENEW, at=at, last_of_batch=end)

    def release(self, at: datetime | None) -> None:
        """End the claim, and let the next be at a time; delete all but the newest deliveries."""
        has_more = self._delete_old()
        self._run(statements.RELEASE, at=self._now if has_more and at is None else at)

    def _delete_old(self) -> bool:
        """Delete some of all but the newest of the deliveries before the first pending one.

        Thousands may be pending while a target is dead. They are not read here: with 5,000 on each
        of 20 channels it took 180 ms, in which nobody else could write to a SQLite file. What
        urgent alerts have finished behind them in quiet hours is deleted once these are finished.
        If a transaction holds the user's row, the next call deletes.

        Returns:
            True if there may be more to delete.
        """
        pending = self._run(statements.FIRST_PENDING).scalar()
        seq = self._run(
            statements.FIRST_KEPT, end=statements.NO_END if pending is None else pending
        ).scalar()
        if seq is None:
            return False
        if not try_lock_users(self._transaction, [self._user_id]):
            return False  # the deletion is counted in the user's usage, whose row is locked as well
        if self._shows:
            shown_pushes.forget_before(self._transaction.connection, self._key, seq)
        return self._run(statements.DELETE_BEFORE, end=seq).rowcount == MOST_GIVEN_UP
