"""Create, change and delete accounts; sign in and out; check the sign-in of a token."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from uuid_utils import uuid7

from useby.actions import memberships
from useby.auth import refresh
from useby.auth.key import SigningKeys
from useby.auth.tokens import Claims
from useby.domain.account import AccountChange, TokenRefused, TokenStatus, User
from useby.domain.client_names import UNNAMED, ClientName
from useby.domain.policy import Policy
from useby.store import accounts, sessions, slices, tickets
from useby.store.accounts import (
    EmailTaken,
    change_password,
    disable_user,
    end_sessions,
    set_password_hash,
)
from useby.store.database import Database, Transaction
from useby.store.sessions import Rotation, end_session
from useby.store.tickets import TicketGrant

__all__ = [
    "EmailTaken",
    "authorize",
    "change",
    "change_password",
    "create",
    "delete",
    "disable_user",
    "end_session",
    "end_sessions",
    "issue_ticket",
    "open_session",
    "refresh_session",
    "set_password_by_link",
    "set_password_hash",
    "sign_in",
    "sign_out",
    "sign_up",
]

DEFAULT_POLICY: Final = Policy()


def create(
    transaction: Transaction,
    *,
    email: str | None,
    name: str = "",
    time_zone: str = "UTC",
    policy: Policy = DEFAULT_POLICY,
    password_hash: str | None,
    now: datetime,
    language: str | None = None,
) -> User:
    """Create an account.

    Raises:
        EmailTaken: Another user has the e-mail.
    """
    user = User(str(uuid7()), email, name, time_zone, policy, now, language=language)
    accounts.add_user(transaction, user=user, password_hash=password_hash)
    return user


def sign_up(
    transaction: Transaction,
    *,
    email: str,
    name: str,
    time_zone: str,
    password_hash: str,
    now: datetime,
    language: str | None = None,
) -> None:
    """Create an account if its e-mail is free.

    The same writes are done either way, so that timing does not reveal whether the account exists.
    """
    user = User(str(uuid7()), email, name, time_zone, DEFAULT_POLICY, now, language=language)
    try:
        accounts.add_user(transaction, user=user, password_hash=password_hash)
    except EmailTaken:
        nobody = replace(user, email=None)
        accounts.add_user(transaction, user=nobody, password_hash=password_hash)
        accounts.take_back(transaction, nobody.id)


def set_password_by_link(
    transaction: Transaction,
    user_id: str,
    *,
    hash_before: str | None,
    password_hash: str,
    now: datetime,
) -> bool:
    """Set the password of an account whose owner has a link for it, and end all its sign-ins.

    Args:
        transaction: The running write.
        user_id: The account.
        hash_before: The hash to which the link is bound.
        password_hash: The new hash.
        now: The current time, aware.

    Returns:
        False if the link was used since it was verified, or the account is disabled.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None or accounts.password_hash(transaction.connection, user_id) != hash_before:
        return False
    change_password(transaction, user_id, password_hash, now=now, keep_session=None)
    return True


def open_session(
    transaction: Transaction,
    user_id: str,
    *,
    now: datetime,
    lifetime: timedelta,
    key_id: str,
    refresh_token: str | None = None,
    client: ClientName = UNNAMED,
) -> str:
    """Open a sign-in and return its id.

    Args:
        transaction: The running write.
        user_id: The user.
        now: The current time, aware.
        lifetime: Time until the sign-in ends if it is not refreshed.
        key_id: Id of the key that signs its tokens.
        refresh_token: Its first refresh token, if it has one.
        client: The program that signs in.
    """
    session_id = str(uuid7())
    sessions.open_session(
        transaction,
        user_id=user_id,
        session_id=session_id,
        token_hash=None if refresh_token is None else refresh.hash_of(refresh_token),
        key_id=key_id,
        now=now,
        expires_at=now + lifetime,
        client=client,
    )
    return session_id


def sign_in(
    transaction: Transaction,
    user_id: str,
    *,
    verified_hash: str | None,
    better_hash: str | None,
    refresh_token: str,
    key_id: str,
    client: ClientName,
    now: datetime,
    lifetime: timedelta,
) -> str | None:
    """Open a sign-in for a user whose password has been verified.

    Args:
        transaction: The running write.
        user_id: The user.
        verified_hash: The hash against which the password was verified.
        better_hash: A hash of the same password with current parameters, if it needs one.
        refresh_token: The first refresh token.
        key_id: Id of the signing key, to which the sign-in is bound.
        client: The program that signs in.
        now: The current time, aware.
        lifetime: Time until the sign-in ends if it is not refreshed.

    Returns:
        The id of the sign-in; ``None`` if the password or the account has changed since.
    """
    if accounts.password_hash(transaction.connection, user_id) != verified_hash:
        return None
    if better_hash is not None:
        accounts.set_password_hash(transaction, user_id, better_hash)
    session_id = open_session(
        transaction,
        user_id,
        now=now,
        lifetime=lifetime,
        refresh_token=refresh_token,
        key_id=key_id,
        client=client,
    )
    sessions.purge(transaction, now)
    return session_id


def refresh_session(
    transaction: Transaction,
    refresh_token: str,
    keys: SigningKeys,
    *,
    now: datetime,
    grace: timedelta,
    lifetime: timedelta,
) -> tuple[str, str, str] | None:
    """Spend a refresh token for its successor; one spent before ``grace`` ends its sign-in.

    Returns:
        The ids of the user and the sign-in, and the successor; ``None`` if the token is not valid
        under these keys. The end of a sign-in is committed all the same, so this does not raise.
    """
    successors = {
        key_id: refresh.successor_of(key, refresh_token) for key_id, key in keys.by_id.items()
    }
    rotated = sessions.rotate(
        transaction,
        token_hash=refresh.hash_of(refresh_token),
        successors={key_id: refresh.hash_of(each) for key_id, each in successors.items()},
        now=now,
        grace=grace,
        expires_at=now + lifetime,
    )
    if rotated.outcome not in (Rotation.ROTATED, Rotation.REPEATED):
        return None
    return rotated.user_id, rotated.session_id, successors[rotated.key_id]


def sign_out(transaction: Transaction, refresh_token: str, now: datetime) -> None:
    """End the sign-in of a refresh token, spent or not; an unknown token ends nothing."""
    owner = sessions.session_of(transaction, refresh.hash_of(refresh_token))
    if owner is not None:
        sessions.end_session(transaction, *owner, now)


def issue_ticket(
    transaction: Transaction, ticket: str, claims: Claims, *, now: datetime, ends: datetime
) -> None:
    """Store a one-use ticket that stands for an access token until ``ends``."""
    grant = TicketGrant(
        claims.user_id,
        claims.session_id,
        claims.issued_at,
        claims.expires_at,
        tuple(sorted(claims.scopes or ())),
        claims.household_id,
    )
    tickets.add(transaction, refresh.hash_of(ticket), grant, ends)
    tickets.purge(transaction, now)


def authorize(transaction: Transaction, claims: Claims, now: datetime, *, provisions: bool) -> None:
    """Check that a token is still valid in this write.

    Args:
        transaction: The running write.
        claims: The claims of the verified token.
        now: The current time, aware.
        provisions: Whether a new subject of an outside issuer becomes a user.

    Raises:
        TokenRefused: The account does not exist or is disabled, or the sign-in has ended.
    """
    if provisions and claims.session_id is None:
        accounts.provision(transaction, [claims.user_id], now)
    key = (claims.user_id, claims.session_id, claims.issued_at)
    (check,) = accounts.check_tokens(transaction.connection, [key])
    if check.standing is not TokenStatus.GOOD:
        raise TokenRefused(check.standing)


def change(
    transaction: Transaction,
    user_id: str,
    new: AccountChange,
    *,
    now: datetime,
    password_hash: str | None = None,
    keep_session: str | None = None,
) -> User:
    """Change an account; a new password ends every sign-in but ``keep_session``.

    Raises:
        UnknownUser: The user does not exist.
    """
    if password_hash is not None:
        accounts.change_password(
            transaction, user_id, password_hash, now=now, keep_session=keep_session
        )
    return accounts.change_user(transaction, user_id, new, now=now)


async def delete(database: Database, user_id: str, now: datetime) -> None:
    """Delete a user and everything that belongs to the user.

    After the first slice the user is disabled and the e-mail is free. The household with the
    user's id stays if others are members of it.

    Raises:
        UnknownUser: The user does not exist.
        LastOwner: The user is the last owner of a household that others share.
        StoreUnavailable: The database can't be written now. If the first slice was committed, the
            scheduler finishes the rest.
    """

    def begin(transaction: Transaction) -> bool:
        memberships.end_all(transaction, user_id, now)
        return slices.delete_user(transaction, user_id)

    finished = await database.write(begin, large=True)
    while not finished:
        finished = await database.write(lambda t: slices.empty_account(t, user_id), large=True)
