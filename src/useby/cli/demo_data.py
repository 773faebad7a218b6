"""The products of the demo: groceries, medicines and the stock of a small laboratory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from uuid_utils import uuid7

from useby.cli.demo_lots import STORIES
from useby.domain.account import User
from useby.domain.dates import last_day
from useby.domain.expiry import Expiry
from useby.domain.gs1 import check_digit
from useby.domain.product import DateKind, Product

MARK: Final = "demo-"
"""The external ids of the demo's own products begin with it."""
BEST, USE = DateKind.BEST_BEFORE, DateKind.USE_BY


@dataclass(frozen=True, slots=True)
class Sample:
    """A product of the demo, dated relative to its start."""

    name: str
    category: str
    location: str
    kind: DateKind
    days: int = 0
    """Whole days from today."""
    month: bool = False
    """True if its package has a month only, which means the last day."""
    seconds: int | None = None
    """An exact moment in place of days: seconds from the start."""
    quantity: str = "1"
    unit: str = ""
    gtin: str = ""
    """GTIN without its check digit; 952 is GS1's own prefix for examples."""


SAMPLES: Final = (
    # These products are dated to the second, so that their alerts arrive one by one.
    Sample("Organic Milk", "dairy", "fridge", USE, seconds=5, quantity="1", unit="l"),
    Sample("Fresh Salmon Fillet", "fish", "fridge", USE, seconds=9, quantity="0.4", unit="kg"),
    Sample(
        "Trypsin-EDTA, thawed", "reagents", "bench 2", USE, seconds=14, unit="ml", quantity="50"
    ),
    Sample("Minced Beef", "meat", "fridge", USE, seconds=19, quantity="0.5", unit="kg"),
    Sample(
        "Amoxicillin Suspension", "medicine", "fridge", USE, seconds=24, quantity="60", unit="ml"
    ),
    Sample("Sourdough Bread", "bakery", "bread box", BEST, seconds=29),
    Sample(
        "Working Solution TMB", "reagents", "bench 1", USE, seconds=34, quantity="20", unit="ml"
    ),
    Sample("Eye Drops, opened", "medicine", "bathroom", USE, seconds=39, quantity="10", unit="ml"),
    Sample("Sushi Box", "fish", "fridge", USE, seconds=44),
    Sample("Competent Cells DH5-alpha, thawed", "lab", "ice box", USE, seconds=49, quantity="12"),
    Sample("Strawberries", "fruit", "fridge", BEST, seconds=55, quantity="0.5", unit="kg"),
    Sample("Cottage Cheese", "dairy", "fridge", USE, -1, quantity="200", unit="g"),
    Sample("Baby Spinach", "vegetables", "fridge", USE, -1, quantity="150", unit="g"),
    Sample("Greek Yoghurt", "dairy", "fridge", BEST, -3, quantity="4", gtin="952000000001"),
    Sample("Insulin Glargine Pen", "medicine", "fridge", USE, 240, quantity="3"),
    Sample("Chicken Breast", "meat", "fridge", USE, 0, quantity="0.6", unit="kg"),
    Sample("Cell Culture Medium DMEM", "reagents", "cold room", USE, 0, quantity="500", unit="ml"),
    Sample("Fresh Orange Juice", "drinks", "fridge", USE, 1, quantity="1", unit="l"),
    Sample("Mozzarella", "dairy", "fridge", USE, 1, quantity="2", gtin="952000000002"),
    Sample(
        "Penicillin-Streptomycin, opened", "reagents", "freezer", USE, 1, unit="ml", quantity="20"
    ),
    Sample("Free-range Eggs", "dairy", "fridge", BEST, 2, quantity="10", gtin="952000000003"),
    Sample("Cooked Ham", "meat", "fridge", USE, 2, quantity="150", unit="g"),
    Sample("Restriction Enzyme EcoRI", "lab", "freezer", USE, 2, quantity="5000", unit="U"),
    Sample("Hummus", "deli", "fridge", USE, 3, quantity="200", unit="g"),
    Sample("Cough Syrup, opened", "medicine", "bathroom", USE, 5, quantity="80", unit="ml"),
    Sample("Butter", "dairy", "fridge", BEST, 7, quantity="250", unit="g", gtin="952000000004"),
    Sample("pH Buffer 7.00", "lab", "bench 1", USE, 7, quantity="250", unit="ml"),
    Sample("Rapid Antigen Tests", "medicine", "bathroom", USE, 7, quantity="5"),
    Sample("Gouda", "dairy", "fridge", BEST, 12, quantity="400", unit="g"),
    Sample("Apples", "fruit", "cellar", BEST, 14, quantity="2", unit="kg"),
    Sample("Blood Collection Tubes", "lab", "store room", USE, 21, quantity="100"),
    Sample("Frozen Peas", "frozen", "freezer", BEST, 90, quantity="750", unit="g"),
    Sample("Ibuprofen 400 mg", "medicine", "bathroom", USE, 120, month=True, quantity="20"),
    Sample("Taq DNA Polymerase", "reagents", "freezer", USE, 150, quantity="500", unit="U"),
    Sample("Passata", "pantry", "cellar", BEST, 200, quantity="6", gtin="952000000005"),
    Sample("Fetal Bovine Serum", "reagents", "freezer", USE, 300, quantity="500", unit="ml"),
    Sample("Olive Oil", "pantry", "kitchen", BEST, 330, quantity="0.75", unit="l"),
    Sample("Paracetamol 500 mg", "medicine", "bathroom", USE, 400, quantity="30"),
    Sample(
        "Spaghetti", "pantry", "kitchen", BEST, 500, quantity="1", unit="kg", gtin="952000000006"
    ),
    Sample("Sterile Gauze", "medicine", "first-aid box", USE, 900, quantity="25"),
)


def stock(user: User, now: datetime) -> Iterator[Product]:
    """Yield the demo's products, dated from ``now`` (aware) on."""
    today = now.astimezone(user.zone).date()
    for number, sample in enumerate(SAMPLES):
        exact = sample.seconds is not None
        day = today + timedelta(days=sample.days)
        yield Product(
            id=str(uuid7()),
            user_id=user.id,
            name=sample.name,
            expiry=Expiry(
                day=None if exact else last_day(day.year, day.month) if sample.month else day,
                instant=now.replace(microsecond=0) + timedelta(seconds=sample.seconds or 0)
                if exact
                else None,
            ),
            created_at=now,
            updated_at=now,
            category=sample.category,
            barcode=f"{sample.gtin}{check_digit(sample.gtin)}" if sample.gtin else "",
            quantity=Decimal(sample.quantity),
            unit=sample.unit,
            location=sample.location,
            date_kind=sample.kind,
            lead_days=() if exact else None,  # its only alert is at that second
            external_id=f"{MARK}{number}",
        )


def redated(kept: Mapping[str, Product], user: User, now: datetime) -> Iterator[Product]:
    """Yield the changes that date a kept demo from ``now`` (aware) on.

    The products that fall due within the minute are new ones with new ids: no alert of a product is
    sent twice in the same words on one day. Of the others only the open ones change; one with a
    past of its own is a new one, too, because that moves with it.

    Args:
        kept: The stored products of the demo, by external id.
        user: The demo's account.
        now: The start of the demo.
    """
    for fresh in stock(user, now):
        before = kept.get(fresh.external_id or "")
        if fresh.lead_days == ():  # it falls due within the minute
            yield fresh
        elif before is not None and before.closed_as is None:
            has_past = fresh.name in STORIES
            yield fresh if has_past else replace(before, expiry=fresh.expiry, updated_at=now)
