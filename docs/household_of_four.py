"""A household of four through a year: what fell due for each member, and what each one got.

The household, its members and their settings are stored by the actions of a node, and what falls
due is sent as its scheduler sends it; only the clock is set. What each member would get without
quiet hours and digest is the forecast that ``GET /api/products/{id}/alerts`` shows.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from useby.actions import accounts, floods, households, inventory, lots, policies, upcoming
from useby.actions import notifications as marks
from useby.actions.alerts import send_due
from useby.domain import lot_actions
from useby.domain.account import AccountChange, User
from useby.domain.expiry import Expiry
from useby.domain.household import Actor, Deed, HouseholdChange, Role
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot
from useby.domain.lot_actions import Change
from useby.domain.movement import MovementKind
from useby.domain.notification import Cause, Notification
from useby.domain.occasion import Occasion
from useby.domain.policy import Lead, Policy, PolicyFields, Scope
from useby.domain.product import DateKind, Disposal, Product
from useby.domain.quiet import Digest, Every, QuietWindow, Weekday
from useby.domain.quota import Limits
from useby.store import accounts as stored_accounts
from useby.store import alerts, notifications, slices
from useby.store import households as stored_households
from useby.store.database import Database, Transaction
from useby.store.notifications import NotificationQuery

HOME = "ada"
"""Id of the household, which is that of its founder's account."""
BERLIN = ZoneInfo("Europe/Berlin")
YEAR = 2026
FIRST, DAYS = date(YEAR, 1, 1), 365
LIMITS = Limits(10**6, 10**6, 10**12)
ALERTS = (Cause.EXPIRING, Cause.EXPIRED, Cause.SUMMARY, Cause.DIGEST)
WORKDAYS = tuple(Weekday)[:5]


@dataclass(frozen=True)
class Person:
    """A member of the household."""

    id: str
    title: str
    role: Role
    settings: AccountChange = field(default_factory=AccountChange)
    zone_name: str = "Europe/Berlin"

    @property
    def zone(self) -> ZoneInfo:
        """The member's zone."""
        return ZoneInfo(self.zone_name)


PEOPLE = (
    Person(HOME, "Ada", Role.OWNER),
    Person(
        "basia",
        "Basia, New York",
        Role.EDITOR,
        AccountChange(language="pl", digest=Digest(Every.WEEK, time(10), Weekday.SAT)),
        "America/New_York",
    ),
    Person(
        "cem",
        "Cem, works at night",
        Role.EDITOR,
        AccountChange(language="de", quiet_hours=(QuietWindow(WORKDAYS, time(7), time(15)),)),
    ),
    Person("tablet", "Tablet in the kitchen", Role.KIOSK),
)
RULES = {"Insulin pen": {"after_opening": "P28D"}, "Strawberries": {"shelf_life": "P4D"}}
RULES["Smoked salmon"] = {"after_opening": "P2D"}
FROZEN = "Pork, Trout, Chicken, Goulash, Stock, Raspberries, Baguette"
RULES |= {each: {"after_freezing": "P300D", "after_thawing": "P2D"} for each in FROZEN.split(", ")}
USE_BY = {"Minced meat", "Ham", "Smoked salmon"}
MEDICINE = {"Insulin pen"}
STORY = f"""
01-05 18:00 ada buys Milk until 01-14
01-12 12:30 tablet uses Milk
01-16 18:00 cem buys Bread until 01-22
01-25 10:00 ada discards Bread
02-02 16:00 cem buys Insulin pen until 12-31
02-02 16:05 cem opens Insulin pen
02-03 18:00 ada buys Minced meat until 02-06
02-07 19:00 ada discards Minced meat
02-10 18:00 ada buys Yoghurt until 02-24
02-23 19:00 tablet uses Yoghurt
03-01 20:00 cem uses Insulin pen
03-04 18:00 ada buys Eggs until 03-25
03-17 18:00 ada buys Cream until 03-28
03-23 11:00 tablet uses Eggs
03-30 18:00 cem discards Cream
04-01 18:00 ada buys Ham, Quark until 04-06
04-05 10:00 tablet uses Quark
04-07 16:30 cem discards Ham
04-20 18:00 cem buys Milk until 04-30
04-28 20:00 ada uses Milk
05-06 17:00 ada buys Strawberries
05-09 13:00 tablet uses Strawberries
05-18 18:00 ada buys Salad until 05-23
05-31 10:00 ada discards Salad
06-08 18:00 cem buys Smoked salmon until 06-20
06-15 20:00 tablet opens Smoked salmon
06-17 18:00 tablet uses Smoked salmon
06-20 10:00 ada buys {FROZEN} until 06-30
06-20 10:05 ada freezes {FROZEN}
07-06 18:00 ada buys Peaches until 07-11
07-06 18:05 ada buys Milk until 07-15
07-26 18:00 ada discards Peaches, Milk
08-12 20:00 ada thaws {FROZEN}
08-13 18:00 tablet uses Pork, Trout, Chicken, Raspberries
08-14 18:00 tablet uses Goulash, Baguette
08-16 10:00 ada discards Stock
09-07 16:00 cem buys Insulin pen until 12-31
09-07 16:05 cem opens Insulin pen
09-14 18:00 ada buys Apples until 09-26
09-24 14:00 tablet uses Apples
10-04 20:00 cem uses Insulin pen
10-13 18:00 ada buys Cheese until 10-25
10-27 19:00 tablet uses Cheese
11-02 18:00 cem buys Minced meat until 11-05
11-04 19:00 cem uses Minced meat
11-16 18:00 ada buys Milk, Yoghurt until 11-25
11-23 12:00 tablet uses Milk
11-29 18:00 ada discards Yoghurt
12-23 18:00 ada buys Goose, Dumplings, Red cabbage, Cream, Cake, Clementines until 12-27
12-26 12:00 tablet uses Goose, Dumplings, Red cabbage
12-27 19:00 ada uses Cream, Cake, Clementines
"""
"""What the members do with the stock, in the time of Berlin."""
READS = {0: (16, "cem"), 2: (20, HOME), 4: (16, "cem"), 6: (20, HOME)}
"""Hour at which a member reads the inbox, and the member, by the day of the week."""


@dataclass(frozen=True)
class ExpectedAlert:
    """An alert about a product, at the time at which it falls due for a member."""

    product: Product
    lead: str
    at: datetime
    because: Scope

    @property
    def title(self) -> str:
        """What the alert is about, without the product."""
        return "over" if self.lead == "expiry" else f"{self.lead.removesuffix('d')} days ahead"


Action = Callable[[Lot, Decimal | None, Occasion], Change]
"""A function of ``lot_actions`` that takes a lot, a quantity and the occasion."""
ACTIONS: dict[str, tuple[MovementKind, Action]] = {
    "opens": (MovementKind.OPENED, lot_actions.open_),
    "freezes": (MovementKind.FROZEN, lot_actions.freeze),
    "thaws": (MovementKind.THAWED, lot_actions.thaw),
}
CLOSINGS = {"uses": Disposal.CONSUMED, "discards": Disposal.DISCARDED}
WORDS = {"uses": "used", "discards": "discarded"}
"""What happened to a product, as the page has it."""


@dataclass
class Year:
    """The household, what falls due in it, and what its members get."""

    database: Database
    products: dict[str, Product] = field(default_factory=dict)
    """The newest product of each name."""
    bought: int = 0
    due: dict[tuple[str, str, date | None, str], ExpectedAlert] = field(default_factory=dict)
    """By member, product, date and lead."""
    closed: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """Time at which a product was used up or discarded, and which of them."""
    read_for: Counter[str] = field(default_factory=Counter)
    """Alerts of each member that were read because another member read theirs."""
    got: dict[str, list[Notification]] = field(default_factory=dict)
    """Alerts that each member got, oldest first."""

    async def live(self) -> None:
        """Live through the year."""
        await self.database.write(move_in)
        deeds = [line.split(maxsplit=4) for line in STORY.strip().splitlines()]
        for day in (FIRST + timedelta(days=number) for number in range(DAYS)):
            todo = [
                (at(day, time.fromisoformat(clock)), rest)
                for on, clock, *rest in deeds
                if on == f"{day:%m-%d}"
            ]
            if day.weekday() in READS:
                hour, reader = READS[day.weekday()]
                todo.append((at(day, time(hour)), [reader, "reads"]))
            for now, words in sorted(todo):
                await self._pass_until(now)
                await self._do(now, *words)
                await self._send(now)
        await self._pass_until(at(FIRST + timedelta(days=DAYS), time(0)))
        for person in PEOPLE:
            self.got[person.id] = await self._notified(person.id)

    async def _pass_until(self, end: datetime) -> None:
        """Send what falls due until a time, each at its time."""
        due = await self.database.read(alerts.next_due)
        while due is not None and due <= end:
            await self._send(due)
            due = await self.database.read(alerts.next_due)

    async def _send(self, now: datetime) -> None:
        while await self.database.write(lambda t: slices.do_slice(t, now)):
            pass
        while (await self.database.write(lambda t: send_due(t, now))).claimed:
            pass
        await self.database.write(lambda t: floods.release(t, now))

    async def _do(self, now: datetime, who: str, verb: str, what: str = "") -> None:
        if verb == "reads":
            await self._read(who, now)
            return
        names, _, until = what.partition(" until ")
        for name in names.split(", "):
            if verb == "buys":
                await self._buy(name, until, who, now)
            else:
                await self.database.write(lambda t: self._act(t, name, who, verb, now))  # noqa: B023 - runs at once
            if verb in CLOSINGS:
                self.closed[self.products[name].id] = now, WORDS[verb]
            else:
                await self._foresee(self.products[name], now)

    async def _buy(self, name: str, until: str, who: str, now: datetime) -> None:
        self.bought += 1
        rules: dict[str, Any] = {
            rule: Duration.parse(text) for rule, text in RULES.get(name, {}).items()
        }
        product = Product(
            f"{self.bought:03}",
            HOME,
            name,
            Expiry(day=date.fromisoformat(f"{YEAR}-{until}")) if until else None,
            now,
            now,
            category="Medicine" if name in MEDICINE else "Food",
            date_kind=DateKind.USE_BY if name in USE_BY else DateKind.BEST_BEFORE,
            **rules,
        )
        self.products[name] = product
        await self.database.write(
            lambda t: inventory.add(t, product, owner(t, who, Deed.CHANGE), now)
        )

    def _act(self, t: Transaction, name: str, who: str, verb: str, now: datetime) -> None:
        product_id = self.products[name].id
        if verb in CLOSINGS:
            stock = owner(t, who, Deed.USE)
            lots.take(t, stock, product_id, quantity=None, how=CLOSINGS[verb], now=now)
            return
        kind, action = ACTIONS[verb]

        stock = owner(t, who, Deed.USE if verb == "opens" else Deed.CHANGE)
        lots.act_on_next(t, stock, product_id, kind, lambda lot, on: action(lot, None, on), now)

    async def _foresee(self, product: Product, now: datetime) -> None:
        """Store when each member's alerts about a product fall due, as its date is now."""
        stock = await self.database.read(lambda c: stored_households.stock_owner(c, HOME))
        assert stock is not None  # noqa: S101 - the founder stays
        outdated = [key for key, each in self.due.items() if key[1] == product.id and each.at > now]
        for key in outdated:
            del self.due[key]
        for person in PEOPLE:
            user = await self.database.read(lambda c: stored_accounts.user(c, person.id))  # noqa: B023 - runs at once
            assert user is not None  # noqa: S101 - nobody leaves
            undeferred = replace(user, deferral=None)
            found = await upcoming.alerts_of(self.database, undeferred, stock, product.id, now)
            for alert in found or ():
                (lot,) = alert.lots
                key = person.id, product.id, alert.draft.expires_on, lot.lead
                self.due.setdefault(
                    key, ExpectedAlert(product, lot.lead, lot.at, lot.because.scope)
                )

    async def _read(self, who: str, now: datetime) -> None:
        before = {each.id: await self._unread(each.id) for each in PEOPLE}
        if not before[who]:
            return
        await marks.mark_all_read(self.database, who, now)
        await self._send(now)
        for person_id, unread in before.items():
            if person_id != who:
                self.read_for[person_id] += len(unread - await self._unread(person_id))

    async def _unread(self, user_id: str) -> set[str]:
        query = NotificationQuery(limit=500, unread=True)
        page = await self.database.read(lambda c: notifications.list_(c, user_id, query))
        return {each.id for each in page.items if each.event in ALERTS}

    async def _notified(self, user_id: str) -> list[Notification]:
        found = await self.database.read(lambda c: notifications.page_after(c, user_id, 0, 10_000))
        return [each for each in found if each.event in ALERTS]


def at(day: date, clock: time) -> datetime:
    """Return the UTC moment of a time of day in Berlin."""
    return datetime.combine(day, clock, BERLIN).astimezone(UTC)


def owner(transaction: Transaction, who: str, deed: Deed) -> User:
    """Lock the household for a member and return it, as the owner of its stock."""
    return inventory.lock_owner(transaction, Actor(who, HOME, deed, is_shared=True), LIMITS)


def move_in(transaction: Transaction) -> None:
    """Add the accounts, and let them share Ada's household."""
    now = at(FIRST, time(8))
    for person in PEOPLE:
        name = person.title.split(",", maxsplit=1)[0]
        user = User(person.id, None, name, person.zone_name, Policy(), now)
        stored_accounts.add_user(transaction, user=user, password_hash=None)
        accounts.change(transaction, person.id, person.settings, now=now)
    for person in PEOPLE[1:]:
        _, token = households.invite(transaction, HOME, HOME, person.role, now)
        households.accept(transaction, person.id, token, now)
    shared = HouseholdChange(reads_settle_all=True)
    households.change(transaction, HOME, HOME, shared, now)
    default = PolicyFields(leads=(Lead(2),), on_expiry=True)
    policies.put_default(transaction, HOME, HOME, default, now)
    for who, fields in (
        ("cem", PolicyFields(leads=(Lead(14), Lead(2)))),
        ("tablet", PolicyFields(leads=(), on_expiry=False)),
    ):
        policies.put(transaction, who, Scope.CATEGORY, "medicine", fields, now)
