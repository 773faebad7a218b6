"""A table that was exported is imported again: each open lot comes back as it was.

covers: useby.domain.received_lot, useby.exports.rows
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.actions.test_exports import exported, imported, once_a_database, stock_of
from tests.support.export_lives import lead_a_life
from tests.support.factories import a_kept_owner

from useby.actions.import_comparison import Upserted
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState, open_lots
from useby.exports.writing import ExportFormat
from useby.store.database import Database
from useby.store.exports import Kept

Dates = Counter[tuple[Expiry | None, Expiry | None]]


def a_row(name: str, lot: Lot) -> tuple[Any, ...]:
    """The contents of a table's row about a lot, but for the dates that count."""
    since = None if lot.state is LotState.SEALED else lot.state_since
    return name, lot.printed, lot.quantity, lot.state, since, lot.date_kind, lot.received_on


def dates(kept: Iterable[Kept]) -> dict[tuple[Any, ...], Dates]:
    """The dates that count, and that counted before a freezing, of equal rows."""
    found: dict[tuple[Any, ...], Dates] = defaultdict(Counter)
    for each in kept:
        for lot in open_lots(each.lots):
            pair = (lot.expiry, lot.expiry_before_freezing)
            found[a_row(each.product.name, lot)][pair] += 1
    return found


def stated(row: tuple[Any, ...], found: Dates) -> Dates:
    """Dates that the table states; one that is empty there is computed from the other columns."""
    place = {LotState.OPENED: 0, LotState.THAWED: 0, LotState.FROZEN: 1}.get(row[3])
    return Counter(
        {pair: count for pair, count in found.items() if place is None or pair[place] is not None}
    )


@pytest.mark.parametrize("format_", [ExportFormat.CSV, ExportFormat.XLSX])
@once_a_database
@given(chance=st.randoms(use_true_random=False))
async def test_a_table_imported_into_an_empty_account_gives_the_open_lots_again(
    database: Database, format_: ExportFormat, chance: random.Random
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    before = dates(await lead_a_life(database, ada, chance, alike=False))
    count = sum(each.total() for each in before.values())
    file = await exported(database, ada, format_)

    done, faults = await imported(database, bob, file)

    assert (done.added, faults) == (count, [])
    after = dates(await stock_of(database, bob))
    assert {row: each.total() for row, each in after.items()} == {
        row: each.total() for row, each in before.items()
    }
    for row, each in before.items():
        assert stated(row, each) <= after[row]
    assert (await imported(database, ada, file))[0] == Upserted(same=count)
    assert (await imported(database, bob, file))[0] == Upserted(same=count)
