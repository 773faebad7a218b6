"""Actions on one lot, and their undo, as they are stored.

covers: useby.store.lot_histories
"""

import dataclasses
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import got, keep, unread

from useby.actions import inventory
from useby.actions import lots as actions
from useby.actions.alerts import send_due
from useby.actions.lots import Done
from useby.domain import lot_actions
from useby.domain.account import AccountChange, User
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot, LotState
from useby.domain.movement import ActionRefused, Movement, MovementKind
from useby.domain.product import Disposal, Product
from useby.store import accounts, lot_histories, lots, slices
from useby.store.database import Connection, Database
from useby.store.lots import Key

AN_HOUR = timedelta(hours=1)


async def lots_of(database: Database, product: Product) -> list[Lot]:
    found = await database.read(lambda c: lots.all_lots(c, (product.user_id, product.id)))
    return sorted(found, key=lambda lot: lot.id)


async def history_of(database: Database, product: Product) -> list[Movement]:
    return await database.read(lambda c: lots.history(c, (product.user_id, product.id)))


async def receive(database: Database, owner: User, product: Product, expires: str | None) -> Lot:
    printed = None if expires is None else Expiry.parse(expires)
    done = await database.write(
        lambda t: actions.receive(
            t,
            owner,
            product.id,
            lambda product, occasion: lot_actions.receive(
                occasion, product_id=product.id, quantity=Decimal(2), printed=printed
            ),
            NOON,
        )
    )
    assert done is not None
    return done.lots[0]


async def act(
    database: Database, owner: User, lot: Lot, name: str, quantity: str | None = None
) -> Done:
    amount = None if quantity is None else Decimal(quantity)
    action = {
        "open": lambda lot, at: lot_actions.open_(lot, amount, at),
        "freeze": lambda lot, at: lot_actions.freeze(lot, amount, at),
        "consume": lambda lot, at: lot_actions.consume([lot], amount, at),
        "move": lambda lot, at: lot_actions.move(lot, amount, "Cellar", at),
    }[name]
    done = await database.write(lambda t: actions.act(t, owner, lot.id, action, NOON))
    assert done is not None
    return done


async def undo(database: Database, owner: User, movement: Movement) -> Done:
    done = await database.write(lambda t: actions.undo(t, owner, movement.id, NOON + AN_HOUR))
    assert done is not None
    return done


async def with_milk(database: Database, **rules: str) -> tuple[User, Product, Lot]:
    owner = await a_kept_owner(database)
    given = {name: Duration.parse(text) for name, text in rules.items()}
    product = a_product(owner, "2026-03-03", quantity=Decimal(2), **given)
    await keep(database, owner, product)
    (lot,) = await lots_of(database, product)
    return owner, product, lot


async def test_opening_a_part_splits_the_lot_and_the_opened_part_is_taken_next(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database, after_opening="P0D")
    done = await act(database, owner, lot, "open", "0.5")
    assert [each.kind for each in done.movements] == [MovementKind.SPLIT, MovementKind.OPENED]
    rest, part = done.lots
    assert (rest.id, rest.quantity, part.quantity) == (lot.id, Decimal("1.5"), Decimal("0.5"))
    assert (part.state, part.expiry) == (LotState.OPENED, Expiry.parse("2026-03-02"))
    there = await got(database, product)
    assert there is not None
    assert (there.quantity, there.lot_count) == (Decimal(2), 2)
    assert there.expiry == part.expiry
    assert there == done.product
    assert await lots_of(database, product) == sorted(done.lots, key=lambda each: each.id)


async def test_undoing_a_split_takes_back_both_and_restores_the_lot_exactly(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database)
    before = await got(database, product)
    done = await act(database, owner, lot, "open", "0.5")
    await undo(database, owner, done.movements[0])
    assert await lots_of(database, product) == [lot]
    after = await got(database, product)
    assert before is not None
    assert after is not None
    assert (after.quantity, after.expiry, after.lot_count) == (
        before.quantity,
        before.expiry,
        before.lot_count,
    )
    for movement in await history_of(database, product):
        if movement.kind is not MovementKind.RECEIVED:
            with pytest.raises(ActionRefused):
                await undo(database, owner, movement)


async def test_a_movement_on_which_a_later_one_stands_cannot_be_undone(
    database: Database,
) -> None:
    owner, _, lot = await with_milk(database)
    first = await act(database, owner, lot, "open")
    second = await act(database, owner, lot, "consume", "1")
    with pytest.raises(ActionRefused, match=second.movements[0].id):
        await undo(database, owner, first.movements[0])
    await undo(database, owner, second.movements[0])
    await undo(database, owner, first.movements[0])


async def test_an_alert_that_a_closing_marked_read_comes_back_unread_when_it_is_undone(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database)
    await database.write(lambda t: send_due(t, NOON))
    text = "Organic Milk expires tomorrow"
    assert await unread(database, owner) == [text]
    done = await act(database, owner, lot, "consume")
    assert done.product.closed_as is Disposal.CONSUMED
    assert await unread(database, owner) == ["Organic Milk was consumed"]
    await undo(database, owner, done.movements[0])
    assert text in await unread(database, owner)
    there = await got(database, product)
    assert there is not None
    assert (there.closed_as, there.quantity) == (None, Decimal(2))


async def test_consuming_a_part_of_a_lot_sends_what_is_left_of_the_product(
    database: Database,
) -> None:
    owner, product, _ = await with_milk(database)
    other = await receive(database, owner, product, "2026-12-01")
    await act(database, owner, other, "consume", "0.5")
    assert await unread(database, owner) == ["0.5 of Organic Milk consumed, 3.5 left"]


async def test_the_receipt_of_the_only_lot_can_be_undone_and_leaves_a_product_with_nothing(
    database: Database,
) -> None:
    owner, product, _ = await with_milk(database)
    (received,) = await history_of(database, product)
    done = await undo(database, owner, received)
    assert (done.product.quantity, done.product.lot_count) == (Decimal(0), 0)
    assert (done.product.closed_as, done.product.expiry) == (None, None)
    assert await lots_of(database, product) == []
    again = await receive(database, owner, product, "2026-06-01")
    there = await got(database, product)
    assert there is not None
    assert (there.expiry, there.quantity) == (again.expiry, Decimal(2))


async def test_a_deleted_lot_goes_with_its_movements_and_what_was_sent_about_it_is_read(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database)
    other = await receive(database, owner, product, "2026-03-04")
    await database.write(lambda t: send_due(t, NOON))
    assert len(await unread(database, owner)) == 2
    assert await database.write(lambda t: actions.delete(t, owner, lot.id, NOON))
    assert await lots_of(database, product) == [other]
    assert {each.lot_id for each in await history_of(database, product)} == {other.id}
    assert await unread(database, owner) == ["Organic Milk expires in 2 days"]
    assert not await database.write(lambda t: actions.delete(t, owner, lot.id, NOON))


async def test_a_closed_product_shows_the_lot_closed_last_also_after_a_back_dated_closing(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database)
    other = await receive(database, owner, product, "2026-06-01")
    await act(database, owner, other, "consume")
    yesterday = Expiry(instant=NOON - AN_HOUR)
    await database.write(
        lambda t: actions.act(
            t, owner, lot.id, lambda lot, on: lot_actions.consume([lot], None, on), NOON, yesterday
        )
    )
    there = await got(database, product)
    assert there is not None
    assert (there.closed_at, there.expiry) == (NOON, other.expiry)


async def test_a_lot_that_was_closed_before_others_is_still_found(database: Database) -> None:
    owner, product, lot = await with_milk(database)
    await receive(database, owner, product, "2026-06-01")
    await act(database, owner, lot, "consume")
    with pytest.raises(ActionRefused, match="nothing is left"):
        await act(database, owner, lot, "consume")
    with pytest.raises(ActionRefused, match="already consumed"):
        await act(database, owner, lot, "open")


async def test_a_new_rule_changes_the_dates_of_lots_that_were_opened_before(
    database: Database,
) -> None:
    owner, product, _ = await with_milk(database)
    other = await receive(database, owner, product, "2026-12-01")
    await act(database, owner, other, "open")
    there = await got(database, product)
    assert there is not None
    ruled = Duration.parse("P2D")
    changed = dataclasses.replace(there, after_opening=ruled)
    after = await database.write(lambda t: inventory.replace(t, changed, owner, NOON))
    assert after is not None
    assert after.expiry == Expiry.parse("2026-03-04")


async def test_a_new_zone_changes_the_dates_of_lots_that_were_opened_before(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database, after_opening="P0D")
    await act(database, owner, lot, "open")
    change = AccountChange(time_zone="Pacific/Kiritimati")
    await database.write(partial(accounts.change_user, user_id=owner.id, change=change, now=NOON))
    while await database.write(lambda t: slices.do_slice(t, NOON)):
        pass
    await database.write(lambda t: send_due(t, NOON))
    (after,) = await lots_of(database, product)
    assert after.expiry == Expiry.parse("2026-03-03"), "it was opened on the third there"


async def test_a_lot_or_movement_of_another_household_is_not_there(database: Database) -> None:
    _, product, lot = await with_milk(database)
    bob = await a_kept_owner(database)
    (received,) = await history_of(database, product)
    opened = partial(lot_actions.open_, quantity=None)
    assert (
        await database.write(
            lambda t: actions.act(t, bob, lot.id, lambda lot, at: opened(lot, occasion=at), NOON)
        )
        is None
    )
    assert await database.write(lambda t: actions.undo(t, bob, received.id, NOON)) is None
    assert not await database.write(lambda t: actions.delete(t, bob, lot.id, NOON))
    assert await lots_of(database, product) == [lot]


async def test_the_movements_are_numbered_in_the_order_in_which_they_were_recorded(
    database: Database,
) -> None:
    owner, product, lot = await with_milk(database)
    await act(database, owner, lot, "open", "1")
    await act(database, owner, lot, "move", "0.5")
    await act(database, owner, lot, "freeze")
    kinds = [each.kind.value for each in await history_of(database, product)]
    assert kinds == ["received", "split", "opened", "split", "moved", "frozen"]


@pytest.mark.parametrize("together", [500, 1], ids=["few-lots", "more-than-a-statement-names"])
async def test_an_undo_depends_on_the_movements_of_its_lots_and_of_its_action_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """A product has up to 20,000 movements, and SQLite has one writer."""
    monkeypatch.setattr(lot_histories, "MAX_IDS", together)
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-10", quantity=Decimal(3))
    await keep(database, owner, product)
    other = await receive(database, owner, product, "2026-06-11")
    before = await lots_of(database, product)
    whole: list[object] = []
    history = lots.history

    def noted(connection: Connection, key: Key) -> list[Movement]:
        whole.append(key)
        return history(connection, key)

    monkeypatch.setattr(lot_histories, "history", noted)
    monkeypatch.setattr(lots, "history", None)

    split = await act(database, owner, before[0], "open", "1")
    taken = await database.write(
        lambda t: actions.take(
            t, owner, product.id, quantity=None, how=Disposal.CONSUMED, now=NOON + AN_HOUR
        )
    )
    assert taken is not None
    assert len(taken.movements) == 3
    for movement in (*taken.movements, split.movements[1]):
        done = await database.write(
            partial(actions.undo, user=owner, movement_id=movement.id, now=NOON + 2 * AN_HOUR)
        )
        assert done is not None

    assert await lots_of(database, product) == before
    assert await unread(database, owner) == [], "the report of the taking is read"
    assert bool(whole) is (together == 1)
    assert other in before
