"""Columns store values in forms that both databases order alike."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tests.support.factories import a_kept_owner

from useby.domain.notification import Cause, Draft, Severity
from useby.store import notifications
from useby.store.column_types import Texts, from_utc_text, utc_text
from useby.store.database import Database
from useby.store.schema import notifications as table


def test_stored_times_sort_as_text() -> None:
    moments = [datetime(y, 1, 1, h, tzinfo=UTC) for y in (1970, 2026, 9998) for h in (0, 9, 23)]
    texts = [utc_text(each) for each in moments]
    assert texts == sorted(texts)
    assert [from_utc_text(text) for text in texts] == moments


@given(st.lists(st.text()))
def test_texts_are_written_as_the_json_of_a_list_and_none_as_nothing(texts: list[str]) -> None:
    for url in ("sqlite://", "postgresql+asyncpg://"):
        dialect = sa.make_url(url).get_dialect()()
        write = Texts().bind_processor(dialect)
        assert write(tuple(texts)) == (json.dumps(texts) if texts else None)
        assert write(None) is None


async def test_texts_are_read_as_they_were_written(database: Database) -> None:
    user = await a_kept_owner(database)
    written = [("one",), ('quo"te', "back\\slash", "line\nbreak", "caf\u00e9", "\U0001f95b"), ()]
    drafts = [
        Draft(user.id, "Milk", Severity.INFO, Cause.EXPIRING, lot_ids=each) for each in written
    ]
    now = datetime(2026, 3, 4, tzinfo=UTC)
    await database.write(lambda t: notifications.add(t, drafts, now))
    query = sa.select(table.c.lot_ids).order_by(table.c.seq)
    assert await database.read(lambda c: c.scalars(query).all()) == written
