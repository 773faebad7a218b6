"""Words for the values of columns that have few: the kind of a date, and the state of a lot."""

from typing import Any, Final

DATE_KINDS: Final = {
    "useby": "use_by",
    "verbrauchsdatum": "use_by",
    "zuverbrauchenbis": "use_by",
    "bestbefore": "best_before",
    "mhd": "best_before",
    "mindesthaltbarkeitsdatum": "best_before",
}
"""Words for the kind of a date, without blanks, hyphens and case."""
STATES: Final = {
    "versiegelt": "sealed",
    "ungeöffnet": "sealed",
    "geöffnet": "opened",
    "offen": "opened",
    "open": "opened",
    "gefroren": "frozen",
    "eingefroren": "frozen",
    "aufgetaut": "thawed",
}
"""Words for the state of a lot, beside those of the REST API."""


def date_kind(_: int, value: Any) -> Any:
    """Return our name of a kind of date; other values fail validation as they are."""
    if not isinstance(value, str):
        return value
    word = value.casefold().replace("-", "").replace("_", "").replace(" ", "")
    return DATE_KINDS.get(word, value)


def state(_: int, value: Any) -> Any:
    """Return our name of a state; other values fail validation as they are."""
    if not isinstance(value, str):
        return value
    return STATES.get(value.casefold(), value.casefold())
