"""Columns store values in forms that both databases order alike."""

from datetime import UTC, datetime

from useby.store.column_types import from_utc_text, utc_text


def test_stored_times_sort_as_text() -> None:
    moments = [datetime(y, 1, 1, h, tzinfo=UTC) for y in (1970, 2026, 9998) for h in (0, 9, 23)]
    texts = [utc_text(each) for each in moments]
    assert texts == sorted(texts)
    assert [from_utc_text(text) for text in texts] == moments
