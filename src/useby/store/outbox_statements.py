"""Statements about the deliveries of one claimed channel (``store.outbox``).

They are built once: to build the statements of a record takes as long as to run them.
"""

from typing import Final

import sqlalchemy as sa

from useby.domain.channel import MOST_DELIVERIES, DeliveryState
from useby.store import notifications
from useby.store.schema import channels as table
from useby.store.schema import notifications as stored
from useby.store.schema import outbox

MOST_GIVEN_UP: Final = 500
"""Maximum notifications that are given up, or deleted, in one transaction."""
UNDELIVERED: Final = "given up: nothing could be delivered for 24 hours"

_OWNER: Final = sa.bindparam("owner", type_=table.c.user_id.type)
_CHANNEL: Final = sa.bindparam("channel", type_=table.c.id.type)
_AT: Final = sa.bindparam("at", type_=outbox.c.done_at.type)
_WHY: Final = sa.bindparam("why", type_=outbox.c.error.type)
_SEQS: Final = sa.bindparam("seqs", expanding=True, type_=outbox.c.seq.type)
_CLAIMED: Final = (
    table.c.user_id == _OWNER,
    table.c.id == _CHANNEL,
    table.c.claim == sa.bindparam("holder"),
)
_ROWS: Final = (outbox.c.user_id == _OWNER, outbox.c.channel_id == _CHANNEL)
_PENDING: Final = (*_ROWS, outbox.c.state == DeliveryState.PENDING)
LOCK: Final = (
    sa.select(
        table.c.batch_end,
        table.c.state,
        table.c.failures,
        table.c.failing_since,
        table.c.due_upto,
        table.c.due_by,
    )
    .where(*_CLAIMED)
    .with_for_update(key_share=True, skip_locked=True)
)
RENEW: Final = (
    sa.update(table).where(*_CLAIMED).values(next_at=_AT, batch_end=sa.bindparam("last_of_batch"))
)
RELEASE: Final = sa.update(table).where(*_CLAIMED).values(next_at=_AT, claim=None)
SET_STATE: Final = (
    sa.update(table)
    .where(*_CLAIMED)
    .values(
        state=sa.bindparam("new_state"),
        error=_WHY,
        error_at=_AT,
        failures=sa.bindparam("count"),
        failing_since=sa.bindparam("since"),
    )
)
RECORD: Final = (
    sa.update(outbox)
    .where(*_PENDING, outbox.c.seq.in_(_SEQS))
    .values(
        state=sa.bindparam("new_state"),
        done_at=_AT,
        error=_WHY,
        attempts=outbox.c.attempts + sa.bindparam("count"),
    )
)
SKIP: Final = (
    sa.update(outbox)
    .where(*_PENDING, outbox.c.seq.in_(_SEQS))
    .values(state=DeliveryState.SKIPPED_READ, done_at=_AT)
)
_OLD: Final = (
    sa.select(outbox.c.seq)
    .where(
        *_PENDING,
        sa.or_(outbox.c.due_at <= sa.bindparam("before"), outbox.c.seq <= sa.bindparam("upto")),
    )
    .order_by(outbox.c.seq)
    .limit(MOST_GIVEN_UP)
)
GIVE_UP: Final = (
    sa.update(outbox)
    .where(*_PENDING, outbox.c.seq.in_(_OLD))
    .values(
        state=DeliveryState.FAILED,
        done_at=_AT,
        error=sa.func.coalesce(outbox.c.error, UNDELIVERED),
    )
)
UNSENT: Final = (
    sa.select(outbox.c.due_at, *notifications.COLUMNS)
    .join(stored, sa.and_(stored.c.user_id == outbox.c.user_id, stored.c.seq == outbox.c.seq))
    .where(*_PENDING, outbox.c.seq > sa.bindparam("after"))
    .order_by(outbox.c.seq)
    .limit(sa.bindparam("most"))
)
FIRST_PENDING: Final = sa.select(outbox.c.seq).where(*_PENDING).order_by(outbox.c.seq).limit(1)
_BEFORE: Final = (*_ROWS, outbox.c.seq < sa.bindparam("end"))
FIRST_KEPT: Final = (
    sa.select(outbox.c.seq)
    .where(*_BEFORE)
    .order_by(outbox.c.seq.desc())
    .offset(MOST_DELIVERIES - 1)
    .limit(1)
)
DELETE_BEFORE: Final = sa.delete(outbox).where(
    *_BEFORE,
    outbox.c.seq.in_(
        sa.select(outbox.c.seq).where(*_BEFORE).order_by(outbox.c.seq).limit(MOST_GIVEN_UP)
    ),
)
NO_END: Final = 2**63 - 1
