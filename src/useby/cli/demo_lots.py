"""The lots of some of the demo's products: an opened pen, a frozen part, a second package."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from useby.actions import inventory, lots
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot
from useby.domain.lot_actions import Change
from useby.domain.lot_changes import LotDetails
from useby.domain.movement import MovementKind
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Story:
    """Past of a product of the demo, in days before its start."""

    received: int
    """Days since it was received."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Storage rules by their fields."""
    lot_number: str = ""
    price: str | None = None
    done: tuple[MovementKind, int, str] | None = None
    """Opening or freezing: its kind, days since, and the quantity."""
    second: tuple[int, str] | None = None
    """Days from the start to the date of a second lot, and its quantity."""


STORIES: Final[Mapping[str, Story]] = {
    "Insulin Glargine Pen": Story(
        40, {"after_opening": "P28D"}, "4F331A", done=(MovementKind.OPENED, 28, "1")
    ),
    "Chicken Breast": Story(
        2, {"after_thawing": "P1D"}, price="11.90", done=(MovementKind.FROZEN, 1, "0.4")
    ),
    "Mozzarella": Story(3, {"after_opening": "P2D"}, "L2041", "1.29", second=(9, "3")),
}
"""Stories by the names of their products."""


def add(transaction: Transaction, product: Product, user: User, now: datetime) -> None:
    """Add a product of the demo with its lots, by the actions that people use.

    Args:
        transaction: The running write.
        product: The product.
        user: The demo's account.
        now: The start of the demo, aware.
    """
    story = STORIES.get(product.name)
    if story is None:
        inventory.add(transaction, product, user, now)
        return
    today = now.astimezone(user.zone).date()
    rules = {name: Duration.parse(rule) for name, rule in story.rules.items()}
    details = LotDetails(
        lot_number=story.lot_number,
        price=None if story.price is None else Decimal(story.price),
        received_on=today - timedelta(days=story.received),
    )
    product = replace(product, **rules)  # type: ignore[arg-type]
    inventory.add(transaction, product, user, now, details)
    if story.second is not None:
        receipt = partial(_second, story, story.second, today)
        lots.receive(transaction, user, product.id, receipt, now)
    if story.done is not None:
        kind, days, quantity = story.done
        at = Expiry(day=today - timedelta(days=days))
        action = partial(_done, kind, Decimal(quantity))
        lots.act_on_next(transaction, user, product.id, kind, action, now, at)


def _second(
    story: Story, second: tuple[int, str], today: date, product: Product, occasion: Occasion
) -> Change:
    days, quantity = second
    return lot_actions.receive(
        occasion,
        product_id=product.id,
        quantity=Decimal(quantity),
        printed=Expiry(day=today + timedelta(days=days)),
        date_kind=product.date_kind,
        location=product.location,
        price=None if story.price is None else Decimal(story.price),
    )


def _done(kind: MovementKind, quantity: Decimal, lot: Lot, occasion: Occasion) -> Change:
    action = lot_actions.open_ if kind is MovementKind.OPENED else lot_actions.freeze
    return action(lot, quantity, occasion)
