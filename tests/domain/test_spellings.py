"""Names in several spellings are counted as one."""

import random

from hypothesis import given
from hypothesis import strategies as st

from useby.domain.folding import fold
from useby.domain.spellings import counted_together


def test_spellings_of_a_name_are_counted_together_under_the_most_frequent_one() -> None:
    counts = [("fridge", 2), ("Cellar", 1), ("FRIDGE", 1), ("Fridge", 3)]
    assert counted_together(counts, str.casefold) == [("Cellar", 1), ("Fridge", 6)]


def test_names_that_differ_in_the_key_stay_apart() -> None:
    counts = [("Käse", 1), ("kase", 2)]
    assert counted_together(counts, fold) == [("kase", 3)]
    assert counted_together(counts, str.casefold) == [("kase", 2), ("Käse", 1)]


@given(st.dictionaries(st.text("aAäÄbB", min_size=1, max_size=2), st.integers(1, 3)))
def test_the_order_of_spellings_changes_nothing_and_no_count_is_lost(
    counts: dict[str, int],
) -> None:
    shuffled = list(counts.items())
    random.Random(1).shuffle(shuffled)
    found = counted_together(counts.items(), fold)
    assert counted_together(shuffled, fold) == found
    assert sum(count for _, count in found) == sum(counts.values())
    assert [fold(name) for name, _ in found] == sorted({fold(name) for name in counts})
