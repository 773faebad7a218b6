"""Calendars on both stores: their addresses, and the lots that their events show.

covers: useby.store.calendars
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
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
from useby.store import accounts, calendars, slices
from useby.store.database import Database
from useby.store.notifications import UnknownUser
from useby.store.schema import calendars as table


async def created(database: Database, owner: User) -> tuple[str, str]:
    return await database.write(
        lambda t: actions.create(t, Actor(owner.id, owner.id, Deed.SEE), NOON)
    )


async def events_of(database: Database, owner: User) -> list[CalendarEvent]:
    return await actions.events(database, owner)


def days(events: Iterable[CalendarEvent]) -> list[str]:
    return [str(each.day) for each in events]


async def test_a_secret_opens_the_dates_of_its_owner_until_its_calendar_is_deleted(
    database: Database,
) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    calendar_id, secret = await created(database, owner)
    found = await actions.owner(database, secret)
    assert found is not None
    assert found.id == owner.id
    assert not await database.write(lambda t: calendars.delete(t, other.id, other.id, calendar_id))
    assert await actions.owner(database, secret) is not None
    assert await database.write(lambda t: calendars.delete(t, owner.id, owner.id, calendar_id))
    assert await actions.owner(database, secret) is None
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
    assert await actions.owner(database, row.secret_hash) is None


async def test_secrets_of_another_form_open_nothing(database: Database) -> None:
    _, secret = await created(database, await a_kept_owner(database))
    for wrong in ("", secret[:-1], secret + "A", secret + "\n", "é" * 43, secret[:-1] + "\0"):
        assert await actions.owner(database, wrong) is None


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
    assert await actions.owner(database, secret) is None
    with pytest.raises(UnknownUser):
        await created(database, owner)
    await database.write(lambda t: accounts.disable_user(t, owner.id, disabled=False, now=NOON))
    assert await actions.owner(database, secret) is not None


async def test_calendars_go_with_their_account(database: Database) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    _, secret = await created(database, owner)
    _, others = await created(database, other)
    assert await database.write(lambda t: slices.delete_user(t, owner.id))
    assert await actions.owner(database, secret) is None
    assert await actions.owner(database, others) is not None
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
    found = await events_of(database, owner)
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
    assert days(await events_of(database, owner)) == ["2026-06-08"]


async def test_lots_of_nodes_without_lots_are_events_with_the_dates_of_their_rows(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    milk, bread = a_product(owner, "2026-06-08"), a_product(owner, "2026-04-01", name="Bread")
    await keep(database, owner, milk)
    before = await events_of(database, owner)
    await as_an_old_node(database, milk, expires_on=day("2026-05-01"))
    assert await version_of(database, milk) is None
    (after,) = await events_of(database, owner)
    assert (str(after.day), after.uid) == ("2026-05-01", before[0].uid)
    assert after.sequence > before[0].sequence
    await database.write(taking(owner, milk, None))
    await added_by_an_old_node(database, bread, owner)
    (found,) = await events_of(database, owner)
    assert (found.summary, str(found.day)) == ("Best before: Bread", "2026-04-01")
    assert (await events_of(database, owner)) == [found]


async def test_a_change_of_a_lot_keeps_the_uid_and_raises_the_sequence(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-08", quantity=Decimal(3))
    await keep(database, owner, milk)
    seen = await events_of(database, owner)
    for _ in range(2):
        await database.write(taking(owner, milk, "1"))
        seen += await events_of(database, owner)
    assert len({each.uid for each in seen}) == 1
    assert [each.sequence for each in seen] == sorted({each.sequence for each in seen})
    assert len({actions.entity_tag([each]) for each in seen}) == 3


async def test_a_change_of_zone_or_policy_changes_the_events_and_their_tag(
    database: Database,
) -> None:
    owner = await a_kept_owner(database, time_zone="Pacific/Kiritimati")
    await keep(database, owner, a_product(owner, "2026-05-01T23:30:00Z"))
    before = await events_of(database, owner)
    change = AccountChange(time_zone="Pacific/Pago_Pago", lead_days=(1,))
    moved = await database.write(lambda t: account_actions.change(t, owner.id, change, now=NOON))
    after = await events_of(database, moved)
    assert (days(before), days(after)) == (["2026-05-02"], ["2026-05-01"])
    assert after[0].alarms == (timedelta(hours=-15),)
    assert actions.entity_tag(before) != actions.entity_tag(after)


async def test_a_calendar_is_bounded_to_the_soonest_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MAX_EVENTS", 3)
    monkeypatch.setattr(actions, "MAX_EVENTS", 3)
    owner = await a_kept_owner(database)
    dates = [f"2026-05-{number:02}" for number in range(9, 0, -1)] + ["2026-05-02T12:00:00Z"]
    await keep(database, owner, *(a_product(owner, each) for each in dates))
    assert days(await events_of(database, owner)) == ["2026-05-01", "2026-05-02", "2026-05-02"]


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
