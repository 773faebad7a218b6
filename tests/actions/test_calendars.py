"""Calendars on both stores: their addresses, and the lots that their events show.

covers: useby.store.calendars
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx
import icalendar
import pytest
import sqlalchemy as sa
from tests.actions.test_stock import (
    added_by_an_old_node,
    as_an_old_node,
    lots_of,
    receive,
    version_of,
)
from tests.support.factories import NOON, a_kept_owner, a_product, day
from tests.support.rest_app import Rest
from tests.support.stored_products import keep, taking

from useby.actions import accounts as account_actions
from useby.actions import calendars as actions
from useby.domain import calendar
from useby.domain.account import AccountChange, User
from useby.domain.calendar import MAX_CALENDARS, CalendarEvent, TooManyCalendars
from useby.domain.household import Actor, Deed
from useby.domain.policy import Policy
from useby.store import accounts, calendars, slices
from useby.store.database import Database
from useby.store.notifications import UnknownUser
from useby.store.schema import calendars as table


async def created(database: Database, owner: User) -> tuple[str, str]:
    return await database.write(
        lambda t: actions.create(t, Actor(owner.id, owner.id, Deed.SEE), NOON)
    )


async def a_secret(database: Database, owner: User) -> str:
    """Create a calendar and return its secret."""
    return (await created(database, owner))[1]


async def shown(database: Database, secret: str, now: datetime = NOON) -> list[CalendarEvent]:
    """Return the events that a secret opens."""
    events = await actions.events(database, secret, now)
    assert events is not None
    return events


async def opens(database: Database, secret: str) -> bool:
    """Return whether a secret opens a calendar."""
    return await actions.events(database, secret, NOON) is not None


def content_of(event: CalendarEvent) -> CalendarEvent:
    """Return an event without what counts its changes."""
    return replace(event, sequence=0, changed_at=NOON)


def days(events: Iterable[CalendarEvent]) -> list[str]:
    return [str(each.day) for each in events]


async def test_a_secret_opens_the_dates_of_its_owner_until_its_calendar_is_deleted(
    database: Database,
) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, owner, a_product(owner, "2026-05-01"))
    await keep(database, other, a_product(other, "2026-05-02"))
    calendar_id, secret = await created(database, owner)
    assert days(await shown(database, secret)) == ["2026-05-01"]
    assert not await database.write(lambda t: calendars.delete(t, other.id, other.id, calendar_id))
    assert await opens(database, secret)
    assert await database.write(lambda t: calendars.delete(t, owner.id, owner.id, calendar_id))
    assert not await opens(database, secret)
    assert not await database.write(lambda t: calendars.delete(t, owner.id, owner.id, calendar_id))


async def test_the_database_stores_the_hash_of_a_secret_and_nothing_else_of_it(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    calendar_id, secret = await created(database, owner)
    (row,) = await database.read(lambda c: c.execute(sa.select(table)).all())
    assert (row.household_id, row.id, row.created_at) == (owner.id, calendar_id, NOON)
    assert len(row.secret_hash) == 64
    assert secret not in str(row)
    assert not await opens(database, row.secret_hash)


async def test_secrets_of_another_form_open_nothing(database: Database) -> None:
    secret = await a_secret(database, await a_kept_owner(database))
    for wrong in ("", secret[:-1], secret + "A", secret + "\n", "é" * 43, secret[:-1] + "\0"):
        assert not await opens(database, wrong)


async def test_secrets_have_256_random_bits(database: Database) -> None:
    owner = await a_kept_owner(database)
    secrets = {(await created(database, owner))[1] for _ in range(5)}
    assert len(secrets) == 5
    assert {len(each) for each in secrets} == {43}


async def test_a_household_has_at_most_20_calendars_also_if_they_are_created_at_once(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    results = await asyncio.gather(
        *(created(database, owner) for _ in range(MAX_CALENDARS + 2)), return_exceptions=True
    )
    refused = [each for each in results if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [TooManyCalendars] * 2
    there = await database.read(lambda c: calendars.list_(c, owner.id))
    assert len({each.id for each in there}) == MAX_CALENDARS == 20
    await database.write(lambda t: calendars.delete(t, owner.id, owner.id, there[0].id))
    await created(database, owner)
    await created(database, await a_kept_owner(database))


async def test_a_disabled_account_has_no_calendar_until_it_is_enabled(database: Database) -> None:
    owner = await a_kept_owner(database)
    _, secret = await created(database, owner)
    await database.write(lambda t: accounts.disable_user(t, owner.id, disabled=True, now=NOON))
    assert not await opens(database, secret)
    with pytest.raises(UnknownUser):
        await created(database, owner)
    await database.write(lambda t: accounts.disable_user(t, owner.id, disabled=False, now=NOON))
    assert await opens(database, secret)


async def test_calendars_go_with_their_account(database: Database) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    _, secret = await created(database, owner)
    _, others = await created(database, other)
    assert await database.write(lambda t: slices.delete_user(t, owner.id))
    assert not await opens(database, secret)
    assert await opens(database, others)
    left = await database.read(lambda c: c.scalars(sa.select(table.c.household_id)).all())
    assert list(left) == [other.id]


async def test_each_open_lot_with_a_date_is_an_event_and_no_other_is(database: Database) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    milk = a_product(owner, "2026-06-08", name="Milk", location="Fridge")
    await keep(database, owner, milk)
    await receive(database, owner, milk, "2026-05-01", "2")
    await receive(database, owner, milk, "2026-05-02T22:30:00Z")
    salt = replace(a_product(owner), expiry=None)
    used = a_product(owner, "2026-05-03")
    await keep(database, owner, salt, used)
    await keep(database, other, a_product(other, "2026-05-04"))
    await database.write(taking(owner, used, None))
    found = await shown(database, await a_secret(database, owner))
    assert days(found) == ["2026-05-01", "2026-05-03", "2026-06-08"], "an instant is its day"
    assert {each.uid for each in found} == {
        f"{lot.id}@useby" for lot in await lots_of(database, milk)
    }
    assert (found[2].summary, found[2].location) == ("Best before: Milk", "Fridge")
    assert found[0].description == "Quantity: 2"


async def test_an_event_is_gone_when_its_lot_is_used_up(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-08")
    await keep(database, owner, milk)
    await receive(database, owner, milk, "2026-05-01")
    await database.write(taking(owner, milk, "1"))
    assert days(await shown(database, await a_secret(database, owner))) == ["2026-06-08"]


async def test_lots_of_nodes_without_lots_are_events_with_the_dates_of_their_rows(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    milk, bread = a_product(owner, "2026-06-08"), a_product(owner, "2026-04-01", name="Bread")
    await keep(database, owner, milk)
    secret = await a_secret(database, owner)
    before = await shown(database, secret)
    await as_an_old_node(database, milk, expires_on=day("2026-05-01"))
    assert await version_of(database, milk) is None
    (after,) = await shown(database, secret)
    assert (str(after.day), after.uid) == ("2026-05-01", before[0].uid)
    assert after.sequence > before[0].sequence
    await database.write(taking(owner, milk, None))
    await added_by_an_old_node(database, bread, owner)
    (found,) = await shown(database, secret)
    assert (found.summary, str(found.day)) == ("Best before: Bread", "2026-04-01")
    assert (await shown(database, secret)) == [found]


async def test_a_change_of_a_lot_keeps_the_uid_and_raises_the_sequence(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-08", quantity=Decimal(3))
    await keep(database, owner, milk)
    secret = await a_secret(database, owner)
    seen = await shown(database, secret)
    for _ in range(2):
        await database.write(taking(owner, milk, "1"))
        seen += await shown(database, secret)
    assert len({each.uid for each in seen}) == 1
    assert [each.sequence for each in seen] == sorted({each.sequence for each in seen})
    assert len({actions.entity_tag([each]) for each in seen}) == 3


@pytest.mark.parametrize(
    "change",
    [
        AccountChange(time_zone="Pacific/Pago_Pago"),
        AccountChange(lead_days=(1,)),
        AccountChange(alert_time=time(7)),
        AccountChange(categories={"dairy": Policy((1,))}),
        AccountChange(language="de"),
    ],
    ids=["zone", "leads", "time", "category", "language"],
)
async def test_a_change_of_zone_policy_or_language_raises_the_sequence_of_changed_events(
    database: Database, change: AccountChange
) -> None:
    owner = await a_kept_owner(database, time_zone="Pacific/Kiritimati")
    milk = a_product(owner, "2026-05-01T23:30:00Z", category="Dairy")
    await keep(database, owner, milk)
    secret = await a_secret(database, owner)
    (before,) = await shown(database, secret)
    assert await shown(database, secret, NOON + timedelta(days=2)) == [before]
    await database.write(lambda t: account_actions.change(t, owner.id, change, now=NOON))
    (after,) = await shown(database, secret)
    assert content_of(after) != content_of(before)
    assert after.sequence > before.sequence
    assert after.changed_at > before.changed_at
    assert actions.entity_tag([after]) != actions.entity_tag([before])
    assert await shown(database, secret, NOON + timedelta(days=2)) == [after]


async def test_the_sequence_of_a_calendar_rises_also_if_the_clock_is_set_back(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner))
    secret = await a_secret(database, owner)
    seen = await shown(database, secret)
    for number in range(3):
        change = AccountChange(lead_days=(number,))
        await database.write(
            partial(account_actions.change, user_id=owner.id, new=change, now=NOON)
        )
        seen += await shown(database, secret, NOON - timedelta(hours=number))
    assert [each.sequence for each in seen] == sorted({each.sequence for each in seen})
    assert [each.changed_at for each in seen] == sorted({each.changed_at for each in seen})


async def test_requests_that_find_the_same_change_at_once_revise_a_calendar_once(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner))
    secret = await a_secret(database, owner)
    await shown(database, secret)
    change = AccountChange(lead_days=(1,))
    await database.write(lambda t: account_actions.change(t, owner.id, change, now=NOON))
    later = [NOON + timedelta(minutes=number) for number in range(8)]
    found = await asyncio.gather(*(shown(database, secret, each) for each in later))
    assert len({actions.entity_tag(each) for each in found}) == 1


async def test_a_calendar_that_a_node_of_the_version_before_added_is_read_and_revised(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner))
    secret = await a_secret(database, owner)
    unread = sa.select(table.c.view_hash, table.c.revised_at)
    assert await database.read(lambda c: c.execute(unread).all()) == [(None, None)]
    first = await shown(database, secret)
    assert await shown(database, secret, NOON + timedelta(days=1)) == first


async def test_a_calendar_is_bounded_to_the_soonest_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MAX_EVENTS", 3)
    monkeypatch.setattr(actions, "MAX_EVENTS", 3)
    owner = await a_kept_owner(database)
    dates = [f"2026-05-{number:02}" for number in range(9, 0, -1)] + ["2026-05-02T12:00:00Z"]
    await keep(database, owner, *(a_product(owner, each) for each in dates))
    found = await shown(database, await a_secret(database, owner))
    assert days(found) == ["2026-05-01", "2026-05-02", "2026-05-02"]


def parsed(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == HTTPStatus.OK, answer.text
    return icalendar.Calendar.from_ical(answer.content).walk("VEVENT")


async def test_an_address_needs_no_token_and_shows_the_dates(rest: Rest) -> None:
    owner, client = await rest.person()
    milk = a_product(owner, "2026-06-08", name="Milk; fresh, \n🥛", unit="l", location="Fridge")
    await keep(rest.database, owner, milk)
    answer = await client.post("/api/calendars")
    assert answer.status_code == HTTPStatus.CREATED
    url = answer.json()["url"]
    shown = await rest.client().get(url)
    assert shown.headers["content-type"] == "text/calendar; charset=utf-8"
    (event,) = parsed(shown)
    assert str(event["SUMMARY"]) == "Best before: Milk; fresh, \n🥛"
    assert event.decoded("DTSTART") == day("2026-06-08")
    assert [each.decoded("TRIGGER") for each in event.walk("VALARM")] == [
        timedelta(hours=9) - timedelta(days=lead) for lead in (7, 2, 0)
    ]
    assert (await client.delete(f"/api/calendars/{answer.json()['id']}")).status_code == 204
    assert (await rest.client().get(url)).status_code == HTTPStatus.NOT_FOUND


async def test_an_unchanged_calendar_is_not_sent_again(rest: Rest) -> None:
    owner, client = await rest.person()
    await keep(rest.database, owner, a_product(owner, "2026-06-08"))
    url = (await client.post("/api/calendars")).json()["url"]
    anybody = rest.client()
    first = await anybody.get(url)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    rest.now += timedelta(days=3)
    for header in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        same = await anybody.get(url, headers={"If-None-Match": header})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    again = await anybody.get(url, headers={"If-None-Match": '"other"'})
    assert (again.status_code, again.content) == (200, first.content)
    await keep(rest.database, owner, a_product(owner, "2026-06-09"))
    changed = await anybody.get(url, headers={"If-None-Match": tag})
    assert len(parsed(changed)) == 2
    assert changed.headers["etag"] != tag
