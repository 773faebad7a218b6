"""A household that does things with its stock, as chance decides, over the real actions."""

import random
from collections.abc import Callable
from datetime import time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from tests.support.factories import NOON, a_product
from uuid_utils import uuid7

from useby.actions import inventory, lots, policies
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot
from useby.domain.movement import DiscardReason
from useby.domain.occasion import Occasion
from useby.domain.policy import Lead, PolicyFields, Repeat, Scope
from useby.domain.product import DateKind, Disposal, Product
from useby.store import exports
from useby.store.database import Database, Transaction
from useby.store.exports import Kept

NAMES = ("Milk", "=1+1", "Bread", "'quoted", "Käse")
TEXTS = ("", "Fridge", "-5", "@home", "\ttab", 'a "b", c;d', "zwei\nZeilen")
PLACES = ("", "Fridge", "=cmd", "Cellar")
RULES = (None, None, "P3D", "P2W", "PT8H")
DATES = (None, "2026-02-20", "2026-03-04", "2026-06-01", "2026-03-10T10:30:00+01:00")
BARCODES = ((), ("4006381333931",), ("01\x1d10A", "=1+1", "a, b; c"), ("96385074", "-5"))
AGES = (0, 0, 1, 3)
QUANTITIES = ("1", "2", "0.5", "6")


def a_random_product(owner: User, chance: random.Random, *, alike: bool = True) -> Product:
    """A product with any fields; unless alike, no two have the same name."""
    rules: dict[str, Any] = {
        name: None if text is None else Duration.parse(text)
        for name in ("after_opening", "after_freezing", "after_thawing")
        for text in (chance.choice(RULES),)
    }
    shelf_life = chance.choice(RULES[:4])
    date, barcodes = chance.choice(DATES), chance.choice(BARCODES)
    return a_product(
        owner,
        name=chance.choice(NAMES) + ("" if alike else f" {uuid7()}"),
        expiry=None if date is None else Expiry.parse(date),
        quantity=Decimal(chance.choice(QUANTITIES)),
        barcode=next(iter(barcodes), ""),
        more_barcodes=barcodes[1:],
        notes=chance.choice(TEXTS),
        location=chance.choice(PLACES),
        unit=chance.choice(("", "kg")),
        date_kind=chance.choice(tuple(DateKind)),
        lead_days=chance.choice((None, (), (9, 1))),
        external_id=chance.choice((None, None, f"id {uuid7()}")),
        minimum_stock=chance.choice((None, Decimal("1.5"))),
        shelf_life=None if shelf_life is None else Duration.parse(shelf_life),
        **rules,
    )


def _receive(chance: random.Random) -> Callable[[Product, Occasion], lot_actions.Change]:
    date = chance.choice(DATES)
    values: dict[str, Any] = {
        "quantity": Decimal(chance.choice(QUANTITIES)),
        "printed": None if date is None else Expiry.parse(date),
        "lot_number": chance.choice(("", "L1", "+2")),
        "serial": chance.choice(("", "S1")),
        "price": chance.choice((None, Decimal("1.29"), Decimal(0))),
        "location": chance.choice(PLACES),
        "date_kind": chance.choice(tuple(DateKind)),
    }
    return lambda product, occasion: lot_actions.receive(occasion, product_id=product.id, **values)


def _action(chance: random.Random) -> Callable[[Lot, Occasion], lot_actions.Change]:
    part = chance.choice((None, None, Decimal("0.5"), Decimal(1)))
    date = chance.choice(DATES)
    expiry = None if date is None else Expiry.parse(date)
    quantity, place = Decimal(chance.choice(QUANTITIES)), chance.choice(PLACES)
    reason = chance.choice((None, *DiscardReason))
    choices: tuple[Callable[[Lot, Occasion], lot_actions.Change], ...] = (
        lambda lot, occasion: lot_actions.open_(lot, part, occasion),
        lambda lot, occasion: lot_actions.freeze(lot, part, occasion),
        lambda lot, occasion: lot_actions.thaw(lot, part, occasion),
        lambda lot, occasion: lot_actions.move(lot, part, place, occasion),
        lambda lot, occasion: lot_actions.consume([lot], part, occasion),
        lambda lot, occasion: lot_actions.discard([lot], part, reason, occasion),
        lambda lot, occasion: lot_actions.correct_quantity(lot, quantity, occasion),
        lambda lot, occasion: lot_actions.correct_date(lot, expiry, occasion),
    )
    return chance.choice(choices)


def a_random_policy(chance: random.Random) -> PolicyFields:
    """Any fields of a policy, perhaps none of them."""
    return PolicyFields(
        leads=chance.choice((None, (), (Lead.parse("7d"), Lead.parse("24h"), Lead.parse("15%")))),
        alert_time=chance.choice((None, time(7, 30))),
        on_expiry=chance.choice((None, False, True)),
        repeat=chance.choice(
            (None, Repeat(Duration.parse("P3D"), 4), Repeat(Duration.parse("P1W"), 0))
        ),
        muted=chance.choice((None, False, True, NOON + timedelta(days=3))),
    )


def _scope(chance: random.Random, each: Kept | None) -> tuple[Scope, str]:
    choices = [
        (Scope.ACCOUNT, ""),
        (Scope.CATEGORY, chance.choice(("dairy", "=cmd"))),
        (Scope.LOCATION, chance.choice(PLACES[1:])),
        (Scope.DATE_KIND, chance.choice(tuple(DateKind)).value),
    ]
    if each is not None:
        choices += [(Scope.PRODUCT, each.product.id)] * 2
        choices += [(Scope.LOT, lot.id) for lot in each.lots[:2]]
    return chance.choice(choices)


def _step(
    transaction: Transaction, owner: User, chance: random.Random, day: int, *, alike: bool
) -> None:
    """Do one thing that is perhaps refused."""
    now = NOON + timedelta(days=day)
    at = None if chance.random() < 0.7 else Expiry(day=(now - timedelta(days=1)).date())
    kept = exports.page(transaction.connection, owner.id, "")
    each = chance.choice(kept) if kept else None
    what = chance.randrange(10)
    if each is None or what == 0:
        inventory.add(transaction, a_random_product(owner, chance, alike=alike), owner, now)
    elif what == 1:
        lots.receive(transaction, owner, each.product.id, _receive(chance), now, at)
    elif what == 2 and each.movements:
        lots.undo(transaction, owner, chance.choice(each.movements).id, now)
    elif what == 3 and chance.random() < 0.3:
        how = chance.choice(tuple(Disposal))
        inventory.use(transaction, owner, each.product.id, quantity=None, how=how, now=now)
    elif what == 4 and each.lots and chance.random() < 0.3:
        lots.delete(transaction, owner, chance.choice(each.lots).id, now)
    elif what >= 8:
        scope, key = _scope(chance, each)
        policies.put(transaction, owner.id, scope, key, a_random_policy(chance), now)
    elif each.lots:
        lots.act(transaction, owner, chance.choice(each.lots).id, _action(chance), now, at)


async def lead_a_life(
    database: Database,
    owner: User,
    chance: random.Random,
    *,
    alike: bool = True,
    steps: int = 25,
) -> list[Kept]:
    """Do random things with an account's stock; return what is there afterwards."""
    for number in range(steps):
        day = number // 5
        # A refused step leaves nothing: its transaction is rolled back.
        try:
            await database.write(partial(_step, owner=owner, chance=chance, day=day, alike=alike))
        except ValueError:
            continue
    return await database.read(lambda c: exports.page(c, owner.id, ""))
