"""Set and delete policies of alerts; what is pending is scheduled again.

A policy of a lot or a product is written with it, or beside it by a member of the household who is
not its founder. Any other may concern all products of its owner: the scheduler then checks them in
slices (``store.slices``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime
from typing import Final

from useby.actions import lots as lot_actions
from useby.actions import stock
from useby.actions.households import lock as lock_household
from useby.actions.stock import ChangedProduct
from useby.domain.account import AccountChange, User
from useby.domain.household import Deed, Household, SharedStock
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
    sort_key,
    stored_policy,
    wide_fields,
    with_policy,
    with_policy_of_member,
)
from useby.store import accounts, households, lots, member_policies, products, reschedules
from useby.store.database import Connection, Transaction
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
    household_id: str | None = None,
) -> bool:
    """Set a policy; fields that are ``None`` are those of the next wider scope.

    Args:
        transaction: The running write.
        user_id: The owner.
        scope: Scope of the policy.
        key: Id of the lot or product, name of the category (case-folded) or location, or kind of
            date; empty for the account and the household.
        fields: All fields of the policy.
        now: The current time, aware.
        household_id: The household of the lot or product, or of the default policy; ``None`` for
            any of the user's households that has the lot or product.

    Returns:
        False if the household has no such lot or product.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The user's role does not allow it.
        TooManyPolicies: See there.
    """
    if scope is Scope.HOUSEHOLD:
        put_default(transaction, user_id, household_id or user_id, fields, now)
        return True
    if scope in (Scope.LOT, Scope.PRODUCT):
        return _put_narrow(transaction, user_id, scope, key, fields, now, household_id)
    user = accounts.lock_user(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    before = wide_fields(user, scope, key)
    fields = fields.after(before, now)
    if fields != before:
        change = _account_change(user, scope, key, fields)
        accounts.change_user(transaction, user.id, change, now=now)
    return True


def put_default(
    transaction: Transaction,
    user_id: str,
    household_id: str,
    fields: PolicyFields,
    now: datetime,
) -> None:
    """Set the default policy of all members of a household.

    Raises:
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The user's role does not allow it.
    """
    stock_, _ = lock_household(transaction, user_id, household_id, Deed.SET_POLICY)
    its = stock_.household if isinstance(stock_, SharedStock) else Household(stock_.id)
    before = NOTHING_SET if its.policy is None else its.policy.fields
    fields = fields.after(before, now)
    if fields != before:
        households.put(transaction, replace(its, policy=stored_policy(fields)))
        reschedules.reschedule_household(transaction, household_id, now)


def _put_narrow(
    transaction: Transaction,
    user_id: str,
    scope: Scope,
    key: str,
    fields: PolicyFields,
    now: datetime,
    household_id: str | None,
) -> bool:
    """Set a policy of a lot or a product. A founder's is stored with it, others' are beside."""
    found = _product_of(transaction.connection, user_id, scope, key, household_id)
    if found is None:
        return False
    household_id, product_id = found
    owner, _ = lock_household(transaction, user_id, household_id, Deed.SEE)
    if not isinstance(owner, SharedStock) and owner.disabled_at is not None:
        raise UnknownUser(user_id)
    if owner.id == user_id and scope is Scope.LOT:
        return _put_of_lot(transaction, owner, key, fields, now)
    if owner.id == user_id:
        return _put_of_product(transaction, owner, key, fields, now)
    lot_id = key if scope is Scope.LOT else member_policies.OF_PRODUCT
    this = household_id, user_id, product_id, lot_id
    before = member_policies.fields_of(transaction.connection, *this)
    member_policies.put(transaction, *this, fields.after(before, now), now)
    return True


def _product_of(
    connection: Connection, user_id: str, scope: Scope, key: str, household_id: str | None
) -> tuple[str, str] | None:
    """Return the household and the id of a product, or of the product of a lot."""

    def product_in(household: str) -> str | None:
        if scope is Scope.LOT:
            return lots.product_of_lot(connection, household, key)
        return key if products.get(connection, household, key) is not None else None

    for each in _households_of(connection, user_id) if household_id is None else (household_id,):
        if (product_id := product_in(each)) is not None:
            return each, product_id
    return None


def _households_of(connection: Connection, user_id: str) -> Iterator[str]:
    """Return the households of a user, their own first; not one that they have left."""
    if not households.is_shared(connection, user_id):
        yield user_id
    theirs = [each.household_id for each in households.memberships(connection, user_id)]
    yield from sorted(theirs, key=lambda each: each != user_id)


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
        key=lambda each: sort_key(*each[:2]),
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


def delete(
    transaction: Transaction,
    user_id: str,
    scope: Scope,
    key: str,
    now: datetime,
    household_id: str | None = None,
) -> bool:
    """Delete a policy; return whether there is what it is about, as ``put`` does."""
    return put(transaction, user_id, scope, key, NOTHING_SET, now, household_id)


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
    before = stock.load(transaction, user, [product_id]).get(product_id)
    if before is None:
        return False
    fields = fields.after(product_fields(before.product), now)
    changed = with_policy_of_member if isinstance(user, SharedStock) else with_policy
    product = replace(changed(before.product, fields), updated_at=now)
    stock.store(transaction, [ChangedProduct(before, product, user)], now)
    return True


def _put_of_lot(
    transaction: Transaction, user: User, lot_id: str, fields: PolicyFields, now: datetime
) -> bool:
    found = lot_actions.load(transaction, user, lot_id)
    if found is None:
        return False
    before, lot = found
    fields = fields.after(lot.policy.fields if lot.policy else NOTHING_SET, now)
    change = Change((replace(lot, policy=stored_policy(fields)),))
    product = replace(before.product, updated_at=now)
    stock.store(transaction, [ChangedProduct(before, product, user, change)], now)
    return True
