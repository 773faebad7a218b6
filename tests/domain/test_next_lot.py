"""The lot that an action on a product is about."""

import pytest
from tests.support.cupboard import Cupboard

from useby.domain.movement import ActionRefused, MovementKind
from useby.domain.next_lot import next_lot


def chosen(cupboard: Cupboard, kind: MovementKind) -> str:
    return next_lot(cupboard.lots.values(), kind, cupboard.zone).id


def test_the_sealed_lot_that_expires_first_is_opened() -> None:
    cupboard = Cupboard()
    opened = cupboard.receive("2026-03-01", "2026-03-03")
    cupboard.receive("2026-03-01", "2026-03-20")
    earlier = cupboard.receive("2026-03-01", "2026-03-10")
    cupboard.receive("2026-03-01")
    cupboard.open(opened, "2026-03-02")
    assert chosen(cupboard, MovementKind.OPENED) == earlier


def test_a_thawed_lot_is_opened_before_a_sealed_one() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-03-01", "2026-03-10")
    thawed = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.freeze(thawed, "2026-03-02")
    cupboard.thaw(thawed, "2026-03-03")
    assert chosen(cupboard, MovementKind.OPENED) == thawed


def test_a_frozen_lot_is_not_frozen_again_and_is_the_one_to_thaw() -> None:
    cupboard = Cupboard()
    frozen = cupboard.receive("2026-03-01", "2026-03-05")
    other = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.freeze(frozen, "2026-03-02")
    assert chosen(cupboard, MovementKind.FROZEN) == other
    assert chosen(cupboard, MovementKind.THAWED) == frozen


def test_a_product_without_a_lot_in_the_state_is_refused_with_the_states() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    with pytest.raises(ActionRefused, match=r"^no lot is frozen, so none can be thawed$"):
        chosen(cupboard, MovementKind.THAWED)
    cupboard.open(milk)
    with pytest.raises(ActionRefused, match="no lot is sealed or thawed"):
        chosen(cupboard, MovementKind.OPENED)


def test_a_product_that_is_used_up_is_refused() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.consume()
    with pytest.raises(ActionRefused, match="nothing is left"):
        chosen(cupboard, MovementKind.OPENED)
