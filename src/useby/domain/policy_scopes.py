"""Find the policies that apply to a lot, nearest first, and what follows from them.

The scopes are the lot, its product, the product's category, the lot's location and kind of date,
the account, and the default of a shared household. Of an account with the built-in leads or time of
day, these count as not set.

Policies are each member's own. Those that the founder of a household has for products and lots are
stored with these; other members have theirs beside (``User.within``). ``leadDays`` that is given
with a product is part of the product, and counts for all members.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from useby.domain.account import User
from useby.domain.lot import AlertedLot, Lot
from useby.domain.policy import (
    BUILTIN,
    NOTHING_SET,
    AlertPolicy,
    Policy,
    PolicyFields,
    Scope,
    StoredPolicy,
    counting,
    in_days,
    resolve,
    whole_days_of,
)
from useby.domain.product import AlertedProduct, Product


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Policy that gave a field."""

    scope: Scope
    key: str | None = None
    """Id of the lot or product, name of the category or location, kind of date; else ``None``."""


_BUILTIN_SHORT: Final = Policy()


@lru_cache(maxsize=256)
def short_of_account(policy: Policy) -> PolicyFields:
    """Return what an account's short form sets."""
    if policy == _BUILTIN_SHORT:
        return NOTHING_SET
    leads = None if policy.lead_days == _BUILTIN_SHORT.lead_days else in_days(policy.lead_days)
    at = None if policy.alert_time == BUILTIN.alert_time else policy.alert_time
    return PolicyFields(leads, at)


@lru_cache(maxsize=256)
def short_of_category(policy: Policy | None) -> PolicyFields:
    """Return what a category's short form sets."""
    if policy is None:
        return NOTHING_SET
    return PolicyFields(in_days(policy.lead_days), policy.alert_time)


@lru_cache(maxsize=256)
def short_of_product(lead_days: tuple[int, ...] | None) -> PolicyFields:
    """Return what a product's short form sets."""
    return NOTHING_SET if lead_days is None else PolicyFields(in_days(lead_days))


def account_fields(user: User) -> PolicyFields:
    """Return what an account's policy sets."""
    return counting(user.policies.get((Scope.ACCOUNT, "")), short_of_account(user.policy))


def category_fields(user: User, name: str) -> PolicyFields:
    """Return what the policy of a category sets; ``name`` is case-folded."""
    stored = user.policies.get((Scope.CATEGORY, name))
    return counting(stored, short_of_category(user.categories.get(name)))


def product_fields(product: Product | AlertedProduct) -> PolicyFields:
    """Return what a product's own policy sets."""
    return counting(product.policy, short_of_product(product.lead_days))


def wide_fields(user: User, scope: Scope, key: str) -> PolicyFields:
    """Return what a policy sets that is stored with the account; the account's key is empty."""
    if scope is Scope.ACCOUNT:
        return account_fields(user)
    if scope is Scope.CATEGORY:
        return category_fields(user, key)
    stored = user.policies.get((scope, key))
    return NOTHING_SET if stored is None else stored.fields


def with_policy(product: Product, fields: PolicyFields) -> Product:
    """Return a product with a policy of its own, and the short form of its leads beside it."""
    lead_days = None if fields.leads is None else whole_days_of(fields.leads)
    policy = stored_policy(fields, short_of_product(lead_days))
    return replace(product, lead_days=lead_days, policy=policy)


def is_short_of_policy(product: Product | AlertedProduct) -> bool:
    """Return whether ``leadDays`` is the short form of the founder's own policy of a product.

    Otherwise it is part of the product.
    """
    return is_short_form(product.policy, product.lead_days)


def is_short_form(stored: StoredPolicy | None, lead_days: tuple[int, ...] | None) -> bool:
    """Return whether ``leadDays`` of a product is the short form of a stored policy."""
    if stored is None or stored.fields.leads is None:
        return False
    is_as_written = short_of_product(lead_days).leads == stored.short.leads
    return is_as_written and lead_days == whole_days_of(stored.fields.leads)


def with_policy_beside(product: Product, fields: PolicyFields) -> Product:
    """Return a product with a policy of its founder, whose ``leadDays`` are part of the product."""
    short = short_of_product(product.lead_days)
    if fields.leads is None or product.lead_days == whole_days_of(fields.leads):
        short = NOTHING_SET  # otherwise they would count as the short form of the policy
    return replace(product, policy=stored_policy(fields, short))


def with_policy_of_member(product: Product, fields: PolicyFields) -> Product:
    """Return a product of a shared household with a policy of one of its members.

    ``leadDays`` that count for all members stay as they are.
    """
    are_for_all = product.lead_days is not None and not is_short_of_policy(product)
    return with_policy_beside(product, fields) if are_for_all else with_policy(product, fields)


def fields_of_member(
    stored: StoredPolicy | None, lead_days: tuple[int, ...] | None
) -> PolicyFields:
    """Return what the founder's policy of a product sets, without ``leadDays`` that are for all."""
    if stored is None:
        return NOTHING_SET
    leads = stored.fields.leads
    is_as_written = short_of_product(lead_days).leads == stored.short.leads
    is_own = is_as_written or (leads is not None and lead_days == whole_days_of(leads))
    return stored.fields if is_own else replace(stored.fields, leads=None)


def stored_policy(fields: PolicyFields, short: PolicyFields = NOTHING_SET) -> StoredPolicy | None:
    """Return a policy as it is stored with its short form; ``None`` if it sets nothing."""
    return None if fields == NOTHING_SET else StoredPolicy(fields, short)


def wide_policies(user: User) -> list[tuple[Scope, str, PolicyFields]]:
    """Return the policies that are stored with the account and set anything, widest first."""
    return [each for each in kept_policies(user) if each[2].are_set]


def kept_policies(user: User) -> list[tuple[Scope, str, PolicyFields]]:
    """Return the policies that are stored with the account, widest first.

    One that sets nothing any more, but was muted once, is among them.
    """
    keys = {(Scope.ACCOUNT, ""), *user.policies}
    keys |= {(Scope.CATEGORY, name) for name in user.categories}
    found = ((scope, key, wide_fields(user, scope, key)) for scope, key in keys)
    kept = (each for each in found if each[2] != NOTHING_SET)
    return sorted(kept, key=lambda each: sort_key(*each[:2]))


def sort_key(scope: Scope, key: str) -> tuple[int, str]:
    """Return the place of a policy in a list: widest scope first, then by key."""
    return -_ORDER.index(scope), key


_ORDER: Final = list(Scope)


def policy_for(
    product: Product | AlertedProduct, user: User, lot: Lot | AlertedLot | None = None
) -> AlertPolicy:
    """Return the policy of a lot, or that of a product as if it had no lots of its own."""
    is_own = product.policy is not None or product.lead_days is not None
    is_own = is_own or (lot is not None and lot.policy is not None)
    if not (is_own or user.policies or user.categories or user.within):
        return _policy_of_account(user.policy)
    return resolve(tuple(each for _, each in _layers(product, user, lot)))


@lru_cache(maxsize=256)
def _policy_of_account(policy: Policy) -> AlertPolicy:
    short = short_of_account(policy)
    return resolve(() if short is NOTHING_SET else (short,))


def reason_of(
    product: Product | AlertedProduct, user: User, field: str, lot: Lot | None = None
) -> PolicySource:
    """Return the policy that gives a field of ``PolicyFields`` to a lot."""
    for scope, layer in _layers(product, user, lot):
        if getattr(layer, field) is not None:
            return PolicySource(scope, _key(scope, product, lot))
    return PolicySource(Scope.BUILTIN)


def _layers(
    product: Product | AlertedProduct, user: User, lot: Lot | AlertedLot | None
) -> Iterator[tuple[Scope, PolicyFields]]:
    """Return the policies that apply to a lot and set anything, nearest first."""
    if user.within is None or user.within.own is None:
        if lot is not None and lot.policy is not None:
            yield Scope.LOT, lot.policy.fields
        if product.policy is not None or product.lead_days is not None:
            yield Scope.PRODUCT, product_fields(product)
    else:
        yield from _beside(product, user.within.own, lot)
    yield from _wide(product, user, lot)


def _wide(
    product: Product | AlertedProduct, user: User, lot: Lot | AlertedLot | None
) -> Iterator[tuple[Scope, PolicyFields]]:
    """Return those that are stored with the account or the household, nearest first."""
    policies = user.policies
    if policies or user.categories:
        fields = category_fields(user, product.category.casefold())
        if fields is not NOTHING_SET:
            yield Scope.CATEGORY, fields
    if policies:
        one = product if lot is None else lot
        for scope, key in (
            (Scope.LOCATION, one.location),
            (Scope.DATE_KIND, one.date_kind.value),
        ):
            stored = policies.get((scope, key))
            if stored is not None:
                yield scope, stored.fields
    fields = account_fields(user)
    if fields is not NOTHING_SET:
        yield Scope.ACCOUNT, fields
    if user.within is not None and user.within.default is not NOTHING_SET:
        yield Scope.HOUSEHOLD, user.within.default


def _beside(
    product: Product | AlertedProduct,
    own: Mapping[tuple[str, str], StoredPolicy],
    lot: Lot | AlertedLot | None,
) -> Iterator[tuple[Scope, PolicyFields]]:
    """Return the policies of a lot and its product that a member other than the founder has."""
    if lot is not None and (of_lot := own.get((product.id, lot.id))) is not None:
        yield Scope.LOT, of_lot.fields
    if (of_product := own.get((product.id, ""))) is not None:
        yield Scope.PRODUCT, of_product.fields
    if product.lead_days is not None and not is_short_of_policy(product):
        yield Scope.PRODUCT, short_of_product(product.lead_days)


def _key(scope: Scope, product: Product | AlertedProduct, lot: Lot | None) -> str | None:
    one = product if lot is None else lot
    keys = {
        Scope.LOT: None if lot is None else lot.id,
        Scope.PRODUCT: product.id,
        Scope.CATEGORY: product.category,
        Scope.LOCATION: one.location,
        Scope.DATE_KIND: one.date_kind.value,
    }
    return keys.get(scope)
