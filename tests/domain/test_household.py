"""What each role may do in a household."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.factories import NOON, an_owner

from useby.domain.household import (
    MAY,
    Deed,
    Household,
    Member,
    NotAllowed,
    Role,
    SharedStock,
    UnknownHousehold,
    is_member,
    require,
    require_undo,
    role_in,
)
from useby.domain.movement import Movement, MovementKind

MEMBERS = tuple(Member(role.value, role, NOON) for role in Role)


def stock(acting: str | None, zone: str = "UTC") -> SharedStock:
    founder = an_owner(id="founder", time_zone=zone)
    values: dict[str, Any] = {name: getattr(founder, name) for name in founder.__slots__}
    return SharedStock(**values, household=Household("founder"), members=MEMBERS, acting=acting)


def a_movement(by: str | None, recorded_at: datetime = NOON) -> Movement:
    return Movement(
        "m", "p", "l", MovementKind.CONSUMED, Decimal(1), Decimal(-1), NOON, recorded_at, by_user=by
    )


def test_only_an_owner_governs_an_editor_edits_a_kiosk_uses_and_a_viewer_sees() -> None:
    assert MAY[Role.OWNER] == set(Deed)
    assert MAY[Role.EDITOR] == set(Deed) - {Deed.GOVERN}
    assert MAY[Role.KIOSK] == {Deed.SEE, Deed.USE, Deed.UNDO}
    assert MAY[Role.VIEWER] == {Deed.SEE}
    with pytest.raises(NotAllowed, match="the role viewer may not change the stock"):
        require(Role.VIEWER, Deed.CHANGE)


def test_a_household_that_nobody_shares_has_its_founder_as_its_only_owner() -> None:
    ada = an_owner()
    assert role_in(ada, ada.id) is Role.OWNER
    assert not is_member(ada, "bob")
    with pytest.raises(UnknownHousehold):
        role_in(ada, "bob")


def test_the_founder_of_a_shared_household_is_no_member_without_a_row() -> None:
    assert not is_member(stock(None), "founder")
    assert role_in(stock(None), "kiosk") is Role.KIOSK


@pytest.mark.parametrize("role", [Role.OWNER, Role.EDITOR])
def test_an_editor_undoes_what_anybody_did_on_any_day(role: Role) -> None:
    old = NOON - timedelta(days=400)
    require_undo(stock(role.value), a_movement("somebody", old), NOON)


def test_a_kiosk_undoes_what_it_did_itself_on_the_same_day_and_nothing_else() -> None:
    require_undo(stock("kiosk"), a_movement("kiosk"), NOON + timedelta(hours=11))
    for movement, now in (
        (a_movement("editor"), NOON),
        (a_movement(None), NOON),
        (a_movement("kiosk"), NOON + timedelta(hours=12)),
    ):
        with pytest.raises(NotAllowed):
            require_undo(stock("kiosk"), movement, now)
    with pytest.raises(NotAllowed):
        require_undo(stock("viewer"), a_movement("viewer"), NOON)


def test_the_day_of_an_undo_is_that_of_the_households_zone() -> None:
    evening = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    after_midnight = evening + timedelta(hours=1)  # in Tokyo, nine hours ahead
    movement = a_movement("kiosk", evening)
    require_undo(stock("kiosk", "UTC"), movement, after_midnight)
    with pytest.raises(NotAllowed):
        require_undo(stock("kiosk", "Asia/Tokyo"), movement, after_midnight)


def test_a_report_goes_to_the_member_who_acts_or_else_to_the_first_owner() -> None:
    assert stock("kiosk").reports_to == "kiosk"
    assert stock(None).reports_to == "owner"
