"""Carry out an action on lots for a command, and print what was done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

import typer

from useby.actions.lots import Done
from useby.cli.database import run_on_database
from useby.cli.lot_reading import locked, words_for
from useby.cli.lot_words import Words, amount
from useby.cli.options import CommandError, settings_with
from useby.cli.terminal import print_json, print_line
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.household import Deed, NotAllowed
from useby.domain.lot import Lot
from useby.domain.lot_actions import Change
from useby.domain.movement import ActionRefused, DiscardReason, MovementKind
from useby.domain.occasion import Occasion, TimeRefused
from useby.schemas.fields import RequestModel
from useby.schemas.lots import LotChange, LotOut, MovementOut, NewLot
from useby.schemas.products import ProductOut
from useby.schemas.stock import Place, Quantity
from useby.store.database import Database, Transaction

QuantityText = Annotated[
    str | None, typer.Option("--quantity", help="Quantity, e.g. 0.5; without it, all.")
]
At = Annotated[
    str | None,
    typer.Option("--at", help="Day or time at which it happened, e.g. yesterday; without it, now."),
]
Reason = Annotated[
    DiscardReason | None, typer.Option(help="expired, spoiled, too_much or other, e.g. spoiled.")
]

LotNumber = Annotated[str, typer.Option(help="Number of the batch, e.g. L2026-07.")]
LotSerial = Annotated[str, typer.Option("--serial", help="Serial number, e.g. SN-4711.")]
LotPrice = Annotated[str | None, typer.Option("--price", help="Price of one unit, e.g. 1.29.")]
Received = Annotated[
    str | None,
    typer.Option(
        "--received", metavar="DAY", help="Day of receipt, e.g. yesterday; without it, today."
    ),
]


class Given(RequestModel):
    """The validated options of an action."""

    quantity: Quantity | None = None
    location: Place = ""
    reason: DiscardReason | None = None


CHANGES: Final[dict[MovementKind, Callable[[Lot, Given, Occasion], Change]]] = {
    MovementKind.OPENED: lambda lot, given, on: lot_actions.open_(lot, given.quantity, on),
    MovementKind.FROZEN: lambda lot, given, on: lot_actions.freeze(lot, given.quantity, on),
    MovementKind.THAWED: lambda lot, given, on: lot_actions.thaw(lot, given.quantity, on),
    MovementKind.MOVED: lambda lot, given, on: lot_actions.move(
        lot, given.quantity, given.location, on
    ),
    MovementKind.CONSUMED: lambda lot, given, on: lot_actions.consume([lot], given.quantity, on),
    MovementKind.DISCARDED: lambda lot, given, on: lot_actions.discard(
        [lot], given.quantity, given.reason, on
    ),
}
"""Changes of one lot by the kind of movement that they make."""

_USES: Final = {MovementKind.CONSUMED, MovementKind.DISCARDED, MovementKind.OPENED}

Work = Callable[[Transaction, User], Done | None]


@dataclass(frozen=True, slots=True)
class LotActionResult:
    """An action that was carried out."""

    done: Done
    words: Words
    sent: NewLot | LotChange | None = None
    """The new lot, or the change of one, as it was given."""

    @property
    def lots(self) -> list[LotOut]:
        """The changed and new lots, as REST shows them."""
        user, now, product = self.words.user, self.words.now, self.done.product
        return [LotOut.of(lot, product, user, now, self.sent) for lot in self.done.lots]

    def json(self) -> dict[str, Any]:
        """Return the product, its changed lots and the new movements, as REST shows them."""
        user, now, product = self.words.user, self.words.now, self.done.product
        movements = [MovementOut.of(each) for each in self.done.movements]
        return {
            "product": ProductOut.of(product, user, now).model_dump(mode="json", by_alias=True),
            "lots": [each.model_dump(mode="json", by_alias=True) for each in self.lots],
            "movements": [each.model_dump(mode="json", by_alias=True) for each in movements],
        }

    def lines(self) -> list[str]:
        """Return a sentence for each thing that was done, and one about what is left."""
        product = self.done.product
        lines = self.words.done(product, self.done.lots, self.done.movements)
        if isinstance(self.sent, LotChange):
            (lot,) = self.done.lots
            result = f"{self.words.lot(lot.id)}, which {self.words.good_until(lot)}"
            lines = [f"{product.name}: changed {result}"]
        left = "nothing is left"
        if product.lot_count:
            lots = "1 lot" if product.lot_count == 1 else f"{product.lot_count} lots"
            left = f"{amount(product.quantity, product.unit)} left in {lots}"
        return [*lines, f"{product.name}: {left}"]


async def carry_out(
    database: Database,
    user: User,
    name: str,
    work: Work,
    now: datetime,
    deed: Deed = Deed.CHANGE,
    *,
    at: str = "--at",
) -> LotActionResult:
    """Carry out an action in one transaction.

    Args:
        database: The database.
        user: The owner.
        name: Name of the product, for messages.
        work: Called with the transaction and the locked owner.
        now: The current time, aware.
        deed: What is done.
        at: Name of the option with the time.

    Raises:
        BadParameter: It cannot have happened at the time that was given.
        CommandError: The present state does not allow the action; nothing was changed.
    """

    def write(transaction: Transaction) -> LotActionResult | None:
        owner = locked(transaction, user, deed)
        done = work(transaction, owner)
        if done is None:
            return None
        return LotActionResult(done, words_for(transaction.connection, owner, now))

    try:
        outcome = await database.write(write)
    except TimeRefused as error:
        raise typer.BadParameter(str(error), param_hint=at) from None
    except NotAllowed as error:
        raise CommandError(f"{name}: {error}") from None
    except ActionRefused as error:
        shows = f"`useby product show PRODUCT --user {user.email or user.id}` shows its lots"
        raise CommandError(f"{name}: {error}; {shows}") from None
    if outcome is None:
        raise CommandError(f"{name} has been deleted by another program")
    return outcome


def run_and_print(
    url: str | None, work: Callable[[Database], Awaitable[LotActionResult]], *, as_json: bool
) -> None:
    """Run an action on the database of a command and print its outcome."""
    outcome = run_on_database(settings_with(database_url=url), work)
    if as_json:
        print_json(outcome.json())
        return
    for line in outcome.lines():
        print_line(line)
    for warning in (each for lot in outcome.lots for each in lot.warnings):
        print_line(warning, err=True)


def deed_of(kind: MovementKind) -> Deed:
    """Return what an action on a lot is, as a role allows it."""
    return Deed.USE if kind in _USES else Deed.CHANGE


def change_by(kind: MovementKind, given: Given) -> Callable[[Lot, Occasion], Change]:
    """Return the change of a lot that an action makes."""
    return partial(_changed, kind, given)


def _changed(kind: MovementKind, given: Given, lot: Lot, occasion: Occasion) -> Change:
    return CHANGES[kind](lot, given, occasion)
