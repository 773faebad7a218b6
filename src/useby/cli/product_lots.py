"""``useby product open`` and other actions on the lots of a product, and their undo."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from useby.actions import lots
from useby.actions.lots import Done
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.lot_doing import (
    At,
    Given,
    LotActionResult,
    QuantityText,
    Reason,
    carry_out,
    change_by,
    deed_of,
    run_and_print,
)
from useby.cli.lot_reading import history_of, read_lots, words_for
from useby.cli.naming import ProductName, movement_named, product_named
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked
from useby.cli.terminal import print_line
from useby.cli.typed_dates import typed_time
from useby.domain.account import User
from useby.domain.household import Deed
from useby.domain.movement import DiscardReason, Movement, MovementKind, standing
from useby.store import named, products
from useby.store.database import Database, Transaction


def open_(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Open the lot that is taken next of those that are sealed or thawed, or a part of it."""
    _act(
        MovementKind.OPENED,
        name,
        (email_or_id, household),
        quantity,
        at,
        as_json=as_json,
        url=database,
    )


def freeze(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Freeze the lot that is taken next of those that are not frozen, or a part of it."""
    _act(
        MovementKind.FROZEN,
        name,
        (email_or_id, household),
        quantity,
        at,
        as_json=as_json,
        url=database,
    )


def thaw(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Thaw the lot that is taken next of those that are frozen, or a part of it."""
    _act(
        MovementKind.THAWED,
        name,
        (email_or_id, household),
        quantity,
        at,
        as_json=as_json,
        url=database,
    )


def consume(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Consume of a product: opened lots first, then those that expire first."""
    _act(
        MovementKind.CONSUMED,
        name,
        (email_or_id, household),
        quantity,
        at,
        as_json=as_json,
        url=database,
    )


def discard(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    reason: Reason = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Throw away of a product: opened lots first, then those that expire first."""
    kind = MovementKind.DISCARDED
    _act(kind, name, (email_or_id, household), quantity, at, reason, as_json=as_json, url=database)


def undo(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[PRODUCT]", help="Undo the last movement of this product, e.g. 'Organic Milk'."
        ),
    ] = None,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    movement_id: Annotated[
        str | None,
        typer.Option(
            "--movement",
            metavar="ID",
            help="Undo this movement: its id or a part of that, e.g. b5e89b.",
        ),
    ] = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Undo a movement: the last one of the person, or of a product, or any by its id.

    The command prints the movement before it undoes it. `useby product show` lists movements.
    """
    if name is not None and movement_id is not None:
        raise typer.BadParameter(
            "is not possible with --movement: give one of them, e.g. 'Organic Milk'",
            param_hint="PRODUCT",
        )

    async def work(database: Database) -> LotActionResult:
        user, now = await stock_of(database, email_or_id, household, Deed.UNDO), datetime.now(UTC)
        movement = await _movement(database, user, name, movement_id, now)
        product = await database.read(lambda c: products.get(c, user.id, movement.product_id))
        if product is None:
            raise CommandError("its product has been deleted by another program")
        words = await database.read(lambda c: words_for(c, user, now))
        print_line(f"{product.name}: undoing: {words.movement(movement, product)}", err=as_json)
        return await carry_out(
            database,
            user,
            product.name,
            lambda t, owner: lots.undo(t, owner, movement.id, now),
            now,
            Deed.UNDO,
        )

    run_and_print(database, work, as_json=as_json)


async def _movement(
    database: Database, user: User, name: str | None, movement_id: str | None, now: datetime
) -> Movement:
    """Return the movement to undo.

    Raises:
        CommandError: There is none.
    """
    if movement_id is not None:
        return await movement_named(database, user, movement_id)
    if name is None:
        last = await read_lots(database, user, lambda c: named.last_movement(c, user.id))
        if last is None:
            raise CommandError("there is nothing to undo: no movement is recorded")
        return last
    product = await product_named(database, user, name)
    found = await history_of(database, user, product.id, now)
    stand = standing(found.movements[::-1]) if found is not None else ()
    if not stand:
        raise CommandError(f"there is nothing to undo of {product.name}")
    return stand[-1]


def _act(
    kind: MovementKind,
    name: str,
    whose: tuple[str, str | None],
    quantity: str | None,
    at: str | None,
    reason: DiscardReason | None = None,
    *,
    as_json: bool,
    url: str | None,
) -> None:
    """Carry out an action on a product's lots and print it.

    Args:
        kind: Kind of the movement.
        name: Name of the product.
        whose: The person and the household.
        quantity: Quantity, as it was typed.
        at: Time, as it was typed.
        reason: Reason of throwing away.
        as_json: Whether to print JSON.
        url: URL of the database.
    """
    given = checked(Given, {}, quantity=quantity, reason=reason)

    async def work(database: Database) -> LotActionResult:
        user, now = await stock_of(database, *whose, deed_of(kind)), datetime.now(UTC)
        when = typed_time(at, user, now)
        product = await product_named(database, user, name, open_first=True)

        def do(transaction: Transaction, owner: User) -> Done | None:
            how = lots.DISPOSALS.get(kind)
            if how is not None:
                return lots.take(
                    transaction,
                    owner,
                    product.id,
                    quantity=given.quantity,
                    how=how,
                    now=now,
                    at=when,
                    reason=given.reason,
                )
            change = change_by(kind, given)
            return lots.act_on_next(transaction, owner, product.id, kind, change, now, when)

        return await carry_out(database, user, product.name, do, now, deed_of(kind))

    run_and_print(url, work, as_json=as_json)
