"""Lots through random lives, beside a person with a calendar."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from tests.support.lot_calendar import Box, Entry, Sticker
from tests.support.lot_lives import (
    PLACES,
    RULES,
    START,
    ZONES,
    LotsAndBoxes,
    amount_of,
    amounts,
    durations,
    expiry_of,
    rule_sheets,
    rules_of,
    shares,
    sticker_of,
    stickers,
    times,
)

from useby.domain import lot_actions
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, recomputed
from useby.domain.lot_actions import Change
from useby.domain.movement import ActionRefused, Movement, handed_down, standing
from useby.domain.occasion import Occasion, TimeRefused
from useby.domain.product import DateKind

STATES_BEFORE = {
    "opened": ("sealed", "thawed"),
    "frozen": ("sealed", "opened", "thawed"),
    "thawed": ("frozen",),
    "moved": ("sealed", "opened", "thawed", "frozen"),
}
waits = st.integers(0, 60)
picks = st.integers(0, 99)
words = st.sampled_from(("opened", "frozen", "frozen", "thawed", "thawed", "moved"))
places = st.sampled_from(PLACES)


class LivesOfLots(LotsAndBoxes):
    """People receive, open, freeze, take, correct and undo, and the person does the same."""

    @initialize(sheet=rule_sheets)
    def the_rules_are_written_down(self, sheet: dict[str, str | None]) -> None:
        self.person.rules = sheet

    @rule(hours=st.integers(1, 90))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(name=st.sampled_from(sorted(RULES)), duration=durations)
    def a_rule_is_changed(self, name: str, duration: str | None) -> None:
        if name != "shelfLife" or "T" not in (duration or ""):
            self.person.rules = self.person.rules | {name: duration}
            self.compute_again()

    @rule(zone=st.sampled_from(ZONES))
    def the_zone_is_changed(self, zone: str) -> None:
        self.person.zone = ZoneInfo(zone)
        self.compute_again()

    @rule(
        amount=amounts,
        printed=stickers,
        place=places,
        kind=st.sampled_from(DateKind),
        when=times,
    )
    def something_is_received(
        self,
        amount: Decimal,
        printed: Sticker,
        place: str,
        kind: DateKind,
        when: tuple[str, int, int],
    ) -> None:
        occasion = self.occasion(when)
        change = lot_actions.receive(
            occasion,
            product_id="p",
            quantity=amount,
            printed=expiry_of(printed),
            date_kind=kind,
            location=place,
        )
        lot, movement = change.lots[0], change.movements[0]
        self.person.keep_copies([movement.id], [lot.id])
        day = (occasion.at or Expiry(instant=self.now)).day_in(self.zone)
        box = Box(lot.id, printed, day, amount, place, is_for_safety=kind is DateKind.USE_BY)
        box.notebook.append(Entry("received", movement.at))
        self.person.boxes[lot.id] = box
        self.keep_and_undo_on_paper(change)

    @precondition(lambda self: self.lots)
    @rule(changes=st.lists(st.tuples(waits, picks, words, shares, places, times), min_size=1))
    def lots_and_parts_of_them_change(
        self, changes: list[tuple[int, int, str, str, str, tuple[str, int, int]]]
    ) -> None:
        for hours, pick, word, share, place, when in changes:
            self.now += timedelta(hours=hours)
            self.change_one(pick, word, share, place, when)

    def change_one(
        self, pick: int, word: str, share: str, place: str, when: tuple[str, int, int]
    ) -> None:
        lot, occasion = self.a_lot(pick, STATES_BEFORE[word]), self.occasion(when)
        amount = amount_of(lot, share)
        action: Callable[[], Change] = {
            "opened": lambda: lot_actions.open_(lot, amount, occasion),
            "frozen": lambda: lot_actions.freeze(lot, amount, occasion),
            "thawed": lambda: lot_actions.thaw(lot, amount, occasion),
            "moved": lambda: lot_actions.move(lot, amount, place, occasion),
        }[word]
        change = self.attempt(action, self.refusal_of(lot, word, amount, occasion))
        if change is None:
            return
        at = self.moment_of(lot, occasion, of_state=word != "moved")
        assert {movement.at for movement in change.movements} == {at}
        self.person_does(change, word, at, place)
        if word == "opened":
            self.opening_never_makes_a_date_later(lot, change.lots[-1])
        self.splitting_conserves_quantity(lot, change)
        self.keep_and_undo_on_paper(change)

    def refusal_of(
        self, lot: Lot, word: str, amount: Decimal | None, occasion: Occasion
    ) -> type[ValueError] | None:
        box, of_state = self.person.boxes[lot.id], word != "moved"
        if box.ended or box.state not in STATES_BEFORE[word]:
            return ActionRefused
        if not self.time_is_right(lot, occasion, of_state=of_state):
            return TimeRefused
        if word == "frozen" and box.is_for_safety:
            at = self.moment_of(lot, occasion, of_state=of_state)
            if self.person.is_over(self.person.sticker(box)[0], at):
                return ActionRefused
        return ActionRefused if amount and amount > box.amount else None

    def person_does(self, change: Change, word: str, at: datetime, place: str) -> None:
        boxes = self.person.boxes
        old, new = change.lots[0].id, change.lots[-1].id
        self.person.keep_copies([each.id for each in change.movements], [old, new])
        if old != new:
            amount = change.movements[0].quantity
            boxes[old].amount -= amount
            notebook = list(boxes[old].notebook)
            boxes[new] = replace(boxes[old], id=new, amount=amount, notebook=notebook)
        boxes[new].notebook.append(Entry(word, at))
        if word == "moved":
            boxes[new].place = place

    def opening_never_makes_a_date_later(self, before: Lot, after: Lot) -> None:
        if before.expiry is not None:
            assert after.expiry is not None
            assert after.expiry.ends_at(self.zone) <= before.expiry.ends_at(self.zone)

    def splitting_conserves_quantity(self, before: Lot, change: Change) -> None:
        assert sum(each.quantity for each in change.lots) == before.quantity
        assert sum(each.change for each in change.movements) == 0

    @precondition(lambda self: self.lots)
    @rule(
        pick=picks,
        of_product=st.booleans(),
        word=st.sampled_from(("consumed", "discarded")),
        share=shares,
        when=times,
    )
    def something_is_taken(
        self, pick: int, of_product: bool, word: str, share: str, when: tuple[str, int, int]
    ) -> None:
        lot, occasion = self.a_lot(pick), self.occasion(when)
        lots = list(self.lots.values()) if of_product else [lot]
        amount = amount_of(lot, share)

        def action() -> Change:
            if word == "discarded":
                return lot_actions.discard(lots, amount, None, occasion)
            return lot_actions.consume(lots, amount, occasion)

        left = [each for each in lots if not self.person.boxes[each.id].ended]
        there = [each for each in left if self.time_is_right(each, occasion)]
        takings = self.person.takings([self.person.boxes[each.id] for each in there], amount)
        refusal = ActionRefused if takings is None or not left else None
        change = self.attempt(action, TimeRefused if left and not there else refusal)
        if change is None:
            return
        self.first_expiring_first_out_holds(change, takings)
        at = self.moment_of(lot, occasion)
        for movement in change.movements:
            assert movement.at == at
            self.person.keep_copies([movement.id], [movement.lot_id])
            self.person.take(movement.lot_id, movement.quantity, word, at)
        self.keep_and_undo_on_paper(change)

    def first_expiring_first_out_holds(
        self, change: Change, takings: list[tuple[str, Decimal]] | None
    ) -> None:
        assert [(each.lot_id, each.quantity) for each in change.movements] == takings

    @precondition(lambda self: self.lots)
    @rule(pick=picks, amount=amounts)
    def somebody_counts(self, pick: int, amount: Decimal) -> None:
        lot = self.a_lot(pick)
        change = self.attempt(
            lambda: lot_actions.correct_quantity(lot, amount, self.occasion()),
            ActionRefused if self.person.boxes[lot.id].ended else None,
        )
        if change is not None:
            self.person.keep_copies([each.id for each in change.movements], [lot.id])
            self.person.boxes[lot.id].amount = amount
            self.keep_and_undo_on_paper(change)

    @precondition(lambda self: self.lots)
    @rule(pick=picks, typed=stickers)
    def somebody_types_a_date(self, pick: int, typed: Sticker) -> None:
        lot = self.a_lot(pick)
        box = self.person.boxes[lot.id]
        change = self.attempt(
            lambda: lot_actions.correct_date(lot, expiry_of(typed), self.occasion()),
            ActionRefused if box.ended else None,
        )
        if change is not None:
            self.person.keep_copies([each.id for each in change.movements], [lot.id])
            if box.state == "sealed":
                box.printed = typed
            else:
                box.notebook.append(Entry("typed", self.now, typed))
            self.keep_and_undo_on_paper(change)

    @precondition(lambda self: self.movements)
    @rule(back=st.integers(0, 8))
    def somebody_undoes(self, back: int) -> None:
        movement = self.movements[-1 - back % len(self.movements)]
        change = self.attempt(
            lambda: lot_actions.undo(movement, self.lots.values(), self.movements, self.occasion()),
            ActionRefused if self.something_stands_on(movement) else None,
        )
        if change is not None:
            self.person.undo(movement.id)
            self.keep(change)

    @invariant()
    def the_lots_are_as_the_persons_boxes(self) -> None:
        assert self.lots.keys() == self.person.boxes.keys()
        for id_, lot in self.lots.items():
            box = self.person.boxes[id_]
            ended = (lot.closed_as.value, lot.closed_at, lot.quantity) if lot.closed_as else None
            assert (lot.state.value, lot.location, ended) == (box.state, box.place, box.ended)
            assert lot.received_on == box.received_on
            assert (sticker_of(lot.expiry), lot.date_source) == self.person.sticker(box)

    @invariant()
    def quantities_are_the_sums_of_movements(self) -> None:
        assert all(each.quantity > 0 for each in self.movements)
        for id_, lot in self.lots.items():
            left = sum(each.change for each in self.movements if each.lot_id == id_)
            stand = sum(each.change for each in standing(self.movements) if each.lot_id == id_)
            assert left == stand == self.person.boxes[id_].amount
            assert left == (0 if lot.closed_as else lot.quantity)

    @invariant()
    def recomputing_from_movements_gives_the_same_lot(self) -> None:
        rules = rules_of(self.person.rules)
        for lot in self.lots.values():
            bare = Lot(lot.id, "p", Decimal(0), lot.received_on, START, lot.printed, lot.date_kind)
            assert recomputed(bare, self.movements, rules, self.zone) == lot

    @precondition(lambda self: self.lots)
    @rule(pick=picks)
    def removing_a_lot_would_change_no_other(self, pick: int) -> None:
        lot, ids = self.a_lot(pick), iter(range(10_000))
        written: dict[str, list[Movement]] = {}
        parts = list(handed_down(lot.id, self.movements, lambda _: f"copy{next(ids)}"))
        for place, movement in parts:
            written.setdefault(place, []).append(movement)
        replaced = {movement.id for _, movement in parts}
        left = [
            movement
            for each in self.movements
            for movement in (each, *written.get(each.id, ()))
            if movement.lot_id != lot.id and (movement is not each or each.id not in replaced)
        ]
        for other in self.lots.values():
            if other.id != lot.id:
                again = recomputed(other, left, rules_of(self.person.rules), self.zone)
                assert again == other
                assert sum(each.change for each in left if each.lot_id == other.id) == (
                    0 if other.closed_as else other.quantity
                )


TestLivesOfLots = LivesOfLots.TestCase
TestLivesOfLots.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def test_the_zones_of_the_lives_include_a_night_without_a_midnight() -> None:
    end = Expiry(day=date(2026, 3, 28)).ends_at(ZoneInfo("Asia/Beirut"))
    assert end == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert end.astimezone(ZoneInfo("Asia/Beirut")).hour == 1
