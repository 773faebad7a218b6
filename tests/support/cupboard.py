"""Lots of one product and their movements, for examples that read like what people do."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from useby.domain import lot_actions
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot, recomputed
from useby.domain.lot_actions import Change
from useby.domain.lot_dates import Rules
from useby.domain.movement import DiscardReason, Movement
from useby.domain.occasion import Occasion


def rules_of(**texts: str) -> Rules:
    """Rules by their fields, each as an ISO 8601 duration."""
    return Rules(**{name: Duration.parse(text) for name, text in texts.items()})


class Cupboard:
    """A product's lots as a database stores them. Times are days, or date-times with offset."""

    def __init__(self, zone: str = "Europe/Berlin", **rules: str) -> None:
        self.zone = ZoneInfo(zone)
        self.rules = rules_of(**rules)
        self.now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        self.lots: dict[str, Lot] = {}
        self.movements: list[Movement] = []
        self._ids = count(1)

    def occasion(self, at: str | None = None) -> Occasion:
        when = None if at is None else Expiry.parse(at)
        return Occasion(self.now, self.zone, self.rules, lambda: f"{next(self._ids):03}", when)

    def receive(
        self, on: str, printed: str | None = None, quantity: str = "1", **fields: Any
    ) -> str:
        """Receive a lot and return its id."""
        change = lot_actions.receive(
            self.occasion(on),
            product_id="milk",
            quantity=Decimal(quantity),
            printed=None if printed is None else Expiry.parse(printed),
            **fields,
        )
        return self._keep(change).lots[0].id

    def open(self, lot: str, at: str | None = None, quantity: str | None = None) -> Change:
        return self._act(lot_actions.open_, lot, at, quantity)

    def freeze(self, lot: str, at: str | None = None, quantity: str | None = None) -> Change:
        return self._act(lot_actions.freeze, lot, at, quantity)

    def thaw(self, lot: str, at: str | None = None, quantity: str | None = None) -> Change:
        return self._act(lot_actions.thaw, lot, at, quantity)

    def move(
        self, lot: str, location: str, at: str | None = None, quantity: str | None = None
    ) -> Change:
        amount = None if quantity is None else Decimal(quantity)
        return self._keep(lot_actions.move(self.lots[lot], amount, location, self.occasion(at)))

    def consume(self, *lots: str, quantity: str | None = None, at: str | None = None) -> Change:
        """Consume of the lots named, or of all."""
        amount = None if quantity is None else Decimal(quantity)
        return self._keep(lot_actions.consume(self._named(lots), amount, self.occasion(at)))

    def discard(
        self,
        *lots: str,
        quantity: str | None = None,
        reason: DiscardReason | None = None,
        at: str | None = None,
    ) -> Change:
        """Discard of the lots named, or of all."""
        amount = None if quantity is None else Decimal(quantity)
        occasion = self.occasion(at)
        return self._keep(lot_actions.discard(self._named(lots), amount, reason, occasion))

    def type_date(self, lot: str, expires: str | None) -> Change:
        expiry = None if expires is None else Expiry.parse(expires)
        return self._keep(lot_actions.correct_date(self.lots[lot], expiry, self.occasion()))

    def count(self, lot: str, quantity: str) -> Change:
        return self._keep(
            lot_actions.correct_quantity(self.lots[lot], Decimal(quantity), self.occasion())
        )

    def undo(self, movement: Movement) -> Change:
        return self._keep(
            lot_actions.undo(movement, self.lots.values(), self.movements, self.occasion())
        )

    def rule(self, **rules: str) -> None:
        """Change the rules and compute the lots again."""
        self.rules = rules_of(**rules)
        self._recompute()

    def move_house(self, zone: str) -> None:
        """Change the household's zone and compute the lots again."""
        self.zone = ZoneInfo(zone)
        self._recompute()

    def date(self, lot: str) -> tuple[str | None, str | None]:
        """The date that counts and its source, as the REST interface shows them."""
        found = self.lots[lot]
        return (
            None if found.expiry is None else found.expiry.key,
            None if found.date_source is None else found.date_source.value,
        )

    def _named(self, lots: tuple[str, ...]) -> list[Lot]:
        return [self.lots[lot] for lot in lots or self.lots]

    def _act(
        self,
        action: Callable[[Lot, Decimal | None, Occasion], Change],
        lot: str,
        at: str | None,
        quantity: str | None,
    ) -> Change:
        amount = None if quantity is None else Decimal(quantity)
        return self._keep(action(self.lots[lot], amount, self.occasion(at)))

    def _keep(self, change: Change) -> Change:
        self.lots |= {lot.id: lot for lot in change.lots}
        self.movements += change.movements
        for gone in change.gone:
            del self.lots[gone]
        return change

    def _recompute(self) -> None:
        for id_, lot in self.lots.items():
            again = recomputed(lot, self.movements, self.rules, self.zone)
            assert again is not None
            self.lots[id_] = again
