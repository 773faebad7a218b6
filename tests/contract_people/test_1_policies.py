"""Section 1: the fields of a policy, and the scopes from which they are taken.

covers: useby.store.policy_columns
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from tests.support.alert_times import pass_until, send_now
from tests.support.policies_over_rest import NEVER, alerts_of, lot_of, put, times_of
from tests.support.rest_app import Rest, added, messages


@pytest.fixture
async def ada(rest: Rest) -> httpx.AsyncClient:
    """A client of somebody in Berlin, at noon of 2 March 2026."""
    _, client = await rest.person()
    return client


async def test_a_field_that_is_not_set_is_taken_from_the_next_wider_scope(
    ada: httpx.AsyncClient,
) -> None:
    milk = await added(ada, expiryDate="2026-05-01", category="Dairy", location="Fridge")
    lot = await lot_of(ada, milk)
    nearest_last: list[tuple[str, dict[str, Any], str, str]] = [
        ("account", {"leads": ["6d"], "alertTime": "06:00"}, "6d", "06:00"),
        ("dateKind/best_before", {"leads": ["5d"]}, "5d", "06:00"),
        ("location/Fridge", {"leads": ["4d"]}, "4d", "06:00"),
        ("category/DAIRY", {"alertTime": "03:00"}, "4d", "03:00"),
        (f"product/{milk['id']}", {"leads": ["2d"]}, "2d", "03:00"),
        (f"lot/{lot}", {"alertTime": "01:00"}, "2d", "01:00"),
    ]
    keys: dict[str, Any] = {"dateKind": "best_before", "location": "Fridge", "account": None}
    keys |= {"product": milk["id"]}
    gives_leads = "builtin"
    for policy, fields, lead, at in nearest_last:
        answer = await put(ada, policy, **fields)
        scope = answer["scope"]
        gives_leads = scope if "leads" in fields else gives_leads
        first = (await alerts_of(ada, milk))[0]
        due = datetime.fromisoformat(first["at"]).astimezone(ZoneInfo("Europe/Berlin"))
        assert (first["lead"], f"{due:%H:%M}") == (lead, at)
        assert first["because"] == {"scope": gives_leads, "key": keys[gives_leads]}
    for policy, *_ in reversed(nearest_last):
        assert (await ada.delete(f"/api/policies/{policy}")).status_code == HTTPStatus.NO_CONTENT
    assert (await alerts_of(ada, milk))[0]["because"] == {"scope": "builtin", "key": None}
    assert (await ada.get("/api/policies")).json() == {"items": [], "nextCursor": None}


@pytest.mark.parametrize(
    ("expires", "lead", "at"),
    [
        ("2026-05-01", "24h", "2026-04-30T22:00:00Z"),
        ("2026-05-01", "26h", "2026-04-30T20:00:00Z"),
        ("2026-05-01T10:00:00Z", "24h", "2026-04-30T10:00:00Z"),
        ("2026-03-29", "24h", "2026-03-28T22:00:00Z"),
    ],
)
async def test_24h_counts_back_from_the_end_of_the_day_and_from_an_instant(
    ada: httpx.AsyncClient, expires: str, lead: str, at: str
) -> None:
    milk = await added(ada, expiryDate=expires)
    await put(ada, f"product/{milk['id']}", leads=[lead])
    assert (await times_of(ada, milk))[0] == (lead, at)


@pytest.mark.parametrize(
    ("expires", "received", "at"),
    [
        # 15 % of 20 days are 3 days, and of 21 days 3.15, which are rounded up.
        ("2026-03-22", "2026-03-02", "2026-03-19T08:00:00Z"),
        ("2026-03-23", "2026-03-02", "2026-03-19T08:00:00Z"),
        # From midnight in Berlin to the instant there are 100 hours, of which 15 are exact.
        ("2026-03-06T03:00:00Z", "2026-03-02", "2026-03-05T12:00:00Z"),
    ],
)
async def test_15_per_cent_is_of_the_time_from_receipt_rounded_up_for_a_day_exact_for_an_instant(
    ada: httpx.AsyncClient, expires: str, received: str, at: str
) -> None:
    milk = await added(ada, expiryDate=expires, receivedOn=received)
    await put(ada, f"product/{milk['id']}", leads=["15%"])
    assert (await times_of(ada, milk))[0] == ("15%", at)


async def test_each_lot_has_its_own_share_of_the_time_from_receipt(ada: httpx.AsyncClient) -> None:
    milk = await added(ada, expiryDate="2026-03-22", receivedOn="2026-03-02")
    await ada.post(
        f"/api/products/{milk['id']}/lots",
        json={"expiryDate": "2026-03-22", "receivedOn": "2026-02-10"},
    )
    await put(ada, f"product/{milk['id']}", leads=["15%"])
    assert [(lead, at[:10]) for lead, at in await times_of(ada, milk)] == [
        ("15%", "2026-03-16"),
        ("15%", "2026-03-19"),
        ("expiry", "2026-03-23"),
        ("expiry", "2026-03-23"),
    ]


async def test_a_lot_may_be_treated_differently_from_the_others_of_its_product(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, expiryDate="2026-03-10")
    other = await ada.post(f"/api/products/{milk['id']}/lots", json={"expiryDate": "2026-03-10"})
    await put(ada, f"lot/{other.json()['id']}", leads=["1d"], onExpiry=False)
    await pass_until(rest, "2026-03-20T12:00:00Z")
    assert (await messages(ada))[::-1] == [
        "Organic Milk expires in 7 days",
        "Organic Milk expires in 2 days",
        "Organic Milk expires tomorrow",
        "Organic Milk expires today",
        "Organic Milk expired yesterday",
    ]


async def test_on_expiry_false_sends_the_leads_and_nothing_on_expiry(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, expiryDate="2026-03-05")
    await put(ada, "account", onExpiry=False)
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["7d", "2d", "0d"]
    await pass_until(rest, "2026-03-20T12:00:00Z")
    assert (await messages(ada))[0] == "Organic Milk expires today"
    past = await added(ada, expiryDate="2026-03-01")
    await send_now(rest)
    assert await alerts_of(ada, past) == []
    assert (await messages(ada))[0] == "Organic Milk expires today"


async def test_an_account_without_leads_can_have_no_alert_on_expiry_either(
    ada: httpx.AsyncClient,
) -> None:
    """An input of a bug report: `leadDays: []` alone still alerts on expiry."""
    milk = await added(ada, expiryDate="2026-05-01")
    await ada.patch("/api/me", json={"leadDays": []})
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["expiry"]
    await put(ada, "account", **NEVER)
    assert await alerts_of(ada, milk) == []
    assert (await ada.get("/api/me")).json()["leadDays"] == []


@pytest.mark.parametrize("never", [NEVER, {"muted": True}], ids=["nothing", "muted"])
async def test_no_leads_and_no_expiry_or_muted_means_never(
    rest: Rest, never: dict[str, Any]
) -> None:
    people = []
    for scope in ("account", "product", "category/dairy", "lot"):
        _, person = await rest.person()
        milk = await added(person, expiryDate="2026-03-20", category="Dairy")
        ids = {"product": milk["id"], "lot": await lot_of(person, milk)}
        await put(person, f"{scope}/{ids[scope]}" if scope in ids else scope, **never)
        assert await alerts_of(person, milk) == [], scope
        people.append((scope, person))
    await pass_until(rest, "2026-05-01T12:00:00Z")
    assert [scope for scope, person in people if await messages(person)] == []


async def test_a_mute_ends_at_its_time_and_what_fell_due_until_then_is_never_sent(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, expiryDate="2026-03-20")
    await put(ada, f"product/{milk['id']}", muted="2026-03-19T12:00:00+01:00")
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["0d", "expiry"]
    await pass_until(rest, "2026-03-19T13:00:00Z")
    assert await messages(ada) == []
    await pass_until(rest, "2026-05-01T12:00:00Z")
    assert (await messages(ada))[::-1] == [
        "Organic Milk expires today",
        "Organic Milk expired yesterday",
    ]


@pytest.mark.parametrize("is_running", [True, False], ids=["scheduler runs", "scheduler is late"])
async def test_an_alert_that_fell_due_while_muted_is_not_sent_when_the_mute_is_taken_back(
    rest: Rest, is_running: bool
) -> None:
    people = {}
    for scope in ("account", "product", "location/Fridge", "lot"):
        _, person = await rest.person()
        milk = await added(person, expiryDate="2026-03-20", location="Fridge")
        ids = {"product": milk["id"], "lot": await lot_of(person, milk)}
        policy = f"{scope}/{ids[scope]}" if scope in ids else scope
        await put(person, policy, muted=True)
        people[policy] = person
    if is_running:
        await pass_until(rest, "2026-03-19T12:00:00Z")
    else:
        rest.now = rest.now.replace(day=19)
    for policy, person in people.items():
        await put(person, policy, alertTime="10:00")
    await send_now(rest)
    for policy, person in people.items():
        await person.delete(f"/api/policies/{policy}")
    await send_now(rest)
    for policy, person in people.items():
        assert await messages(person) == [], policy
    await pass_until(rest, "2026-03-20T12:00:00Z")
    for policy, person in people.items():
        assert await messages(person) == ["Organic Milk expires today"], policy


async def test_an_alert_that_fell_due_in_a_muted_place_is_not_sent_after_a_move(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, expiryDate="2026-03-20", location="Cellar")
    await put(ada, "location/Cellar", muted=True)
    await pass_until(rest, "2026-03-19T12:00:00Z")
    await ada.patch(f"/api/products/{milk['id']}", json={"location": "Fridge"})
    await send_now(rest)
    assert await messages(ada) == []
    await pass_until(rest, "2026-03-20T12:00:00Z")
    assert await messages(ada) == ["Organic Milk expires today"]


async def test_muted_false_ends_what_a_wider_scope_mutes(ada: httpx.AsyncClient) -> None:
    milk = await added(ada, expiryDate="2026-05-01")
    await put(ada, "account", muted=True)
    assert await alerts_of(ada, milk) == []
    await put(ada, f"product/{milk['id']}", muted=False)
    assert len(await alerts_of(ada, milk)) == 4


async def test_a_repeat_comes_every_so_many_days_and_most_counts_those_after_the_first(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, expiryDate="2026-03-20")
    await put(ada, "account", leads=[], repeat={"every": "P3D", "most": 2})
    listed = await alerts_of(ada, milk)
    assert [(each["lead"], each["at"][:10]) for each in listed] == [
        ("expiry", "2026-03-21"),
        ("repeat", "2026-03-24"),
        ("repeat", "2026-03-27"),
    ]
    assert listed[1]["because"] == {"scope": "account", "key": None}
    await pass_until(rest, "2026-05-01T12:00:00Z")
    assert (await messages(ada))[::-1] == [
        "Organic Milk expired yesterday",
        "Organic Milk expired 4 days ago",
        "Organic Milk expired 7 days ago",
    ]


@pytest.mark.parametrize("how", ["read", "closed"])
async def test_a_repeat_stops_once_the_alert_is_read_or_the_lot_is_closed(
    rest: Rest, ada: httpx.AsyncClient, how: str
) -> None:
    milk = await added(ada, expiryDate="2026-03-20")
    await put(ada, "account", leads=[], repeat={"every": "P3D", "most": 9})
    await pass_until(rest, "2026-03-25T12:00:00Z")
    (newest, _) = (await ada.get("/api/notifications")).json()["items"]
    assert newest["message"] == "Organic Milk expired 4 days ago"
    if how == "read":
        await ada.post(f"/api/notifications/{newest['id']}/read")
    else:
        await ada.post(f"/api/products/{milk['id']}/discard", json={})
    assert await alerts_of(ada, milk) == []
    await pass_until(rest, "2026-05-01T12:00:00Z")
    assert len([each for each in await messages(ada) if "expired" in each]) == 2


async def test_repeats_of_alerts_in_a_summary_stop_once_the_summary_is_read(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    for number in range(6):
        await added(ada, name=f"Milk {number}", expiryDate="2026-03-20")
    await put(ada, "account", leads=[], repeat={"every": "P1D", "most": 9})
    await pass_until(rest, "2026-03-22T12:00:00Z")
    (newest, first) = (await ada.get("/api/notifications")).json()["items"]
    assert (newest["event"], first["event"]) == ("summary", "summary")
    await ada.post(f"/api/notifications/{newest['id']}/read")
    await pass_until(rest, "2026-05-01T12:00:00Z")
    assert len(await messages(ada)) == 2


async def test_a_repeat_that_was_missed_is_not_made_up_for(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await added(ada, expiryDate="2026-03-20")
    await put(ada, "account", leads=[], repeat={"every": "P1D", "most": 9})
    await pass_until(rest, "2026-03-21T12:00:00Z")
    rest.now = rest.now.replace(day=24)
    await pass_until(rest, "2026-03-24T12:00:00Z")
    assert (await messages(ada))[::-1] == [
        "Organic Milk expired yesterday",
        "Organic Milk expired 4 days ago",
    ]
