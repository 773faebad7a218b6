"""Store users and their alert policies, and check their tokens."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import CLOCK_SKEW, FLOOD_CAP, AccountChange, TokenStatus, User
from useby.domain.events import AccessRevoked
from useby.domain.policy import Policy
from useby.domain.quiet import NOT_DEFERRED
from useby.store import channel_rests, channels, reschedules, slices
from useby.store.api_keys import is_of_key
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.column_types import UtcDateTime
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.notifications import UnknownUser
from useby.store.policy_columns import short_policy
from useby.store.schema import notifications, sessions, usage, users


class EmailTaken(Exception):  # noqa: N818 - callers see this name
    """Another user has this e-mail."""


def policy_json(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON."""
    return {
        "leadDays": list(policy.lead_days),
        "alertTime": policy.alert_time.isoformat("minutes"),
    }


def _policy(value: Mapping[str, Any]) -> Policy:
    return short_policy(tuple(value["leadDays"]), value["alertTime"])


def _user(row: Sequence[Any]) -> User:
    """Return the user in a row of ``_USER_COLUMNS``."""
    id_, email, name, zone, alert_time, lead_days, categories, created_at, *more = row
    disabled_at, currency, flood_cap, policies, language, deferral, shares, vacant = more
    return User(
        id_,
        email,
        name,
        zone,
        short_policy(tuple(lead_days), alert_time),
        created_at,
        {name: _policy(each) for name, each in categories.items()},
        disabled_at,
        currency,
        FLOOD_CAP if flood_cap is None else flood_cap,
        policies,
        language,
        deferral,
        shares is True,
        vacant is True,
    )


_USER_COLUMNS: Final = (
    users.c.id,
    users.c.email,
    users.c.name,
    users.c.time_zone,
    users.c.alert_time,
    users.c.lead_days,
    users.c.categories,
    users.c.created_at,
    users.c.disabled_at,
    users.c.currency,
    users.c.flood_cap,
    users.c.policies,
    users.c.language,
    users.c.deferral,
    users.c.shares,
    users.c.vacant,
)


def is_ended(
    tokens: sa.FromClause, has_no_session: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Return the condition for a token that its user has ended.

    Args:
        tokens: The tokens, with ``session_id`` and ``issued_at``, joined with ``users``.
        has_no_session: The condition for a sign-in that does not exist or was ended.
    """
    return sa.case(
        # An outside token is dated in whole seconds; one of the same second counts as older.
        (
            tokens.c.session_id.is_(None),
            sa.func.coalesce(tokens.c.issued_at <= users.c.signed_out_at, sa.false()),
        ),
        else_=has_no_session,
    )


_GIVEN: Final = values_table(users.c.id)
_BY_ID: Final = PackedSelect(
    sa.select(*_USER_COLUMNS).where(users.c.id.in_(sa.select(_GIVEN.c.id)))
)
_TOKENS: Final = values_table(
    sa.column("number", sa.Integer()),
    sessions.c.user_id,
    sa.column("session_id", sa.Text()),
    sa.column("issued_at", UtcDateTime()),
)

_open_session: Final = sa.exists().where(
    sessions.c.user_id == _TOKENS.c.user_id,
    sessions.c.id == _TOKENS.c.session_id,
    sessions.c.revoked_at.is_(None),
)
_CHECK_TOKENS: Final = PackedSelect(
    sa.select(
        _TOKENS.c.number,
        users.c.seq,
        users.c.disabled_at.is_not(None),
        is_ended(_TOKENS, ~_open_session),
        sa.exists().where(
            notifications.c.user_id == _TOKENS.c.user_id, notifications.c.read_at.is_(None)
        ),
        sa.func.coalesce(usage.c.unread, sa.literal_column("0")),
        sa.func.coalesce(usage.c.bytes, sa.literal_column("0")),
    ).select_from(
        _TOKENS.join(users, users.c.id == _TOKENS.c.user_id).outerjoin(
            usage, usage.c.user_id == _TOKENS.c.user_id
        )
    )
)


class TokenCheck(NamedTuple):
    """Result of looking up a token and its user."""

    standing: TokenStatus
    newest: int
    """Newest ``seq`` of the user's notifications."""
    unread: int
    """Number of unread notifications."""
    bytes: int
    """Estimated space of the account on disk (``store.usage``)."""


def add_user(transaction: Transaction, *, user: User, password_hash: str | None) -> None:
    """Add a user. The transaction can go on after a failure.

    Raises:
        EmailTaken: Another user has the e-mail, or the id.
    """
    same = users.c.id == user.id
    if user.email is not None:
        same = sa.or_(same, users.c.email == user.email)
    taken = sa.select(users.c.id).where(same)
    if transaction.connection.execute(taken).first() is not None:
        raise EmailTaken
    new = sa.insert(users).values(**_values(user), id=user.id, password_hash=password_hash)
    try:
        with transaction.connection.begin_nested():  # PostgreSQL aborts what a failure belongs to
            transaction.connection.execute(new)
    except sa.exc.IntegrityError:  # another transaction has added it since
        raise EmailTaken from None


def provision(
    transaction: Transaction, subjects: Iterable[str], now: datetime, time_zone: str = "UTC"
) -> None:
    """Create users for those subjects of an outside issuer that have none."""
    for subject in subjects:
        known = sa.select(users.c.id).where(users.c.id == subject)
        if transaction.connection.execute(known).first() is None:
            user = User(subject, None, "", time_zone, Policy(), now)
            new = sa.insert(users).values(**_values(user), id=user.id)
            nested = transaction.connection.begin_nested
            with contextlib.suppress(sa.exc.IntegrityError), nested():
                transaction.connection.execute(new)  # fails if another node was first


def _values(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "alert_time": user.policy.alert_time.isoformat("minutes"),
        "lead_days": list(user.policy.lead_days),
        "categories": {name: policy_json(each) for name, each in user.categories.items()},
        "created_at": user.created_at,
        "currency": user.currency,
        "flood_cap": None if user.flood_cap == FLOOD_CAP else user.flood_cap,
        "policies": user.policies,
        "language": user.language,
        "deferral": user.deferral,
    }


def user(connection: Connection, user_id: str) -> User | None:
    """Return the user with this id."""
    row = connection.execute(sa.select(*_USER_COLUMNS).where(users.c.id == user_id)).first()
    return _user(row) if row else None


def users_by_id(connection: Connection, user_ids: Iterable[str]) -> dict[str, User]:
    """Return the existing users among ``user_ids``, by id."""
    rows = _BY_ID(connection, **values_params(connection, sorted(user_ids)))
    return {user.id: user for user in map(_user, rows)}


def lock_user(transaction: Transaction, user_id: str) -> User | None:
    """Return the user with this id and lock its rows until this transaction ends.

    Returns ``None`` if the user does not exist, is disabled or is being deleted.
    """
    lock_users(transaction, user_id)
    owner = user(transaction.connection, user_id)
    return None if owner is None or owner.disabled_at is not None else owner


def user_by_email(connection: Connection, email: str) -> User | None:
    """Return the user with this e-mail, regardless of case."""
    select = sa.select(*_USER_COLUMNS).where(users.c.email == email.lower())
    row = connection.execute(select).first()
    return _user(row) if row else None


def find_users(connection: Connection, name: str) -> list[User]:
    """Return the user with this e-mail and the one with this id, unless being deleted.

    They may differ: a backend may use e-mails as ids, and anybody may sign up with such an e-mail.
    """
    select = sa.select(*_USER_COLUMNS).where(
        sa.or_(users.c.email == name.lower(), users.c.id == name),
        users.c.vacant.is_(None),
        ~slices.is_being_deleted(users.c.id),
    )
    return [_user(row) for row in connection.execute(select)]


def all_users(connection: Connection) -> list[User]:
    """Return all users who are not being deleted, by e-mail."""
    own = sa.and_(users.c.vacant.is_(None), ~slices.is_being_deleted(users.c.id))
    select = sa.select(*_USER_COLUMNS).where(own)
    return [_user(row) for row in connection.execute(select.order_by(users.c.email, users.c.id))]


def password_hash(connection: Connection, user_id: str) -> str | None:
    """Return the hash of the user's password; ``None`` if the user or the password is missing."""
    return connection.scalar(sa.select(users.c.password_hash).where(users.c.id == user_id))


def change_user(
    transaction: Transaction, user_id: str, change: AccountChange, *, now: datetime
) -> User:
    """Change the given values; reschedule all pending alerts if they depend on one of them.

    The scheduler computes the new times in batches.

    Raises:
        UnknownUser: The user does not exist.
    """
    as_they_are = ("name", "time_zone", "currency", "flood_cap", "policies", "language")
    values = {name: getattr(change, name) for name in as_they_are}
    new: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if change.alert_time is not None:
        new["alert_time"] = change.alert_time.isoformat("minutes")
    if change.lead_days is not None:
        new["lead_days"] = list(change.lead_days)
    if change.categories is not None:
        new["categories"] = {name: policy_json(each) for name, each in change.categories.items()}
    if change.sets_deferral:
        new |= _new_deferral(transaction, user_id, change)
    if new:
        _update(transaction, user_id, new)
    if not new.keys().isdisjoint({"deferral", "time_zone"}):
        channel_rests.end(transaction, user_id, now)
    if new.keys() - {"name", "currency", "flood_cap", "language"}:
        reschedules.reschedule(transaction, user_id, now)
    changed = user(transaction.connection, user_id)
    if changed is None:
        raise UnknownUser(user_id)
    return changed


def _new_deferral(transaction: Transaction, user_id: str, change: AccountChange) -> dict[str, Any]:
    """Return the new value of the column if a change of quiet hours or digest changes it."""
    lock_users(transaction, user_id)
    this = users.c.id == user_id
    before = transaction.connection.scalar(sa.select(users.c.deferral).where(this))
    after = change.deferral_of(before)
    return {} if after == (before or NOT_DEFERRED) else {"deferral": after}


def change_password(
    transaction: Transaction,
    user_id: str,
    password_hash: str,
    *,
    now: datetime,
    keep_session: str | None,
) -> None:
    """Set a new password and end every sign-in but one."""
    _update(transaction, user_id, {"password_hash": password_hash})
    end_sessions(transaction, user_id, now, keep=keep_session)


def set_password_hash(transaction: Transaction, user_id: str, password_hash: str) -> None:
    """Replace the hash of an unchanged password by one with current parameters."""
    _update(transaction, user_id, {"password_hash": password_hash})


def end_sessions(
    transaction: Transaction, user_id: str, now: datetime, *, keep: str | None = None
) -> None:
    """End every sign-in of the user, and every outside token issued until now.

    An issuer's clock may be ahead of ours by ``CLOCK_SKEW``, so a token that it issued before now
    may be dated after it. All tokens dated within that time are ended; an outside sign-in made in
    the minute after a sign-out everywhere is therefore ended too, and works when repeated after
    that minute. API keys are no sign-ins: they stay. The channels of browsers end with their
    sign-ins, because they would show what is sent to somebody who is signed out.

    Args:
        transaction: The running write.
        user_id: The user.
        now: The current time, aware.
        keep: Id of a sign-in that is not ended.
    """
    own = sa.and_(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    ending = sa.and_(own, ~is_of_key(sessions))
    if keep is not None:
        ending = sa.and_(ending, sessions.c.id != keep)
    _update(transaction, user_id, {"signed_out_at": now + CLOCK_SKEW})
    ended = transaction.connection.scalars(
        sa.update(sessions).where(ending).values(revoked_at=now).returning(sessions.c.id)
    ).all()
    channels.end_with_sign_ins(transaction, user_id, None if keep is None else ended, now)
    if keep is None:
        keys = transaction.connection.scalars(sa.select(sessions.c.id).where(own))
        transaction.publish(AccessRevoked(user_id, spared=frozenset(keys)))
    else:
        for session_id in ended:
            transaction.publish(AccessRevoked(user_id, session_id))


def disable_user(transaction: Transaction, user_id: str, *, disabled: bool, now: datetime) -> None:
    """Disable or enable a user.

    Raises:
        UnknownUser: The user does not exist.
    """
    _update(transaction, user_id, {"disabled_at": now if disabled else None})
    if disabled:
        transaction.publish(AccessRevoked(user_id))
    else:
        reschedules.reschedule(transaction, user_id, now)


def take_back(transaction: Transaction, user_id: str) -> None:
    """Delete a user who was added in this same transaction and so owns nothing."""
    transaction.connection.execute(sa.delete(users).where(users.c.id == user_id))


def check_tokens(
    connection: Connection, tokens: Sequence[tuple[str, str | None, datetime]]
) -> list[TokenCheck]:
    """Look up tokens and their users, all in one query.

    Args:
        connection: The snapshot to read.
        tokens: User, sign-in (``None``: an outside issuer's token) and time of issue of each.
    """
    checks = [TokenCheck(TokenStatus.UNKNOWN, 0, unread=0, bytes=0)] * len(tokens)
    user_ids, sign_ins, times = zip(*tokens, strict=True) if tokens else ((), (), ())
    # A sign-in decides by itself, and a time takes a third of the encoding of a row.
    issued = [at if own is None else None for own, at in zip(sign_ins, times, strict=True)]
    given = values_params(connection, range(len(tokens)), user_ids, sign_ins, issued)
    rows = _CHECK_TOKENS(connection, **given)
    for number, seq, disabled, ended, any_unread, unread, size in rows:
        # A replay must depend on the rows themselves, never on a counter.
        checks[number] = TokenCheck(
            standing_of(disabled, ended), seq, max(unread, 1) if any_unread else 0, size
        )
    return checks


def standing_of(disabled: bool, ended: bool) -> TokenStatus:
    """Return the status of a token of an existing user."""
    return TokenStatus.DISABLED if disabled else TokenStatus.REVOKED if ended else TokenStatus.GOOD


def _update(transaction: Transaction, user_id: str, new: Mapping[str, Any]) -> None:
    lock_users(transaction, user_id)
    update = sa.update(users).where(users.c.id == user_id).values(**new)
    if not transaction.connection.execute(update).rowcount:
        raise UnknownUser(user_id)
