"""Alerts of people in several households, beside somebody who counts them by hand."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_households import keep_due, share
from tests.support.stored_products import keep, notifications_of

from useby.actions import alerts
from useby.domain.account import User
from useby.domain.notification import Cause, Notification
from useby.scheduler.alerts import AlertScheduler
from useby.store.database import Database

LONG_AGO = NOON - timedelta(days=9)
MINUTES = 5
MOST_DUE = 4
"""Alerts of a household in a minute."""


class Neighbourhood:
    """People, and the households in which they live."""

    def __init__(self, database: Database, chance: Random, people: list[User]) -> None:
        self.database = database
        self.people = people
        self.founders = people[: len(people) // 2 + 1]
        self.readers = {
            founder.id: [founder, *chance.sample(_without(people, founder), chance.randint(0, 3))]
            for founder in self.founders
        }

    async def move_in(self) -> None:
        for founder in self.founders:
            others = _without(self.readers[founder.id], founder)
            if others:
                await share(self.database, founder, *others, since=LONG_AGO)


async def let_pass(database: Database, now: datetime) -> None:
    """Do what the scheduler does in a minute."""
    scheduler = AlertScheduler(database, lambda: now)
    while (await scheduler.send_due()).goes_on:
        pass
    await scheduler._next_due()


async def got(database: Database, person: User, now: datetime) -> list[Notification]:
    found = await notifications_of(database, person)
    return [each for each in found if each.created_at == now]


def _without(people: list[User], one: User) -> list[User]:
    return [each for each in people if each.id != one.id]


def by_hand(due: dict[str, int], cap: int) -> Counter[tuple[str, Cause]]:
    """What somebody gets in a minute, by household: each alert, or one summary of a household."""
    if sum(due.values()) <= cap:
        return Counter({(home, Cause.EXPIRING): count for home, count in due.items() if count})
    return Counter(
        (home, Cause.SUMMARY if count > 1 else Cause.EXPIRING)
        for home, count in due.items()
        if count
    )


def products_of(found: list[Notification]) -> list[str]:
    """Ids of the products that notifications are about, each as often as it is named."""
    named = [[item.product_id for item in each.items] or [str(each.product_id)] for each in found]
    return sorted(product_id for each in named for product_id in each)


@pytest.mark.parametrize("seed", range(4))
async def test_a_person_gets_no_more_alerts_in_a_minute_than_the_cap_from_all_their_households(
    seed: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(alerts, "BATCH", chance.choice((2, 5, 9)))
    people = [await a_kept_owner(database, flood_cap=chance.randint(1, 9)) for _ in range(6)]
    neighbourhood = Neighbourhood(database, chance, people)
    await neighbourhood.move_in()
    for minute in range(MINUTES):
        now = NOON + timedelta(minutes=minute)
        kept = {
            founder.id: await keep_due(
                database, founder, *map(str, range(chance.randint(0, MOST_DUE))), now=now
            )
            for founder in neighbourhood.founders
        }
        await let_pass(database, now)
        for person in people:
            theirs = {
                home: kept[home]
                for home, readers in neighbourhood.readers.items()
                if person in readers
            }
            found = await got(database, person, now)
            due = {home: len(products) for home, products in theirs.items()}
            assert Counter((each.household, each.event) for each in found) == by_hand(
                due, person.flood_cap
            )
            assert len(found) <= max(person.flood_cap, len(theirs))
            assert products_of(found) == sorted(
                product.id for products in theirs.values() for product in products
            )


async def test_alerts_of_one_owner_in_two_batches_are_counted_together_with_others_between_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a downtime, in which they fell due on different days."""
    monkeypatch.setattr(alerts, "BATCH", 3)
    ada, bob = [await a_kept_owner(database, flood_cap=1) for _ in range(2)]
    others = [await a_kept_owner(database) for _ in range(2)]
    for owner, lead in ((ada, 4), *((each, 3) for each in others), (ada, 2)):
        await keep(database, owner, a_product(owner, "2026-03-04", lead_days=(lead,)))
    await share(database, ada, bob, since=LONG_AGO)

    await let_pass(database, NOON)

    for person in (ada, bob):
        (only,) = await got(database, person, NOON)
        assert (only.event, len(only.items)) == (Cause.SUMMARY, 2)
