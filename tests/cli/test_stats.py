"""``useby stats`` prints what a person has taken and thrown away."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.factories import a_product

from useby.actions import inventory
from useby.domain.product import Disposal
from useby.store import accounts
from useby.store.database import Transaction
from useby.store.open import open_database

EMAIL = "ada@example.org"


@pytest.fixture(autouse=True)
def ada(useby: Useby, database_file: Path) -> None:
    """Ada has eaten four cartons of milk, and thrown away two and a bottle of wine."""
    useby("user", "add", EMAIL)
    asyncio.run(_use(f"sqlite:///{database_file}"))


async def _use(url: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    used = [("Milk", "Dairy", Disposal.CONSUMED)] * 4 + [("Milk", "Dairy", Disposal.DISCARDED)] * 2
    used += [("[red]Wine\x1b[2J", "", Disposal.DISCARDED)]

    def work(transaction: Transaction) -> None:
        (owner,) = accounts.find_users(transaction.connection, EMAIL)
        date = (now + timedelta(days=3)).date().isoformat()
        for name, category, how in used:
            product = a_product(
                owner, date, name=name, category=category, unit="l", quantity=Decimal("1.5")
            )
            inventory.add(transaction, product, owner, now)
            inventory.use(transaction, owner, product.id, quantity=None, how=how, now=now)

    database = open_database(url)
    await database.write(work)
    await database.close()


def test_stats_are_a_table_with_bars_and_a_summary(useby: Useby) -> None:
    result = useby("stats", "--user", EMAIL)
    assert (result.status, result.err) == (0, "")
    header, none, dairy, total, most = result.out.splitlines()
    assert header.split() == ["category", "taken", "thrown", "away", "share", "days", "left"]
    assert none.split() == ["(none)", "0", "1", "█" * 8]
    assert dairy.split() == ["Dairy", "4", "2", "33%", "3.0", "█" * 16]
    assert total == (
        "4 lots taken, 0 of them after an alert and before the date was over; 3 lots thrown away."
    )
    assert most.startswith("Most thrown away: ")
    assert "[red]Wine" in most
    assert "\x1b" not in result.out, "a name does not control the terminal"
    assert "1 lot, 1.5 l" in most


def test_stats_as_json_are_those_of_the_route(useby: Useby) -> None:
    found = json.loads(useby("stats", "--user", EMAIL, "--by", "month", "--json").out)
    (group,) = found["groups"]
    assert (group["taken"]["lots"], group["thrownAway"]["lots"]) == (4, 3)
    assert group["thrownAway"]["quantities"] == {"l": "4.5"}
    assert group["shareThrownAway"] == "0.4286"
    assert found["currency"] is None


def test_stats_of_a_time_without_events_state_that(useby: Useby) -> None:
    result = useby("stats", "--user", EMAIL, "--to", "1.1.2020")
    assert (result.status, result.out) == (0, "nothing was taken or thrown away in this time\n")
    tomorrow = useby("stats", "--user", EMAIL, "--from", "in 2 days")
    assert tomorrow.out == result.out


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--from", "soonish"), "--from"),
        (("--to", "never"), "must be a day"),
        (("--from", "03/04/2026"), "can be 2026-03-04 or 2026-04-03"),
        (("--from", "2026-03-05", "--to", "2026-03-04"), "exchange the two days"),
        (("--by", "colour"), "category, location, product, week or month"),
    ],
)
def test_a_wrong_option_of_stats_is_named(
    useby: Useby, words: tuple[str, ...], wanted: str
) -> None:
    result = useby("stats", "--user", EMAIL, *words)
    assert result.status == 2
    assert wanted in result.err
