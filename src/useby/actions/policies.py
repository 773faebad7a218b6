"""Set and delete policies of alerts; what is pending is scheduled again.

A policy of a lot or a product is written with it. Any other may concern all products of its owner:
the scheduler then checks them in slices (``store.slices``).
"""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime
from typing import Final

from useby.actions import lots as lot_actions
from useby.actions import stock
from useby.actions.stock import ChangedProduct
from useby.domain.account import AccountChange, User
from useby.domain.lot_actions import Change
from useby.domain.policy import (
    MAX_NAMES,
    NOTHING_SET,
    Policy,
    PolicyFields,
    Scope,
    StoredPolicy,
    whole_days_of,
)
from useby.domain.policy_scopes import (
    place,
    product_fields,
    short_of_account,
    short_of_category,
    stored_policy,
    wide_fields,
    with_policy,
)
from useby.store import accounts
from useby.store.database import Transaction
from useby.store.notifications import UnknownUser

_BUILTIN_SHORT: Final = Policy()


class TooManyPolicies(Exception):  # noqa: N818 - callers see this name
    """The account has ``MAX_NAMES`` policies of the scope already."""


def put(
    transaction: Transaction,
    user_id: str,
    scope: Scope,
    key: str,
    fields: PolicyFields,
    now: datetime,
) -> bool:
    """Set a policy; fields that are ``None`` are those of the next wider scope.

    Args:
        transaction: The running write.
        user_id: The owner.
        scope: Scope of the policy.
        key: Id of the lot or product, name of the category (case-folded) or location, or kind of
            date; empty for the account.
        fields: All fields of the policy.
        now: The current time, aware.

    Returns:
        False if the user has no such lot or product.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        TooManyPolicies: See there.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    if scope is Scope.LOT:
        return _put_of_lot(transaction, user, key, fields, now)
    if scope is Scope.PRODUCT:
        return _put_of_product(transaction, user, key, fields, now)
    before = wide_fields(user, scope, key)
    fields = fields.after(before, now)
    if fields != before:
        change = _account_change(user, scope, key, fields)
        accounts.change_user(transaction, user.id, change, now=now)
    return True


def missing(
    user: User, given: Mapping[tuple[Scope, str], PolicyFields]
) -> list[tuple[Scope, str, PolicyFields]]:
    """Return those of the given policies of which the account has none, widest first.

    Args:
        user: The account.
        given: Policies that are stored with an account, by scope and key.
    """
    return sorted(
        (
            (scope, key, fields)
            for (scope, key), fields in given.items()
            if wide_fields(user, scope, key) == NOTHING_SET
        ),
        key=lambda each: place(*each[:2]),
    )


def put_missing(
    transaction: Transaction,
    user_id: str,
    given: Mapping[tuple[Scope, str], PolicyFields],
    now: datetime,
) -> int:
    """Set those of the given policies of which the account has none; return their number.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        TooManyPolicies: See there; nothing is stored.
    """
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    new = missing(user, given)
    change = AccountChange()
    for scope, key, fields in new:
        more = _account_change(user, scope, key, fields)
        user, change = _changed(user, more), _both(change, more)
    if new:
        accounts.change_user(transaction, user_id, change, now=now)
    return len(new)


def _changed(user: User, change: AccountChange) -> User:
    """Return an account after a change of its policies."""
    policy = Policy(
        user.policy.lead_days if change.lead_days is None else change.lead_days,
        change.alert_time or user.policy.alert_time,
    )
    return replace(
        user,
        policy=policy,
        categories=user.categories if change.categories is None else change.categories,
        policies=user.policies if change.policies is None else change.policies,
    )


def _both(first: AccountChange, second: AccountChange) -> AccountChange:
    given = {each.name: getattr(second, each.name) for each in fields_of(second)}
    return replace(first, **{name: value for name, value in given.items() if value is not None})


def delete(transaction: Transaction, user_id: str, scope: Scope, key: str, now: datetime) -> bool:
    """Delete a policy; return whether the user had one, as ``put`` does."""
    return put(transaction, user_id, scope, key, NOTHING_SET, now)


def _account_change(user: User, scope: Scope, key: str, fields: PolicyFields) -> AccountChange:
    """Return the change that stores a policy with the account, and its short form beside it."""
    short, change = NOTHING_SET, AccountChange()
    if scope is Scope.ACCOUNT:
        policy = _short(fields, _BUILTIN_SHORT)
        short = short_of_account(policy)
        change = AccountChange(alert_time=policy.alert_time, lead_days=policy.lead_days)
    elif scope is Scope.CATEGORY:
        policies = {name: each for name, each in user.categories.items() if name != key}
        if fields.leads is not None:
            policies[key] = _short(fields, user.policy)
        short = short_of_category(policies.get(key))
        change = AccountChange(categories=policies)
    stored = {each: policy for each, policy in user.policies.items() if each != (scope, key)}
    if fields != NOTHING_SET:
        stored[scope, key] = StoredPolicy(fields, short)
    if sum(each is scope for each, _ in stored) > MAX_NAMES:
        raise TooManyPolicies
    return replace(change, policies=stored)


def _short(fields: PolicyFields, wider: Policy) -> Policy:
    """Return the short form of a policy, for nodes of older versions."""
    leads = wider.lead_days if fields.leads is None else whole_days_of(fields.leads)
    return Policy(leads, fields.alert_time or wider.alert_time)


def _put_of_product(
    transaction: Transaction, user: User, product_id: str, fields: PolicyFields, now: datetime
) -> bool:
    before = stock.hold(transaction, user, [product_id]).get(product_id)
    if before is None:
        return False
    fields = fields.after(product_fields(before.product), now)
    product = replace(with_policy(before.product, fields), updated_at=now)
    stock.settle(transaction, [ChangedProduct(before, product, user)], now)
    return True


def _put_of_lot(
    transaction: Transaction, user: User, lot_id: str, fields: PolicyFields, now: datetime
) -> bool:
    found = lot_actions.hold(transaction, user, lot_id)
    if found is None:
        return False
    before, lot = found
    fields = fields.after(lot.policy.fields if lot.policy else NOTHING_SET, now)
    change = Change((replace(lot, policy=stored_policy(fields)),))
    product = replace(before.product, updated_at=now)
    stock.settle(transaction, [ChangedProduct(before, product, user, change)], now)
    return True
