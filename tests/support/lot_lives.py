"""Lots of one product and a person with boxes, side by side, for a state machine to act on."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from tests.support.lot_calendar import Person, Sticker, noon_utc

from useby.domain import lot_actions
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot import Lot, open_lots, recomputed
from useby.domain.lot_actions import Change
from useby.domain.lot_dates import Rules
from useby.domain.movement import Movement, MovementKind
from useby.domain.occasion import Occasion

START = datetime(2026, 3, 26, 10, tzinfo=UTC)
"""Three days before summer time begins in Berlin."""
ZONES = (
    *("Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"),
    *("Asia/Beirut", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe"),
)
"""Zones with and without summer time; in some, midnight is skipped or an evening is repeated."""
PLACES = ("Fridge", "Freezer", "Cellar")
RULES = {
    "shelfLife": "shelf_life",
    "afterOpening": "after_opening",
    "afterFreezing": "after_freezing",
    "afterThawing": "after_thawing",
}
CRUMB = Decimal("0.000001")
NOW = ("now", 0, 0)

type_of_time = st.sampled_from(("now", "now", "day", "moment"))
times = st.tuples(type_of_time, st.integers(0, 6), st.integers(0, 23))
"""Form of an ``at``, and how many days and hours ago it is."""
amounts = st.one_of(
    st.integers(1, 5).map(Decimal),
    st.decimals(CRUMB, Decimal("999999999999.999999"), places=6),
)
whole_days = st.one_of(
    st.none(),
    st.none(),
    st.integers(0, 12).map(lambda days: f"P{days}D"),
    st.integers(0, 2).map(lambda weeks: f"P{weeks}W"),
)
durations = whole_days | st.integers(0, 100).map(lambda hours: f"PT{hours}H")
rule_sheets = st.fixed_dictionaries(
    dict.fromkeys(RULES, durations) | {"shelfLife": whole_days},
)
days = st.integers(-4, 20).map(lambda days: START.date() + timedelta(days=days))
moments = st.integers(-100, 500).map(lambda hours: START + timedelta(hours=hours))
stickers = st.one_of(st.none(), days, moments)
shares = st.sampled_from(("half", "half", "half", "crumb", "whole", "all", "too much"))


def rules_of(sheet: dict[str, str | None]) -> Rules:
    return Rules(**{RULES[name]: Duration.parse(text) for name, text in sheet.items() if text})


def expiry_of(sticker: Sticker) -> Expiry | None:
    if sticker is None:
        return None
    return Expiry(instant=sticker) if isinstance(sticker, datetime) else Expiry(day=sticker)


def sticker_of(expiry: Expiry | None) -> Sticker:
    return None if expiry is None else expiry.instant or expiry.day


def amount_of(lot: Lot, share: str) -> Decimal | None:
    return {
        "all": None,
        "whole": lot.quantity,
        "half": max((lot.quantity / 2).quantize(CRUMB), CRUMB),
        "crumb": CRUMB,
        "too much": lot.quantity + 1,
    }[share]


class LotsAndBoxes(RuleBasedStateMachine):
    """The lots and movements as a database stores them, and the person's boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = count(1)
        self.now = START
        self.lots: dict[str, Lot] = {}
        self.movements: list[Movement] = []
        self.person = Person(ZoneInfo("Europe/Berlin"), dict.fromkeys(RULES))

    @property
    def zone(self) -> ZoneInfo:
        return self.person.zone

    def occasion(self, when: tuple[str, int, int] = NOW) -> Occasion:
        form, days_ago, hours_ago = when
        at = None
        if form == "day":
            at = Expiry(day=self.person.day_at(self.now) - timedelta(days=days_ago))
        elif form == "moment":
            at = Expiry(instant=self.now - timedelta(days=days_ago, hours=hours_ago))
        return Occasion(self.now, self.zone, rules_of(self.person.rules), self.new_id, at)

    def new_id(self) -> str:
        return f"{next(self.ids):06}"

    def a_lot(self, pick: int, states: Collection[str] = ()) -> Lot:
        """One of the open lots, or of the closed ones if there are no others.

        If states are given, three times in four it is in one of these, if there is one.
        """
        lots = open_lots(self.lots.values()) or list(self.lots.values())
        if pick % 4:
            lots = [lot for lot in lots if lot.state in states] or lots
        return lots[pick % len(lots)]

    def attempt(
        self, action: Callable[[], Change], refusal: type[ValueError] | None
    ) -> Change | None:
        """Do what is not to be refused, and check that the rest is."""
        if refusal is None:
            return action()
        with pytest.raises(refusal):
            action()
        return None

    def time_is_right(self, lot: Lot, occasion: Occasion, *, of_state: bool = False) -> bool:
        if occasion.at is None:
            return True
        day = occasion.at.day_in(self.zone)
        if day < lot.received_on:
            return False
        if not of_state or self.person.boxes[lot.id].state == "sealed":
            return True
        if occasion.at.instant:
            return occasion.at.instant >= lot.state_since
        return day >= self.person.day_at(lot.state_since)

    def moment_of(self, lot: Lot, occasion: Occasion, *, of_state: bool = False) -> datetime:
        if occasion.at is None:
            return self.now
        if occasion.at.instant:
            return occasion.at.instant
        noon = noon_utc(occasion.at.day_in(self.zone), self.zone)
        sealed = self.person.boxes[lot.id].state == "sealed"
        if of_state and not sealed and noon < lot.state_since:
            noon = lot.state_since
        return min(noon, self.now)

    def keep(self, change: Change) -> None:
        self.lots |= {lot.id: lot for lot in change.lots}
        self.movements += change.movements
        for gone in change.gone:
            del self.lots[gone]

    def keep_and_undo_on_paper(self, change: Change) -> None:
        """Store a change, and check that its undo would restore exactly."""
        before = dict(self.lots)
        self.keep(change)
        if not change.movements:
            return
        lots, movements = dict(self.lots), list(self.movements)
        is_split = change.movements[0].kind is MovementKind.SPLIT
        for movement in change.movements[:1] if is_split else change.movements:
            back = lot_actions.undo(movement, lots.values(), movements, self.occasion())
            movements += back.movements
            lots |= {lot.id: lot for lot in back.lots}
            lots = {id_: lot for id_, lot in lots.items() if id_ not in back.gone}
        assert lots == before

    def something_stands_on(self, movement: Movement) -> bool:
        """Look at the later lines of the books of the movement's boxes, as a person would."""
        later = self.movements[self.movements.index(movement) + 1 :]
        undone = {each.undoes for each in later}
        if movement.kind is MovementKind.UNDONE or movement.id in undone:
            return True
        pages = self.person.copies[movement.id]
        together = {id_ for id_, others in self.person.copies.items() if others is pages}
        return any(
            each.lot_id in pages
            for each in later
            if each.id not in together | undone and each.kind is not MovementKind.UNDONE
        )

    def compute_again(self) -> None:
        rules = rules_of(self.person.rules)
        for id_, lot in self.lots.items():
            again = recomputed(lot, self.movements, rules, self.zone)
            assert again is not None
            self.lots[id_] = again
