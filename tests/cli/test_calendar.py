"""``useby calendar``: an address that REST opens, until it is deleted."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.shelf import EMAIL, FAR, Shelf

from useby.actions import calendars
from useby.domain.calendar import MAX_CALENDARS
from useby.store.open import open_database


def days_at(file: Path, address: str) -> list[str] | None:
    """Days of the events that an address shows; ``None`` if it opens nothing."""
    secret = address.rpartition("/")[2].removesuffix(".ics")

    async def read() -> list[str] | None:
        database = open_database(f"sqlite:///{file}")
        try:
            found = await calendars.events(database, secret, datetime.now(UTC))
        finally:
            await database.close()
        return None if found is None else [str(each.day) for each in found]

    return asyncio.run(read())


def test_a_calendar_shows_the_dates_until_it_is_deleted(
    shelf: Shelf, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("Milk")
    assert shelf("calendar", "list").out == "there are none\n"
    added = shelf("calendar", "add")
    assert added.out.startswith("/api/calendars/")
    assert added.err == "put the address of the server before it, or set USEBY_PUBLIC_URL\n"
    assert days_at(database_file, added.out.strip()) == [FAR]

    monkeypatch.setenv("USEBY_PUBLIC_URL", "https://useby.example/food")
    second = json.loads(shelf("calendar", "add", "--json").out)
    assert second["url"].startswith("https://useby.example/food/api/calendars/")
    listed = json.loads(shelf("calendar", "list", "--json").out)
    assert [each["id"] for each in listed][1] == second["id"]
    table = shelf("calendar", "list").out
    assert all(each["id"] in table for each in listed)

    gone = shelf("calendar", "delete", listed[0]["id"])
    assert gone.out == "deleted: its address does not work any more\n"
    assert days_at(database_file, added.out.strip()) is None
    assert days_at(database_file, second["url"]) == [FAR]


def test_a_calendar_of_somebody_else_is_not_there(useby: Useby, shelf: Shelf) -> None:
    assert useby("user", "add", "bob@example.org").status == 0
    calendar_id = json.loads(shelf("calendar", "add", "--json").out)["id"]
    for person in ("bob@example.org", EMAIL):
        result = useby(
            "calendar", "delete", calendar_id + "x" * (person == EMAIL), "--user", person
        )
        assert (result.status, result.out) == (1, "")
        assert result.err.startswith(
            "useby: the person has no such calendar: `useby calendar list`"
        )
    assert len(json.loads(shelf("calendar", "list", "--json").out)) == 1


def test_more_calendars_than_there_can_be_are_refused_in_one_line(shelf: Shelf) -> None:
    for _ in range(MAX_CALENDARS):
        assert shelf("calendar", "add").status == 0
    result = shelf("calendar", "add")
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        f"useby: {EMAIL} has 20 calendars, and there cannot be more: `useby calendar delete` ends"
        " one\n"
    )
