"""Movements: the things that happened to lots.

Movements are only ever added, and a list of them is in the order in which they were recorded. An
undo is a movement, too: a movement *stands* while none undoes it. Quantities and states of lots
follow from the movements; ``domain.lot`` computes them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from useby.domain.expiry import Expiry


class MovementKind(StrEnum):
    """Kind of a movement."""

    RECEIVED = "received"
    CONSUMED = "consumed"
    DISCARDED = "discarded"
    OPENED = "opened"
    FROZEN = "frozen"
    THAWED = "thawed"
    MOVED = "moved"
    SPLIT = "split"
    """A part of the lot became a lot of its own; the part's own movement follows."""
    CORRECTED = "corrected"
    UNDONE = "undone"


class DiscardReason(StrEnum):
    """Reason for which something was discarded."""

    EXPIRED = "expired"
    SPOILED = "spoiled"
    TOO_MUCH = "too_much"
    OTHER = "other"


class ActionRefused(ValueError):  # noqa: N818 - the name describes the caller's view
    """Raised when the present state of a lot or movement does not allow an action."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that happened to a lot."""

    id: str
    product_id: str
    lot_id: str
    kind: MovementKind
    quantity: Decimal
    """Quantity that it happened to; always positive."""
    change: Decimal
    """Signed change of the lot's quantity; the sum of all changes is the quantity that is left."""
    at: datetime
    """Time at which it happened, aware; perhaps earlier than it was recorded."""
    recorded_at: datetime
    reason: DiscardReason | None = None
    undoes: str | None = None
    """Id of the movement that an undo takes back."""
    location: str | None = None
    """Location of the lot from this movement on; ``None`` leaves it as it is."""
    part_id: str | None = None
    """Lot that a split made."""
    expiry: Expiry | None = None
    """Date that a person typed, if ``types_a_date``; ``None`` means never."""
    by_user: str | None = None
    """The member of a shared household who recorded it."""

    @property
    def types_a_date(self) -> bool:
        """Correction of the date; one of the quantity has a change."""
        return self.kind is MovementKind.CORRECTED and self.change == 0


def standing(movements: Iterable[Movement]) -> tuple[Movement, ...]:
    """Return the movements that are neither undone nor an undo."""
    movements = tuple(movements)
    undone = {movement.undoes for movement in movements}
    return tuple(
        movement
        for movement in movements
        if movement.kind is not MovementKind.UNDONE and movement.id not in undone
    )


def lineage_of(lot_id: str, movements: Sequence[Movement]) -> tuple[Movement, ...]:
    """Return the movements that made a lot what it is.

    They are its own and, if it was split from another lot, those of that lot up to the split.

    Args:
        lot_id: The lot.
        movements: Movements of its product, or at least those of the lot and of its ancestors.
    """
    return LotMovements(movements).of(lot_id)


class LotMovements:
    """The movements of a product by lot; the lineages of many lots take one pass over all."""

    def __init__(self, movements: Iterable[Movement]) -> None:
        """Sort the movements of a product, as they were recorded, by their lots."""
        self._own: dict[str, list[tuple[int, Movement]]] = {}
        self._splits: dict[str, list[tuple[int, str]]] = {}
        """Place of the split that made a part, and the lot that was split."""
        for place, each in enumerate(movements):
            self._own.setdefault(each.lot_id, []).append((place, each))
            if each.part_id is not None and each.part_id != each.lot_id:
                self._splits.setdefault(each.part_id, []).append((place, each.lot_id))

    def of(self, lot_id: str) -> tuple[Movement, ...]:
        """Return the movements that made a lot what it is; see ``lineage_of``."""
        lineage: list[Movement] = []
        before = float("inf")
        while True:
            splits = [each for each in self._splits.get(lot_id, ()) if each[0] < before]
            since, parent = splits[-1] if splits else (-1, None)
            its = self._own.get(lot_id, ())
            lineage[:0] = [each for place, each in its if since < place < before]
            if parent is None:
                return tuple(lineage)
            before, lot_id = since, parent


def received_as(movements: Iterable[Movement]) -> dict[str, str]:
    """Return the lot as which each part of a split was received, by the part's id.

    Args:
        movements: Movements of a product, as they were recorded.
    """
    first: dict[str, str] = {}
    for each in standing(movements):
        if each.part_id is not None:
            first[each.part_id] = first.get(each.lot_id, each.lot_id)
    return first


def taken_back(movement: Movement, movements: Sequence[Movement]) -> tuple[Movement, ...]:
    """Return the movements that the undo of a movement takes back.

    A split and its part's first movement are taken back together.

    Args:
        movement: The movement to undo.
        movements: Movements of its product; it is among them.

    Raises:
        ActionRefused: The movement is an undo or is undone already, or a later movement of one of
            its lots stands on it.
    """
    if movement.kind is MovementKind.UNDONE:
        raise ActionRefused("an undo cannot be undone; repeat the action instead")
    stand = standing(movements)
    if movement not in stand:
        raise ActionRefused("the movement is already undone")
    back = _split_with(movement, stand) or (movement,)
    lots = {each.lot_id for each in back}
    for later in stand[stand.index(back[-1]) + 1 :]:
        if later.lot_id in lots:
            raise ActionRefused(
                f"a later movement of the lot stands on it: undo {later.id} first"
                f" ({later.kind.value} at {later.at.isoformat(timespec='seconds')})"
            )
    return back


Taking = tuple[MovementKind, datetime]
"""Kind of the movements by which one action took something of a product, and the time at which they
were recorded. Of several lots it has a movement each, and one notification reports it."""


def takings_undone(movements: Sequence[Movement], undos: Iterable[Movement]) -> set[Taking]:
    """Return the takings of which some undos have taken back the last movement that stood.

    Args:
        movements: Movements of the product, the undos included.
        undos: Undos that are new.
    """
    back = {each.undoes for each in undos}
    return _takings(each for each in movements if each.id in back) - _takings(standing(movements))


def takings_from(lot_id: str, movements: Sequence[Movement]) -> set[Taking]:
    """Return the takings from one lot alone, of the movements of its product."""
    of_lot = _takings(each for each in movements if each.lot_id == lot_id)
    return of_lot - _takings(each for each in movements if each.lot_id != lot_id)


def _takings(movements: Iterable[Movement]) -> set[Taking]:
    taken = (MovementKind.CONSUMED, MovementKind.DISCARDED)
    return {(each.kind, each.recorded_at) for each in movements if each.kind in taken}


def handed_down(
    lot_id: str, movements: Sequence[Movement], id_beside: Callable[[str], str]
) -> Iterator[tuple[str, Movement]]:
    """Yield the movements that the parts of a lot need of their own when the lot is removed.

    The state, date and place of a part follow from what happened to the lot until the split. Each
    part gets these movements as if it had been received by itself. The split is left out, and so
    is what was taken from the lot.

    Args:
        lot_id: The lot to remove.
        movements: Movements of its product, as they were recorded.
        id_beside: Maker of a new id that has the place of a given one in the order of ids.

    Yields:
        Movements of the parts, each with the id of the movement that has its place in the order of
        recording. The first movement that a part had is among them, because it adds no quantity
        any more: the receipt does. A lot with many movements and many parts gives their product.
    """
    stand = standing(movements)
    first = _first_of_lots(stand)
    until_now: list[Movement] = []
    for each in lineage_of(lot_id, stand):
        if each.lot_id == lot_id and each.part_id in first:  # else the part was deleted, too
            yield from _received_by_itself(first[each.part_id], until_now, id_beside)
        elif each.kind in _OF_PARTS or each.types_a_date:
            until_now.append(each)


def _received_by_itself(
    first: Movement, before: Iterable[Movement], id_beside: Callable[[str], str]
) -> Iterator[tuple[str, Movement]]:
    """Yield what a part needs, of its first movement and of what happened before the split."""
    nothing = Decimal(0)
    for each in before:
        is_receipt = each.kind is MovementKind.RECEIVED
        yield (
            each.id,
            replace(
                each,
                id=id_beside(each.id),
                lot_id=first.lot_id,
                quantity=first.quantity,
                change=first.quantity if is_receipt else nothing,
            ),
        )
    yield first.id, replace(first, change=nothing)


def _first_of_lots(movements: Iterable[Movement]) -> dict[str | None, Movement]:
    """Return the first movement of each lot."""
    first: dict[str | None, Movement] = {}
    for each in movements:
        first.setdefault(each.lot_id, each)
    return first


_OF_PARTS: Final = frozenset(
    (
        MovementKind.RECEIVED,
        MovementKind.OPENED,
        MovementKind.FROZEN,
        MovementKind.THAWED,
        MovementKind.MOVED,
    )
)
"""Kinds of movements from which the state, date and place of a part follow."""


def _split_with(movement: Movement, stand: Sequence[Movement]) -> tuple[Movement, ...]:
    """Return the split that a movement belongs to and its part's first movement, or nothing.

    A part that was deleted as a mistake has no movements; its split stands alone.
    """
    first = _first_of_lots(stand)
    for split in stand:
        its = first.get(split.part_id)
        if its is not None and movement.id in (split.id, its.id):
            return split, its
    return ()
