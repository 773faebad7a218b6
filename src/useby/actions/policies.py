"""Set and delete policies of alerts; what is pending is scheduled again.

A policy of a lot or a product is written with it. Any other may concern all products of its owner:
the scheduler then checks them in slices (``store.slices``).
"""

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
    product_fields,
    short_of_account,
    short_of_category,
    short_of_product,
    wide_fields,
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
    lead_days = None if fields.leads is None else whole_days_of(fields.leads)
    product = replace(
        before.product,
        lead_days=lead_days,
        policy=_stored(fields, short_of_product(lead_days)),
        updated_at=now,
    )
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
    change = Change((replace(lot, policy=_stored(fields, NOTHING_SET)),))
    product = replace(before.product, updated_at=now)
    stock.settle(transaction, [ChangedProduct(before, product, user, change)], now)
    return True


def _stored(fields: PolicyFields, short: PolicyFields) -> StoredPolicy | None:
    return None if fields == NOTHING_SET else StoredPolicy(fields, short)
