"""A plain model of lots: a person with a calendar, stickers and a notebook for each box.

It is written unlike ``useby.domain`` on purpose. The person walks through the days one by one,
moves the sticker of a frozen box by a day each night, adds hours one at a time, and keeps a copy of
a notebook's page to undo what is on the next one.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
Sticker = date | datetime | None
"""A day, good to its end; a moment; or nothing."""
HABITS = ("opened", "thawed", "sealed", "frozen")
"""States in the order in which the person takes boxes."""


@dataclass
class Entry:
    """One line of a notebook."""

    word: str
    at: datetime
    typed: Sticker = None


@dataclass
class Box:
    """A box with a notebook of what happened to it."""

    id: str
    printed: Sticker
    received_on: date
    amount: Decimal
    place: str
    is_for_safety: bool
    notebook: list[Entry] = field(default_factory=list)
    ended: tuple[str, datetime, Decimal] | None = None

    @property
    def state(self) -> str:
        words = [entry.word for entry in self.notebook if entry.word in HABITS]
        return words[-1] if words else "sealed"


class Person:
    """The boxes, the rules on the kitchen door, and the zone of the kitchen clock."""

    def __init__(self, zone: ZoneInfo, rules: dict[str, str | None]) -> None:
        self.zone = zone
        self.rules = rules
        self.boxes: dict[str, Box] = {}
        self.copies: dict[str, dict[str, Box | None]] = {}
        """Pages as they were before each movement, by its id; ``None`` for a box that was not."""

    def day_at(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def keep_copies(self, movements: list[str], boxes: list[str]) -> None:
        pages = {box: deepcopy(self.boxes.get(box)) for box in boxes}
        for movement in movements:
            self.copies[movement] = pages

    def undo(self, movement: str) -> None:
        for box, page in deepcopy(self.copies[movement]).items():
            if page is None:
                del self.boxes[box]
            else:
                page.printed = self.boxes[box].printed  # the package is not in the notebook
                self.boxes[box] = page

    def counted_from(self, start: datetime | date, rule: str) -> Sticker:
        """Count on from a moment: "PT8H" in hours, "P5D" and "P2W" in days of the calendar."""
        if rule.startswith("PT"):
            assert isinstance(start, datetime)
            moment = start
            for _ in range(int(rule[2:-1])):
                moment += HOUR
            return moment
        day = self.day_at(start) if isinstance(start, datetime) else start
        for _ in range(int(rule[1:-1]) * (7 if rule.endswith("W") else 1)):
            day += DAY
        return day

    def is_over_before(self, one: Sticker, other: Sticker) -> bool:
        """Compare stickers; nothing on a box means that it is never over."""
        if one is None or other is None:
            return one is not None
        if isinstance(one, datetime) and isinstance(other, datetime):
            return one < other
        if isinstance(one, datetime):
            return self.day_at(one) <= other
        if isinstance(other, datetime):
            return one < self.day_at(other - timedelta(seconds=1))
        return one < other

    def is_over(self, sticker: Sticker, at: datetime) -> bool:
        if sticker is None:
            return False
        if isinstance(sticker, datetime):
            return at >= sticker
        return self.day_at(at) > sticker

    def sticker(self, box: Box) -> tuple[Sticker, str | None]:
        """Walk through the life of a box; return its sticker now, and the sticker's origin."""
        sticker, origin = box.printed, "printed" if box.printed else None
        if sticker is None and (rule := self.rules["shelfLife"]):
            sticker, origin = self.counted_from(box.received_on, rule), "shelfLife"
        aside: Sticker = None
        frozen_at: datetime | None = None
        for entry in box.notebook:
            match entry.word:
                case "opened" if rule := self.rules["afterOpening"]:
                    new = self.counted_from(entry.at, rule)
                    if self.is_over_before(new, sticker):
                        sticker, origin = new, "opened"
                case "frozen":
                    aside, frozen_at = sticker, entry.at
                    rule = self.rules["afterFreezing"]
                    sticker = self.counted_from(entry.at, rule) if rule else None
                    origin = "frozen" if rule else None
                case "thawed":
                    assert frozen_at is not None
                    if rule := self.rules["afterThawing"]:
                        sticker = self.counted_from(entry.at, rule)
                    elif isinstance(aside, datetime):
                        sticker = aside + (entry.at - frozen_at)
                    elif sticker := aside:
                        today = self.day_at(frozen_at)
                        while today < self.day_at(entry.at):
                            today += DAY
                            sticker += DAY  # a night in the freezer costs nothing
                    else:
                        sticker = None
                    origin = "thawed" if sticker else None
                    aside = frozen_at = None
                case "typed":
                    sticker, origin = entry.typed, "typed" if entry.typed else None
        return sticker, origin

    def next_box(self, boxes: list[Box]) -> Box:
        """Look at each box in turn and keep the more urgent one in the hand."""
        hand = boxes[0]
        for box in boxes[1:]:
            if self._is_more_urgent(box, hand):
                hand = box
        return hand

    def _is_more_urgent(self, box: Box, other: Box) -> bool:
        if box.state != other.state:
            return HABITS.index(box.state) < HABITS.index(other.state)
        mine, others = self.sticker(box)[0], self.sticker(other)[0]
        if self.is_over_before(mine, others):
            return True
        if self.is_over_before(others, mine):
            return False
        if box.received_on != other.received_on:
            return box.received_on < other.received_on
        return box.id < other.id

    def takings(self, boxes: list[Box], wanted: Decimal | None) -> list[tuple[str, Decimal]] | None:
        """Take from one box after the other; ``None`` if there is not enough."""
        boxes, taken = list(boxes), []
        while boxes and (wanted is None or wanted > 0):
            box = self.next_box(boxes)
            boxes.remove(box)
            some = box.amount if wanted is None or wanted > box.amount else wanted
            taken.append((box.id, some))
            wanted = None if wanted is None else wanted - some
        return None if wanted else taken

    def take(self, box: str, amount: Decimal, word: str, at: datetime) -> None:
        left = self.boxes[box].amount - amount
        if left == 0:
            self.boxes[box].ended = (word, at, amount)
        self.boxes[box].amount = left


def noon_utc(day: date, zone: ZoneInfo) -> datetime:
    """Noon of a day on the kitchen clock."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)
