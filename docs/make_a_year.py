"""Write docs/explanation/a-year.md: a year of a household, and what it was notified of.

The household shops, opens, freezes, thaws, eats and forgets, by chance but each time the same. The
actions, the alerts and the database are those of a node; only the clock is set.
"""

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from useby.actions import inventory, lots
from useby.actions.alerts import send_due
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot, LotState, open_lots, taken_first
from useby.domain.lot_actions import Change
from useby.domain.movement import DiscardReason
from useby.domain.notification import Cause
from useby.domain.occasion import Occasion
from useby.domain.policy import Policy
from useby.domain.product import DateKind, Product
from useby.store import accounts, migrate, notifications
from useby.store import lots as stored_lots
from useby.store.database import Database
from useby.store.notifications import NotificationQuery
from useby.store.open import open_database

PAGE = Path(__file__).parent / "explanation" / "a-year.md"
ZONE = ZoneInfo("Europe/Berlin")
FIRST, DAYS = date(2026, 1, 1), 365
ADA = User("ada", None, "Ada", "Europe/Berlin", Policy(), datetime(2026, 1, 1, tzinfo=UTC))
TIDY = 0.7
"""Chance that a lot that is over is discarded on a day."""
MORNING, EVENING, NIGHT = time(9), time(18), time(23)


@dataclass(frozen=True)
class Good:
    """Something that the household buys again and again."""

    name: str
    every: int
    """Days between two purchases."""
    quantity: int
    keeps: int | None
    """Days from the purchase to the printed date; ``None`` for a package without one."""
    eaten: float
    """Chance that one unit is used up on a day."""
    kind: DateKind = DateKind.BEST_BEFORE
    unit: str = ""
    rules: dict[str, str] = field(default_factory=dict)
    frozen: float = 0
    """Chance that a sealed lot is frozen on the day of the purchase."""
    by_month: bool = False
    """True if the package has a month, which means its last day."""


BERRIES = {"shelf_life": "P4D", "after_freezing": "P300D"}
GOODS = (
    Good("Milk", 6, 2, 9, 0.45, unit="l", rules={"after_opening": "P4D"}),
    Good("Yoghurt", 9, 4, 21, 0.5),
    Good("Minced meat", 12, 1, 2, 0.2, DateKind.USE_BY, "kg", {"after_thawing": "P1D"}, 0.5),
    Good("Bread", 6, 1, 6, 0.3, frozen=0.2),
    Good("Eggs", 14, 10, 24, 0.6),
    Good("Smoked salmon", 30, 1, 14, 0.1, DateKind.USE_BY, rules={"after_opening": "P2D"}),
    Good("Orange juice", 10, 2, 40, 0.25, unit="l", rules={"after_opening": "P5D"}),
    Good("Butter", 15, 1, 45, 0.07),
    Good("Insulin pen", 45, 2, 400, 0.03, rules={"after_opening": "P28D"}),
    Good("Eye drops", 120, 1, 120, 0, rules={"after_opening": "P6W"}, by_month=True),
    Good(
        "Berries",
        20,
        2,
        None,
        0.1,
        rules={"shelf_life": "P4D", "after_freezing": "P300D"},
        frozen=1,
    ),
    Good("Honey", 180, 1, None, 0.02),
)


class Household:
    """Ada, her stock, and chance."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.chance = random.Random(2026)  # noqa: S311 - no secret
        self.ids: dict[str, str] = {}
        self.bought = 0

    async def live(self) -> None:
        """Live through the year, day by day."""
        for day in (FIRST + timedelta(days=number) for number in range(DAYS)):
            await self._alerts(day, MORNING)
            now = at(day, EVENING)
            for number, good in enumerate(GOODS):
                if (day - FIRST).days % good.every == number % good.every:
                    await self._buy(good, now)
                if good.name in self.ids:
                    await self._use(good, now)
            await self._alerts(day, NIGHT)

    async def _alerts(self, day: date, clock: time) -> None:
        now = at(day, clock)
        while (await self.database.write(lambda t: send_due(t, now))).claimed:
            pass

    async def _buy(self, good: Good, now: datetime) -> None:
        today = now.astimezone(ZONE).date()
        printed = None if good.keeps is None else today + timedelta(days=good.keeps)
        if printed is not None and good.by_month:
            printed = printed.replace(day=1) - timedelta(days=1)
        expiry = None if printed is None else Expiry(day=printed)
        self.bought += 1
        if good.name not in self.ids:
            self.ids[good.name] = f"{len(self.ids):02}"
            rules: dict[str, Any] = {
                name: Duration.parse(text) for name, text in good.rules.items()
            }
            product = Product(
                self.ids[good.name],
                ADA.id,
                good.name,
                expiry,
                now,
                now,
                quantity=Decimal(good.quantity),
                unit=good.unit,
                date_kind=good.kind,
                **rules,
            )
            await self.database.write(lambda t: inventory.add(t, product, ADA, now))
        else:
            await self.database.write(
                lambda t: lots.receive(
                    t,
                    ADA,
                    self.ids[good.name],
                    lambda product, occasion: lot_actions.receive(
                        occasion,
                        product_id=product.id,
                        quantity=Decimal(good.quantity),
                        printed=expiry,
                        date_kind=good.kind,
                    ),
                    now,
                )
            )
        if self.chance.random() < good.frozen:
            newest = max(await self._open_lots(good), key=lambda lot: lot.id)
            await self._act(newest, now, lambda lot, on: lot_actions.freeze(lot, None, on))

    async def _use(self, good: Good, now: datetime) -> None:
        left = sorted(await self._open_lots(good), key=lambda lot: taken_first(lot, ZONE))
        over = [lot for lot in left if lot.expiry and lot.expiry.ends_at(ZONE) <= now]
        if over and self.chance.random() < TIDY:
            await self._act(
                over[0],
                now,
                lambda lot, on: lot_actions.discard([lot], None, DiscardReason.EXPIRED, on),
            )
            return
        if not left or self.chance.random() >= good.eaten:
            return
        first = left[0]
        if first.state is LotState.FROZEN:
            await self._act(first, now, lambda lot, on: lot_actions.thaw(lot, None, on))
        elif first.state is LotState.SEALED and "after_opening" in good.rules:
            await self._act(first, now, lambda lot, on: lot_actions.open_(lot, Decimal(1), on))
        else:
            await self._act(first, now, lambda lot, on: lot_actions.consume([lot], Decimal(1), on))

    async def _act(self, lot: Lot, now: datetime, action: "Action") -> None:
        await self.database.write(lambda t: lots.act(t, ADA, lot.id, action, now))

    async def _open_lots(self, good: Good) -> list[Lot]:
        key = (ADA.id, self.ids[good.name])
        found = await self.database.read(lambda c: stored_lots.open_lots(c, [key]))
        return open_lots(found.get(key, []))


Action = Callable[[Lot, Occasion], Change]


def at(day: date, clock: time) -> datetime:
    """Return the UTC moment of a time of day in the household's zone."""
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


async def lived(database: Database) -> tuple[Household, list[tuple[datetime, str]]]:
    """Live the year; return the household, and each notification's local time and text."""
    await database.write(lambda t: accounts.add_user(t, user=ADA, password_hash=None))
    household = Household(database)
    await household.live()
    cursor, found = None, []
    while True:
        query = NotificationQuery(limit=500, cursor=cursor)
        page = await database.read(lambda c: notifications.list_(c, ADA.id, query))  # noqa: B023 - runs at once
        found += [
            (each.created_at.astimezone(ZONE), each.message)
            for each in page.items
            if each.event in (Cause.EXPIRING, Cause.EXPIRED, Cause.SUMMARY)
        ]
        cursor = page.next_cursor
        if cursor is None:
            return household, found[::-1]


async def _page() -> str:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/year.db"
        await asyncio.to_thread(migrate.upgrade, url)
        database = open_database(url, checkpoints=True)
        try:
            household, said = await lived(database)
        finally:
            await database.close()
    head = HEAD.format(
        lots=household.bought, goods=len(GOODS), alerts=len(said), most=most_on_a_day(said)
    )
    return head + "\n".join(_months(said)) + "\n"


def most_on_a_day(said: Sequence[tuple[datetime, str]]) -> int:
    """Return the largest number of alerts on one day."""
    return max(Counter(moment.date() for moment, _ in said).values())


def _months(said: Sequence[tuple[datetime, str]]) -> Iterator[str]:
    by_moment: dict[datetime, list[str]] = {}
    for moment, text in said:
        by_moment.setdefault(moment, []).append(text)
    month = 0
    for moment, texts in by_moment.items():
        if moment.month != month:
            month = moment.month
            yield f"\n## {moment:%B}\n\n| day | time | alerts |\n|---|---|---|"
        yield f"| {moment:%d} | {moment:%H:%M} | {'; '.join(texts)} |"


HEAD = """# A year of a household

`make docs` generates this page: a household lives through 2026, day by day, with the actions, the
alerts and the database of a node; only the clock is set (`docs/make_a_year.py`). It has {goods}
products and buys {lots} lots of them. Milk is opened and then keeps four days, minced meat and
bread are frozen and thawed, an insulin pen keeps 28 days once it is open, and eye drops have a
month on their package. At 18:00 the household shops, opens, freezes, thaws and uses things up; it
forgets some, and discards most of these once they are over. Its alerts are the default ones: seven
and two days ahead, on the day, and on expiry, at 09:00 in Berlin. What becomes due in the evening
is sent at 23:00 here; a node sends it at once.

It was sent {alerts} alerts, at most {most} on one day. A lot without a date is in none of them, and
two lots of one date are one alert. More than five alerts at once are one summary, which names the
three most urgent.
"""


def page() -> str:
    """Return the text of the page."""
    return asyncio.run(_page())


if __name__ == "__main__":
    PAGE.write_text(page())
