"""Write docs/explanation/a-year-together.md: which alerts four members of a household got.

``household_of_four`` lives through the year. This page compares what fell due for each member with
what the member got, and states the reason of a difference.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

from household_of_four import BERLIN, DAYS, FIRST, PEOPLE, ExpectedAlert, Person, Year, at

from useby.domain.notification import Cause, Notification
from useby.domain.policy import Scope
from useby.store import migrate
from useby.store.open import open_database

PAGE = Path(__file__).parent / "explanation" / "a-year-together.md"
END = at(FIRST + timedelta(days=DAYS), time(0))
TOGETHER = {Cause.SUMMARY: "summary", Cause.DIGEST: "digest"}
NO_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))
"""Messages in a language that was set have the product's name between invisible isolates."""


@dataclass(frozen=True)
class AlertOutcome:
    """What became of an alert for a member."""

    kind: str
    text: str


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    at: datetime
    names: str
    title: str
    cells: tuple[str, ...]


def outcome_of(year: Year, person: Person, due: ExpectedAlert) -> AlertOutcome:
    """Return what became of an alert for a member."""
    about = due.product.id
    their = (each for each in year.got[person.id] if about in products_of(each))
    first = next((each for each in their if each.created_at >= due.at), None)
    here = due.at.astimezone(person.zone)
    if first is None:
        moment, how = year.closed[about]
        closed = moment.astimezone(person.zone)
        when = f"at {closed:%H:%M}" if closed.date() == here.date() else f"on {day_of(closed)}"
        return AlertOutcome("closed", f"none: {how} {when}")
    sent = first.created_at.astimezone(person.zone)
    if first.event is Cause.DIGEST:
        return AlertOutcome("digest", f"digest of {day_of(sent)}")
    if _is_overtaken(year, person, due, first):
        return AlertOutcome("overtaken", "none: overtaken by a more urgent one")
    kind, held = ("held", f", held since {here:%H:%M}") if sent > here else ("at once", "")
    if first.event is Cause.SUMMARY:
        return AlertOutcome("summary", f"summary at {sent:%H:%M}{held}")
    rule = "" if due.because is Scope.HOUSEHOLD else f" [{due.because}]"
    return AlertOutcome(kind, f"{sent:%H:%M}{held}: {text_of(first)}{rule}")


def _is_overtaken(year: Year, person: Person, due: ExpectedAlert, first: Notification) -> bool:
    return any(
        key[:2] == (person.id, due.product.id) and due.at < each.at <= first.created_at
        for key, each in year.due.items()
    )


def products_of(notification: Notification) -> set[str | None]:
    """Return the products that an alert is about."""
    return {notification.product_id, *(each.product_id for each in notification.items)}


def text_of(notification: Notification) -> str:
    """Return the text of an alert without its isolates."""
    return notification.message.translate(NO_ISOLATES)


def day_of(moment: datetime) -> str:
    """Return a day as the page writes it."""
    return f"{moment.day} {moment:%b}"


def rows_of_due(year: Year) -> Iterator[Row]:
    """Return a row for each alert that at least one member got or waited for."""
    by_alert: dict[tuple[str, date | None, str], dict[str, ExpectedAlert]] = {}
    for (person_id, product_id, expires_on, lead), due in year.due.items():
        by_alert.setdefault((product_id, expires_on, lead), {})[person_id] = due
    for of in by_alert.values():
        first = min(of.values(), key=lambda each: each.at)
        if first.at > min(year.closed[first.product.id][0], END):
            continue
        cells = tuple(
            outcome_of(year, each, of[each.id]).text if each.id in of else "—" for each in PEOPLE
        )
        yield Row(first.at, first.product.name, first.title, cells)


def rows_together(year: Year) -> Iterator[Row]:
    """Return a row for each time at which members got a summary or a digest."""
    by_day: dict[tuple[Cause, date], list[tuple[Person, Notification]]] = {}
    for person in PEOPLE:
        for each in year.got[person.id]:
            if each.event in TOGETHER:
                day = each.created_at.astimezone(person.zone).date()
                by_day.setdefault((each.event, day), []).append((person, each))
    for (event, _), theirs in by_day.items():
        texts = {
            person.id: f"{each.created_at.astimezone(person.zone):%H:%M}: {text_of(each)}"
            for person, each in theirs
        }
        first = min(each.created_at for _, each in theirs)
        cells = tuple(texts.get(person.id, "") for person in PEOPLE)
        yield Row(first, TOGETHER[event], "", cells)


def folded(rows: Iterable[Row]) -> Iterator[Row]:
    """Return rows, with neighbours that have the same cells as one."""
    for _, same in groupby(rows, key=lambda row: (row.at, row.title, row.cells)):
        first, *others = same
        names = ", ".join((first.names, *(each.names for each in others)))
        yield replace(first, names=names)


def table(year: Year) -> Iterator[str]:
    """Return the lines of the months."""
    rows = [*rows_of_due(year), *rows_together(year)]
    rows.sort(key=lambda row: (row.at, row.title == "", row.title, row.cells))
    titles = " | ".join(person.title for person in PEOPLE)
    month = 0
    for row in folded(rows):
        day = row.at.astimezone(BERLIN)
        if day.month != month:
            month = day.month
            yield f"\n## {day:%B}\n\n| day | what | {titles} |\n|---|---|---|---|---|---|"
        what = f"{row.names}: {row.title}" if row.title else f"the {row.names}"
        yield f"| {day:%a} {day.day} | {what} | {' | '.join(row.cells)} |"


def figures(year: Year) -> Iterator[str]:
    """Return the lines of the table of figures."""
    yield "\n## The year in figures\n"
    yield "An alert that is held and then part of a summary counts as part of the summary.\n"
    yield (
        "| member | notifications | alerts sent when due | held by quiet hours | in digests"
        " | in summaries | none: used or discarded | none: overtaken | read for all |"
    )
    yield "|---|" + "---:|" * 8
    kinds = ("at once", "held", "digest", "summary", "closed", "overtaken")
    for person in PEOPLE:
        count = Counter(
            outcome_of(year, person, due).kind
            for (person_id, *_), due in year.due.items()
            if person_id == person.id and due.at <= year.closed[due.product.id][0]
        )
        cells = [str(count[kind]) for kind in kinds]
        name, got, read = person.title, len(year.got[person.id]), year.read_for[person.id]
        yield f"| {name} | {got} | {' | '.join(cells)} | {read} |"


async def _page() -> str:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/year.db"
        await asyncio.to_thread(migrate.upgrade, url)
        database = open_database(url, checkpoints=True)
        try:
            year = Year(database)
            await year.live()
        finally:
            await database.close()
    return HEAD + "\n".join([*figures(year), *table(year)]) + "\n"


HEAD = """# A year together

`make docs` generates this page: four members of a household live through 2026 with the actions,
the alerts and the database of a node; only the clock is set (`docs/household_of_four.py`). All
share one stock, whose dates are those of Berlin, and each gets alerts of their own. The household's
default is one alert two days ahead, and one when the date is over, at 09:00 in each member's zone.
An alert that one member reads is read for all.

- **Ada** owns the household, and has set nothing.
- **Basia** lives in New York and reads Polish. Her alerts wait for a digest, on Saturday at 10:00;
  food that is past its use-by date does not wait.
- **Cem** works at night and reads German. From Monday to Friday, his quiet hours last from 07:00 to
  15:00. For medicine he has a rule of his own, which adds an alert 14 days ahead.
- **The tablet** in the kitchen is a kiosk. Its own rule for medicine sends nothing.

Times are those of the member's zone. A cell has the text that the member got, or the reason for
which there was none. A dash means that the member's rules send no such alert. A name in brackets is
the kind of rule that applied in place of the household's default. More than five alerts that are
due together are one summary.
"""


def page() -> str:
    """Return the text of the page."""
    return asyncio.run(_page())


if __name__ == "__main__":
    PAGE.write_text(page())
