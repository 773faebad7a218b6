"""A household whose lots live through random steps."""

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final

from hypothesis import strategies as st
from tests.support.cupboard import rules_of
from tests.support.factories import a_product
from tests.support.lot_lives import ZONES

from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.domain.lot_actions import Change
from useby.domain.movement import ActionRefused, Movement
from useby.domain.occasion import Occasion, TimeRefused
from useby.domain.product import Product

STARTS: Final = (
    datetime(2025, 12, 27, 21, tzinfo=UTC),
    datetime(2026, 3, 12, 21, tzinfo=UTC),
    datetime(2026, 10, 10, 9, tzinfo=UTC),
)
"""Some days before the end of an ISO year, and before summer time begins or ends."""
CATEGORIES: Final = ("Dairy", "DAIRY", "Wine", "")
UNITS: Final = ("", "kg")
PLACES: Final = ("Fridge", "fridge", "Cellar", "")
PRICES: Final = (None, Decimal(0), Decimal("1.99"), Decimal("0.333333"), Decimal("999999999999.5"))
QUANTITIES: Final = tuple(map(Decimal, ("1", "2", "0.5", "0.000001", "250", "999999999999.999999")))
WORDS: Final = (
    *("receive", "receive", "consume", "consume", "discard", "discard", "wait", "wait"),
    *("open", "freeze", "move", "undo", "alert", "alert"),
)
Step = tuple[str, int, int, int]


def steps_of(seed: int, length: int) -> list[Step]:
    """Steps in which everything happens often; Hypothesis itself would draw many of the same."""
    draw = random.Random(seed)
    return [
        (draw.choice(WORDS), draw.randrange(1000), draw.randrange(1000), draw.randrange(48))
        for _ in range(length)
    ]


lives = st.builds(
    steps_of, st.integers(0, 2**32 - 1), st.sampled_from((0, 3, 10, 40, 100, 200, 200, 200))
)
zones = st.sampled_from(ZONES)
starts = st.sampled_from(STARTS)
days = st.none() | st.integers(-5, 90).map(lambda number: timedelta(days=number))
"""Distances of a day from the start; none for no day."""


@dataclass
class Household:
    """Products, lots, movements and sent alerts, as a database has them."""

    owner: User
    now: datetime
    products: list[Product] = field(default_factory=list)
    lots: dict[str, Lot] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    alerts: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Time of the alert by product and key of the date."""
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.products = [
            a_product(self.owner, name=f"{category} in {unit}", category=category, unit=unit)
            for category in CATEGORIES
            for unit in UNITS
        ]

    def occasion(self, hours_ago: int = 0) -> Occasion:
        at = Expiry(instant=self.now - timedelta(hours=hours_ago)) if hours_ago else None
        rules = rules_of(after_opening="PT30H")
        return Occasion(self.now, self.owner.zone, rules, lambda: f"{next(self.ids):06}", at)

    def live(self, steps: Iterable[Step]) -> None:
        """Take steps; those that a lot's state does not allow are left out."""
        for word, pick, other, hours in steps:
            with contextlib.suppress(ActionRefused, TimeRefused):
                getattr(self, f"_{word}")(pick, other, hours)

    def _wait(self, pick: int, other: int, hours: int) -> None:
        """Wait for some hours, or now and then for weeks."""
        self.now += timedelta(hours=hours % 12) if other % 8 else timedelta(days=pick % 30)

    def _receive(self, pick: int, other: int, hours: int) -> None:
        product = self.products[pick % len(self.products)]
        day = self.now.astimezone(self.owner.zone).date() + timedelta(days=hours % 6 - 1)
        printed = (None, Expiry(day=day), Expiry(instant=self.now + timedelta(hours=hours)))
        change = lot_actions.receive(
            Occasion(self.now, self.owner.zone, rules_of(), lambda: f"{next(self.ids):06}"),
            product_id=product.id,
            quantity=QUANTITIES[other % len(QUANTITIES)],
            printed=printed[other % len(printed)],
            location=PLACES[pick % len(PLACES)],
            price=PRICES[other % len(PRICES)],
        )
        self._keep(change)

    def _consume(self, pick: int, other: int, hours: int) -> None:
        lot = self._lot(pick)
        part = lot.quantity if other % 3 else min(lot.quantity, Decimal("0.5"))
        self._keep(lot_actions.consume([lot], part, self.occasion(hours // 8)))

    def _discard(self, pick: int, other: int, hours: int) -> None:
        lot = self._lot(pick)
        part = None if other % 3 else min(lot.quantity, Decimal("0.5"))
        self._keep(lot_actions.discard([lot], part, None, self.occasion(hours // 8)))

    def _open(self, pick: int, other: int, hours: int) -> None:
        self._act(lot_actions.open_, pick, other, hours)

    def _freeze(self, pick: int, other: int, hours: int) -> None:
        self._act(lot_actions.freeze, pick, other, hours)

    def _move(self, pick: int, other: int, hours: int) -> None:
        place = PLACES[other % len(PLACES)]
        self._keep(lot_actions.move(self._lot(pick), None, place, self.occasion(hours // 8)))

    def _act(
        self,
        action: Callable[[Lot, Decimal | None, Occasion], Change],
        pick: int,
        other: int,
        hours: int,
    ) -> None:
        lot = self._lot(pick)
        part = None if other % 2 else min(lot.quantity, Decimal(1))
        self._keep(action(lot, part, self.occasion(hours // 8)))

    def _undo(self, pick: int, _: int, __: int) -> None:
        if not self.movements:
            return
        movement = self.movements[-1 - pick % min(len(self.movements), 6)]
        theirs = [each for each in self.movements if each.product_id == movement.product_id]
        lots = [lot for lot in self.lots.values() if lot.product_id == movement.product_id]
        self._keep(lot_actions.undo(movement, lots, theirs, self.occasion()))

    def _alert(self, pick: int, _: int, __: int) -> None:
        lot = self._lot(pick)
        if lot.expiry is not None:
            self.alerts.setdefault((lot.product_id, lot.expiry.key), self.now)

    def _lot(self, pick: int) -> Lot:
        """Return one of the lots received last that are open."""
        lots = open_lots(self.lots.values())[-4:]
        if not lots:
            raise ActionRefused("there are no lots")
        return lots[pick % len(lots)]

    def _keep(self, change: Change) -> None:
        self.lots |= {lot.id: lot for lot in change.lots}
        self.movements += change.movements
        for gone in change.gone:
            del self.lots[gone]
