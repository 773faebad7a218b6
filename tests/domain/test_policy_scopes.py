"""The policy of a lot: each field is that of the nearest scope that sets it.

covers: useby.domain.policy, useby.domain.policy_scopes
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.alert_inputs import NOW, product, user

from useby.domain.account import User
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot
from useby.domain.policy import (
    BUILTIN,
    NOTHING_SET,
    AlertPolicy,
    Lead,
    LeadUnit,
    Policy,
    PolicyFields,
    Repeat,
    Scope,
    StoredPolicy,
    counting,
    in_days,
)
from useby.domain.policy_scopes import PolicySource, policy_for, reason_of, wide_policies
from useby.domain.product import DateKind, Product

LOT = Lot("l", "p", Decimal(1), date(2026, 3, 1), NOW, location="Fridge", date_kind=DateKind.USE_BY)
KEYS = {
    Scope.LOT: "l",
    Scope.PRODUCT: "p",
    Scope.CATEGORY: "dairy",
    Scope.LOCATION: "Fridge",
    Scope.DATE_KIND: "use_by",
    Scope.ACCOUNT: "",
}
"""Scopes of the lot, nearest first, with their keys."""
leads = st.lists(
    st.one_of(
        st.builds(Lead, st.integers(0, 40), st.just(LeadUnit.DAYS)),
        st.builds(Lead, st.integers(1, 400), st.just(LeadUnit.HOURS)),
        st.builds(Lead, st.integers(1, 99), st.just(LeadUnit.PERCENT)),
    ),
    max_size=4,
    unique=True,
).map(tuple)
repeats = st.builds(
    Repeat, st.integers(1, 9).map(lambda days: Duration.parse(f"P{days}D")), st.integers(0, 4)
)
fields_of_policies = st.builds(
    PolicyFields,
    leads=st.none() | leads,
    alert_time=st.none() | st.sampled_from([time(0), time(8, 30), time(23, 59)]),
    on_expiry=st.none() | st.booleans(),
    repeat=st.none() | repeats,
    muted=st.none() | st.booleans() | st.sampled_from([NOW, datetime(2026, 4, 1, tzinfo=UTC)]),
)
policies_by_scope = st.dictionaries(st.sampled_from(list(KEYS)), fields_of_policies)


def things(policies: dict[Scope, PolicyFields]) -> tuple[Product, User, Lot]:
    """A product, its owner and its lot with these policies."""
    stored = {scope: StoredPolicy(fields) for scope, fields in policies.items()}
    wide = {(scope, KEYS[scope]): each for scope, each in stored.items()}
    for own in (Scope.LOT, Scope.PRODUCT):
        wide.pop((own, KEYS[own]), None)
    return (
        product("2026-06-01", category="Dairy", policy=stored.get(Scope.PRODUCT)),
        replace(user(), policies=wide),
        replace(LOT, policy=stored.get(Scope.LOT)),
    )


def nearest(policies: dict[Scope, PolicyFields], field: str) -> tuple[Scope, Any]:
    """The plain rule: walk outwards until a policy sets the field."""
    for scope in KEYS:
        if scope in policies and getattr(policies[scope], field) is not None:
            return scope, getattr(policies[scope], field)
    return Scope.BUILTIN, None


@given(policies_by_scope)
def test_each_field_is_that_of_the_nearest_scope_that_sets_it(
    policies: dict[Scope, PolicyFields],
) -> None:
    thing, owner, lot = things(policies)
    found = policy_for(thing, owner, lot)
    for field in ("leads", "alert_time", "on_expiry", "repeat"):
        scope, value = nearest(policies, field)
        assert getattr(found, field) == (getattr(BUILTIN, field) if value is None else value)
        key = {"": None, "dairy": "Dairy"}.get(KEYS.get(scope, ""), KEYS.get(scope))
        assert reason_of(thing, owner, field, lot) == PolicySource(scope, key)
    _, muted = nearest(policies, "muted")
    if muted is True:
        assert found.muted_until is not None
        assert found.muted_until.year == 9999
    else:
        assert found.muted_until == (muted or None)


@given(policies_by_scope)
def test_a_list_has_every_policy_that_sets_anything(policies: dict[Scope, PolicyFields]) -> None:
    _, owner, _ = things(policies)
    wide = [scope for scope in KEYS if scope not in (Scope.LOT, Scope.PRODUCT)]
    expected = [
        (scope, KEYS[scope], policies[scope])
        for scope in reversed(wide)
        if scope in policies and policies[scope] != NOTHING_SET
    ]
    assert wide_policies(owner) == expected


def test_a_lot_of_another_place_category_or_kind_has_other_policies() -> None:
    never = StoredPolicy(PolicyFields(leads=()))
    wide = {(Scope.LOCATION, "fridge"): never, (Scope.CATEGORY, "meat"): never}
    wide[Scope.DATE_KIND, "best_before"] = never
    owner = replace(user(), policies=wide)
    assert policy_for(product("2026-06-01", category="Dairy"), owner, LOT) == BUILTIN


def test_the_short_form_of_a_product_is_nearer_than_the_policy_of_its_category() -> None:
    owner = replace(user(dairy=Policy((8,), time(7))), policies={})
    thing = product("2026-06-01", category="DAIRY", lead_days=(3,))
    assert policy_for(thing, owner, LOT) == AlertPolicy(in_days((3,)), time(7))


@pytest.mark.parametrize(
    ("short", "counts"),
    [
        (PolicyFields(in_days((7,)), time(8)), (Lead(7), Lead(24, LeadUnit.HOURS))),
        (PolicyFields(in_days((7,)), time(9)), (Lead(7), Lead(24, LeadUnit.HOURS))),
        (PolicyFields(in_days((3,)), time(8)), in_days((3,))),
        (NOTHING_SET, None),
    ],
)
def test_a_short_form_counts_if_it_was_written_later(short: PolicyFields, counts: Any) -> None:
    fields = PolicyFields((Lead(7), Lead(24, LeadUnit.HOURS)), on_expiry=False)
    stored = StoredPolicy(fields, PolicyFields(in_days((7,)), time(8)))
    found = counting(stored, short)
    assert (found.leads, found.on_expiry) == (counts, False)
    assert found.alert_time == (None if short.alert_time == time(8) else short.alert_time)


@pytest.mark.parametrize(
    ("muted", "unmuted_at"),
    [
        (None, None),
        (False, None),
        (True, NOW),
        (datetime(2027, 1, 1, tzinfo=UTC), NOW),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_policy_that_replaces_a_muted_one_keeps_the_time_until_which_it_was_muted(
    muted: bool | datetime | None, unmuted_at: datetime | None
) -> None:
    before = PolicyFields(muted=muted)
    assert NOTHING_SET.after(before, NOW) == PolicyFields(unmuted_at=unmuted_at)


@given(leads)
def test_a_lead_is_read_as_it_is_written(several: tuple[Lead, ...]) -> None:
    assert tuple(Lead.parse(str(lead)) for lead in several) == several


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7D", "7 d", "0h", "0%", "100%", "3651d"])
def test_other_texts_are_no_leads(text: str) -> None:
    with pytest.raises(ValueError, match="7d, 24h or 15%"):
        Lead.parse(text)
