"""A product changed as if it had one lot: its lots come to the same again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from tests.support.alert_inputs import product
from tests.support.cupboard import Cupboard

from useby.domain.expiry import Expiry
from useby.domain.flat_writes import first_lot, in_line_with, reopened
from useby.domain.lot import Lot, all_recomputed, open_lots
from useby.domain.lot_actions import Change, after
from useby.domain.movement import Movement, MovementKind
from useby.domain.product import Disposal, Product
from useby.domain.stock import taken_together

BERLIN = ZoneInfo("Europe/Berlin")
LATER = datetime(2026, 6, 20, 8, tzinfo=UTC)
AGES = st.integers(1, 20).map(lambda days: datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=days))
EXPIRIES = st.one_of(
    st.none(),
    st.integers(0, 60).map(lambda days: Expiry(day=date(2026, 6, 1) + timedelta(days=days))),
    st.integers(0, 900).map(lambda hours: Expiry(instant=LATER + timedelta(hours=hours))),
)
QUANTITIES = st.decimals("0.000001", "1000", places=6)
PLACES = st.sampled_from(["Fridge", "Cellar", ""])


@st.composite
def products(draw: st.DrawFn) -> Product:
    closed = draw(st.sampled_from([None, *Disposal]))
    return product(
        "2026-06-10",
        id="milk",
        expiry=draw(EXPIRIES),
        quantity=draw(QUANTITIES),
        location=draw(PLACES),
        created_at=draw(AGES),
        closed_as=closed,
        closed_at=LATER - timedelta(days=1) if closed else None,
        lot_count=0 if closed else 1,
    )


def lots_of(cupboard: Cupboard) -> list[Lot]:
    return list(cupboard.lots.values())


def in_line(cupboard: Cupboard, wanted: Product) -> tuple[Change, Product]:
    """Bring the lots in line, as a database does; return what happened and what they come to."""
    cupboard.now = LATER
    change = in_line_with(wanted, lots_of(cupboard), cupboard.movements, cupboard.occasion())
    left = after(lots_of(cupboard), change)
    cupboard.lots = {lot.id: lot for lot in left}
    cupboard.movements += change.movements
    return change, taken_together(wanted, left, cupboard.zone)


@given(products())
def test_the_first_lot_of_a_product_comes_to_the_product(wanted: Product) -> None:
    cupboard = Cupboard()
    change = first_lot(wanted, cupboard.occasion())
    (lot,) = change.lots
    assert lot.received_on == wanted.created_at.astimezone(BERLIN).date()
    assert change.movements[0].recorded_at == wanted.created_at
    assert taken_together(wanted, change.lots, BERLIN) == wanted


@given(products(), products())
def test_a_product_with_one_lot_gets_every_new_value(first: Product, wanted: Product) -> None:
    cupboard = Cupboard()
    first = replace(first, closed_as=None, closed_at=None, lot_count=1)
    in_line(cupboard, first)
    wanted = replace(wanted, created_at=first.created_at)
    change, found = in_line(cupboard, wanted)
    assert found == wanted
    assert len(cupboard.lots) == 1
    again, _ = in_line(cupboard, wanted)
    assert again.movements == (), "bringing it in line a second time changes nothing"
    assert len(change.movements) <= 4


@given(products(), products())
def test_a_closed_product_that_is_open_again_has_its_lot_open_again(
    first: Product, wanted: Product
) -> None:
    cupboard = Cupboard()
    closed = replace(
        first, closed_as=Disposal.CONSUMED, closed_at=LATER - timedelta(days=1), lot_count=0
    )
    in_line(cupboard, closed)
    wanted = replace(
        wanted, created_at=first.created_at, closed_as=None, closed_at=None, lot_count=1
    )
    change, found = in_line(cupboard, wanted)
    assert found == wanted
    assert change.movements[0].kind is MovementKind.UNDONE


@given(
    st.lists(st.tuples(st.integers(0, 30), QUANTITIES), min_size=2, max_size=5),
    products(),
)
def test_several_lots_come_to_the_quantity_and_the_closing_that_were_given(
    each: list[tuple[int, Decimal]], wanted: Product
) -> None:
    cupboard = Cupboard()
    for days, quantity in each:
        printed = (date(2026, 6, 1) + timedelta(days=days)).isoformat()
        cupboard.receive("2026-05-01", printed, f"{quantity:f}")
    _, found = in_line(cupboard, wanted)
    assert found.closed_as == wanted.closed_as
    assert len(cupboard.lots) == len(each)
    if wanted.closed_as is None:
        assert found.quantity == wanted.quantity
        dates = {lot.expiry for lot in open_lots(lots_of(cupboard))}
        places = {lot.location for lot in open_lots(lots_of(cupboard))}
        taken = [each for each in cupboard.movements if each.kind is MovementKind.CONSUMED]
        assert wanted.expiry in dates or taken, "the lot with that date may be consumed since"
        assert wanted.location in places or taken


def test_a_lower_quantity_of_several_lots_is_taken_in_the_order_in_which_lots_are_taken() -> None:
    cupboard = Cupboard()
    second = cupboard.receive("2026-05-01", "2026-06-20", "3")
    first = cupboard.receive("2026-05-02", "2026-06-10", "2")
    flat = taken_together(product("2026-06-10", location=""), lots_of(cupboard), BERLIN)
    in_line(cupboard, replace(flat, quantity=Decimal("2.5")))
    assert cupboard.lots[first].closed_as is Disposal.CONSUMED
    assert cupboard.lots[second].quantity == Decimal("2.5")


def test_a_closed_product_that_stays_closed_keeps_its_lots() -> None:
    cupboard = Cupboard()
    lot = cupboard.receive("2026-05-01", "2026-06-10", "2")
    cupboard.consume(lot)
    closed = taken_together(product("2026-06-10"), lots_of(cupboard), BERLIN)
    change, _ = in_line(cupboard, replace(closed, expiry=Expiry(day=date(2026, 7, 1))))
    assert change == Change(())


def test_reopening_opens_all_lots_that_one_action_closed_and_no_other() -> None:
    cupboard = Cupboard()
    early, *others = (cupboard.receive("2026-05-01", "2026-06-10") for _ in range(3))
    cupboard.consume(early)
    cupboard.now += timedelta(hours=1)
    cupboard.consume(*others)
    change = reopened(lots_of(cupboard), cupboard.movements, cupboard.occasion())
    left = open_lots(after(lots_of(cupboard), change))
    assert sorted(lot.id for lot in left) == sorted(others)


def test_a_product_with_nothing_has_no_first_lot() -> None:
    assert first_lot(product("2026-06-10", quantity=Decimal(0)), Cupboard().occasion()).lots == ()


def test_many_lots_are_reopened_and_computed_again_in_a_few_passes_over_the_movements() -> None:
    """Each pass takes milliseconds of SQLite's only writer: a product has 20,000 movements."""
    cupboard = Cupboard()
    milk = cupboard.receive("2026-05-01", "2026-06-10", "60")
    parts = [cupboard.open(milk, "2026-05-02", "1").lots[1].id for _ in range(50)]
    cupboard.consume(milk, *parts)
    passes = 0

    class Counted(list[Movement]):
        def __iter__(self) -> Iterator[Movement]:
            nonlocal passes
            passes += 1
            return super().__iter__()

    movements = Counted(cupboard.movements)
    change = reopened(lots_of(cupboard), movements, cupboard.occasion())
    assert len(change.movements) == len(change.lots) == 51
    again = all_recomputed(lots_of(cupboard), movements, cupboard.rules, cupboard.zone)

    assert again == lots_of(cupboard)
    assert passes <= 10
