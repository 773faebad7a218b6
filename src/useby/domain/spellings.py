"""Count names of which people write one in several spellings, such as ``Fridge`` and ``fridge``."""

from collections.abc import Callable, Iterable


def counted_together(
    counts: Iterable[tuple[str, int]], key: Callable[[str], str]
) -> list[tuple[str, int]]:
    """Add up the counts of all spellings of a name.

    Args:
        counts: Spellings, each with its count.
        key: Function that returns the same text for all spellings of a name.

    Returns:
        Each name in its most frequent spelling, with the count of all, sorted by key.
    """
    spellings: dict[str, list[tuple[str, int]]] = {}
    for name, count in counts:
        spellings.setdefault(key(name), []).append((name, count))
    return [
        (most_frequent(found), sum(count for _, count in found))
        for _, found in sorted(spellings.items())
    ]


def most_frequent(counts: Iterable[tuple[str, int]]) -> str:
    """Return the spelling with the highest count; of several, the first in order of text."""
    return min(counts, key=lambda each: (-each[1], each[0]))[0]
