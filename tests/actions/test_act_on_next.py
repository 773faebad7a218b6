"""An action on a product is one on the lot that is taken next of those that allow it."""

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import keep, taking

from useby.actions import lots as actions
from useby.actions.lots import Done
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState
from useby.domain.movement import ActionRefused, MovementKind
from useby.domain.product import Product
from useby.store import lots
from useby.store.database import Database, Transaction


async def with_two_lots(database: Database) -> tuple[User, Product, Lot]:
    """A kept product, and its second lot, which expires first."""
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-20")
    await keep(database, owner, product)

    def receive(transaction: Transaction) -> Done | None:
        return actions.receive(
            transaction,
            owner,
            product.id,
            lambda of, on: lot_actions.receive(
                on, product_id=of.id, quantity=of.quantity, printed=Expiry.parse("2026-06-10")
            ),
            NOON,
        )

    received = await database.write(receive)
    assert received is not None
    return owner, product, received.lots[0]


async def opened(database: Database, owner: User, product_id: str) -> Done | None:
    return await database.write(
        lambda t: actions.act_on_next(
            t,
            owner,
            product_id,
            MovementKind.OPENED,
            lambda lot, on: lot_actions.open_(lot, None, on),
            NOON,
        )
    )


async def test_the_sealed_lot_that_expires_first_is_opened_and_stored(database: Database) -> None:
    owner, product, earlier = await with_two_lots(database)
    done = await opened(database, owner, product.id)
    assert done is not None
    assert [lot.id for lot in done.lots] == [earlier.id]
    stored = await database.read(lambda c: lots.all_lots(c, (owner.id, product.id)))
    states = {lot.id: lot.state for lot in stored}
    assert states.pop(earlier.id) is LotState.OPENED
    assert list(states.values()) == [LotState.SEALED]


async def test_a_second_opening_takes_the_other_lot_and_a_third_is_refused(
    database: Database,
) -> None:
    owner, product, earlier = await with_two_lots(database)
    await opened(database, owner, product.id)
    done = await opened(database, owner, product.id)
    assert done is not None
    assert done.lots[0].id != earlier.id
    with pytest.raises(ActionRefused, match="no lot is sealed or thawed, so none can be opened"):
        await opened(database, owner, product.id)


async def test_a_used_up_product_is_refused_and_an_unknown_one_is_not_found(
    database: Database,
) -> None:
    owner, product, _ = await with_two_lots(database)
    await database.write(taking(owner, product, None))
    with pytest.raises(ActionRefused, match="nothing is left"):
        await opened(database, owner, product.id)
    assert await opened(database, owner, "unknown") is None
    other = await a_kept_owner(database)
    assert await opened(database, other, product.id) is None
