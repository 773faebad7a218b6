"""Lots and movements in words and tables, for people at a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from rich.table import Table

from useby.cli.terminal import cell
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState
from useby.domain.movement import Movement, MovementKind
from useby.domain.policy_scopes import policy_for
from useby.domain.product import Product
from useby.domain.short_ids import ShortIds
from useby.domain.stock import lot_status

NEVER: Final = "never"
WRAPPED: Final = ("product", "location", "number", "")
"""Columns of free text, which are wrapped where the terminal is narrow."""
TAKEN: Final = (MovementKind.CONSUMED, MovementKind.DISCARDED)


@dataclass(frozen=True, slots=True)
class Words:
    """Words about the lots of one person."""

    user: User
    now: datetime
    lots: ShortIds
    """Ids of all of the person's lots."""

    def date(self, expiry: Expiry | None) -> str:
        """Return a date; a time is that of the person's zone."""
        if expiry is None:
            return NEVER
        return expiry.key if expiry.instant is None else self.time(expiry.instant)

    def time(self, moment: datetime) -> str:
        """Return a time in the person's zone, to the minute."""
        return f"{moment.astimezone(self.user.zone):%Y-%m-%d %H:%M}"

    def lot(self, lot_id: str) -> str:
        """Return the words for a lot."""
        return f"lot {self.lots.of(lot_id)}"

    def price(self, lot: Lot) -> str:
        """Return the price of one unit with the currency, if the account has one."""
        return "" if lot.price is None else f"{lot.price:f} {self.user.currency or ''}".rstrip()

    def good_until(self, lot: Lot) -> str:
        """Return a clause about the date of a lot."""
        if lot.expiry is None:
            still = lot.expiry_before_freezing is not None
            return "has no date while it is frozen" if still else "never expires"
        if lot.expiry.ends_at(self.user.zone) <= self.now:
            return f"expired on {self.date(lot.expiry)}"
        return f"is good until {self.date(lot.expiry)}"

    def done(
        self, product: Product, lots: Sequence[Lot], movements: Sequence[Movement]
    ) -> list[str]:
        """Return a sentence for each thing that was done.

        Args:
            product: The product.
            lots: The changed and new lots, as they are afterwards.
            movements: The new movements.
        """
        after = {lot.id: lot for lot in lots}
        rest_of = {each.part_id: each.lot_id for each in movements if each.part_id is not None}
        return [
            f"{product.name}: {self._happened(each, product, after, rest_of.get(each.lot_id))}"
            for each in movements
            if each.kind not in (MovementKind.SPLIT, MovementKind.UNDONE)
        ]

    def movement(self, movement: Movement, product: Product) -> str:
        """Return the words for a movement, for example before it is undone."""
        what = amount(movement.quantity, product.unit)
        at = self.time(movement.at)
        return f"{movement.kind.value} {what} of {self.lot(movement.lot_id)} on {at}"

    def lot_table(self, lots: Sequence[tuple[Lot, Product]], *, with_product: bool) -> Table:
        """Return a table of lots, with columns only for what a lot has.

        Beside their products there is no room for numbers and prices.
        """
        names = ["lot", "date", "status", "state", "quantity", "location", "number", "price"]
        rows = [self._lot_row(lot, product) for lot, product in lots]
        if with_product:
            names[:] = ["lot", "product", *names[1:-2]]
            for row, (_, product) in zip(rows, lots, strict=True):
                row[:] = [row[0], product.name, *row[1:-2]]
        return _table(names, rows, optional=("location", "number", "price"))

    def movement_table(
        self, movements: Sequence[Movement], product: Product, ids: ShortIds, last: int
    ) -> Table:
        """Return a table of the newest movements.

        Args:
            movements: All movements of the product or the lot, newest first.
            product: Their product.
            ids: Ids of all of the person's movements.
            last: Number of movements to show.
        """
        undone = {each.undoes for each in movements}
        rows = []
        for each in movements[:last]:
            notes = [each.reason.value.replace("_", " ")] if each.reason is not None else []
            notes += [f"to {each.location}"] if each.kind is MovementKind.MOVED else []
            notes += [f"undoes {ids.of(each.undoes)}"] if each.undoes is not None else []
            notes += ["undone"] if each.id in undone else []
            what = amount(each.quantity, product.unit)
            lot, id_ = self.lots.of(each.lot_id), ids.of(each.id)
            rows.append([self.time(each.at), each.kind.value, what, lot, id_, ", ".join(notes)])
        return _table(["at", "movement", "quantity", "lot", "id", ""], rows, optional=("",))

    def _lot_row(self, lot: Lot, product: Product) -> list[str]:
        policy = policy_for(product, self.user, lot)
        return [
            self.lots.of(lot.id),
            self.date(lot.expiry) if lot.expiry or lot.state is not LotState.FROZEN else "",
            lot_status(lot, policy, self.user.zone, self.now).value,
            lot.state.value,
            amount(lot.quantity, product.unit),
            lot.location,
            lot.lot_number,
            self.price(lot),
        ]

    def _happened(
        self, movement: Movement, product: Product, after: dict[str, Lot], rest_id: str | None
    ) -> str:
        lot, what = after.get(movement.lot_id), amount(movement.quantity, product.unit)
        kind, id_ = movement.kind, self.lot(movement.lot_id)
        if lot is None:
            return f"{kind.value} {what} of {id_}"
        if kind is MovementKind.RECEIVED:
            return f"received {what} as {id_}, which {self.good_until(lot)}"
        if kind in TAKEN:
            left = "nothing" if lot.closed_as else amount(lot.quantity, product.unit)
            return f"{kind.value} {what} of {id_}; {left} of the lot is left"
        verb = kind.value
        if kind is MovementKind.MOVED:
            result = f"now in {lot.location}" if lot.location else "now without a location"
        else:
            result = f"which {self.good_until(lot)}"
        if rest_id is None:
            return f"{verb} {id_} ({what}), {result}"
        rest = after[rest_id]
        left = f"{amount(rest.quantity, product.unit)} stays in {self.lot(rest.id)}"
        return f"{verb} {what} as {id_}, {result}; {left}"


def amount(quantity: Decimal, unit: str) -> str:
    """Return a quantity with its unit."""
    text = f"{quantity:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}".rstrip()


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str]) -> Table:
    """Return a table without the optional columns that are empty in all rows."""
    shown = [
        at for at, name in enumerate(names) if name not in optional or any(row[at] for row in rows)
    ]
    table = Table(box=None, pad_edge=False)
    for at in shown:
        is_text = names[at] in WRAPPED
        table.add_column(names[at], no_wrap=not is_text, overflow="fold" if is_text else "ellipsis")
    for row in rows:
        table.add_row(*(cell(row[at]) for at in shown))
    return table
