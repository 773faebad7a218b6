"""Rows for a session without I/O, and the effects that it returns."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from useby.domain.account import TokenStatus
from useby.domain.notification import Cause, Notification, Severity
from useby.realtime import frames
from useby.realtime.effects import Effects, Fetch
from useby.realtime.session import Session
from useby.realtime.states import SessionState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(seq: int, *, read: bool = False, history: int = 0) -> Notification:
    """A notification; a number that is given again after a restore is of another history."""
    return Notification(
        id=f"00000000-0000-7000-8{history:03x}-{seq:012x}",
        user_id="u",
        seq=seq,
        message=f"m{history * 1000 + seq}",
        kind=Severity.INFO,
        event=Cause.CUSTOM,
        product_name="x" * 150,  # so that a page is more than a chunk
        created_at=NOW,
        read_at=NOW if read else None,
    )


def mark_text(seq: int) -> str:
    return json.dumps({"action": "mark_read", "id": row(seq).id})


def seqs(effects: Iterable[object]) -> list[int]:
    """The notifications written, by number, in the order of their bytes."""
    found: list[int] = []
    for effect in effects:
        if isinstance(effect, bytes):
            rest = effect
            while rest:
                short = rest[1] < 126
                size = rest[1] if short else int.from_bytes(rest[2:4], "big")
                start = 2 if short else 4
                value = json.loads(rest[start : start + size])
                if "id" in value:
                    found.append(int(value["message"][1:]))
                rest = rest[start + size :]
    return found


def drained(session: Session) -> list[object]:
    out: list[object] = []
    while effects := session.next_chunk():
        out += effects
        if any(isinstance(effect, Fetch) for effect in effects):
            break
    return out


def announced(session: Session, *rows: Notification) -> Effects:
    """Return the effects of a push, as the socket produces them."""
    return (frames.notifications(rows),) if session.try_push(rows) else session.passed(rows)


def live(newest: int = 0) -> Session:
    session = Session("u")
    session.opened(TokenStatus.GOOD, newest, unread=False, since=None)
    assert session.state is SessionState.LIVE
    return session
