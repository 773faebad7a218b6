"""Compare connections with the database: find those whose token or newest ``seq`` has changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import TokenStatus
from useby.store.accounts import is_ended, standing_of
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.column_types import UtcDateTime
from useby.store.epoch import EpochColumn
from useby.store.schema import sessions, users

_SEEN: Final = values_table(
    sa.column("number", sa.Integer()),
    sessions.c.user_id,
    sa.column("session_id", sa.Text()),
    sa.column("issued_at", UtcDateTime()),
    users.c.seq,
)
_is_ended: Final = is_ended(_SEEN, sessions.c.id.is_(None))
_CHANGED: Final = (
    sa.select(
        _SEEN.c.number,
        sa.func.coalesce(users.c.seq, sa.literal_column("0")).label("newest"),
        users.c.id.is_(None).label("unknown"),
        users.c.disabled_at.is_not(None).label("disabled"),
        _is_ended.label("ended"),
    )
    .select_from(
        _SEEN.outerjoin(users, users.c.id == _SEEN.c.user_id).outerjoin(
            sessions,
            sa.and_(
                sessions.c.user_id == _SEEN.c.user_id,
                sessions.c.id == _SEEN.c.session_id,
                sessions.c.revoked_at.is_(None),
            ),
        )
    )
    .where(
        sa.or_(
            users.c.id.is_(None),
            users.c.seq != _SEEN.c.seq,
            users.c.disabled_at.is_not(None),
            _is_ended,
        )
    )
    .subquery("changed")
)
_PRESENT: Final = sa.select(EpochColumn().label("epoch")).subquery("present")
_FIND_CHANGED: Final = PackedSelect(
    sa.select(_PRESENT.c.epoch, *_CHANGED.c).select_from(_PRESENT.outerjoin(_CHANGED, sa.true()))
)
"""Returns the epoch in a row of its own if nothing has changed."""


class Changed(NamedTuple):
    """The state of a token, or of its user, that differs from the one that was passed."""

    standing: TokenStatus
    newest: int
    """Newest ``seq`` of the user's notifications; 0 if there is no user."""


def find_changed(
    connection: Connection, seen: Sequence[tuple[str, str | None, datetime | None, int]]
) -> tuple[dict[int, Changed], str]:
    """Find the tokens that are no longer good, and the users whose newest ``seq`` is another.

    The database compares all of them in one statement and returns only those that differ: a token
    without a change costs 2 look-ups by key there, and no row.

    Args:
        connection: The snapshot to read.
        seen: The user, the sign-in, the time of issue, and the newest ``seq`` seen, for each
            token. A token has a sign-in, or else (an outside issuer's) a time of issue.

    Returns:
        The differences, by their place in ``seen``, and the epoch of the same snapshot.
    """
    columns = zip(*seen, strict=True) if seen else ((), (), (), ())
    params = values_params(connection, range(len(seen)), *columns)
    rows = list(_FIND_CHANGED(connection, **params))
    changed = {
        number: Changed(TokenStatus.UNKNOWN if unknown else standing_of(disabled, ended), newest)
        for _, number, newest, unknown, disabled, ended in rows
        if number is not None
    }
    return changed, rows[0][0]
