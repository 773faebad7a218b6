"""Section 9: leaving a household, handing it over, and deleting it or an account.

covers: useby.actions.memberships, useby.store.emptying
"""

from datetime import timedelta
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import (
    HEADER,
    a_household,
    join,
    leave,
    listed,
    names,
)

from useby.domain.household import Role
from useby.store import schema, slices
from useby.store.database import Transaction

REFUSED_LAST_OWNER = (
    "A household must keep an owner: make another member an owner first, or delete the household."
)


async def test_the_last_owner_cannot_leave_without_handing_over(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    founder, editor = shared.users[Role.OWNER].id, shared.users[Role.EDITOR].id
    hers = shared.owner
    for answer in (
        await hers.delete(f"{shared.url}/members/{founder}"),
        await hers.patch(f"{shared.url}/members/{founder}", json={"role": "editor"}),
        await hers.request("DELETE", "/api/me", json={}),
    ):
        assert answer.status_code == HTTPStatus.CONFLICT
        assert answer.json()["detail"] == REFUSED_LAST_OWNER
    handed = await hers.patch(f"{shared.url}/members/{editor}", json={"role": "owner"})
    assert (handed.status_code, handed.json()["role"]) == (HTTPStatus.OK, "owner")
    left = await hers.delete(f"{shared.url}/members/{founder}")
    assert left.status_code == HTTPStatus.NO_CONTENT
    assert (await hers.get(shared.url)).status_code == HTTPStatus.NOT_FOUND
    (only,) = (await shared.clients[Role.EDITOR].get(f"{shared.url}/members")).json()["items"]
    assert only["userId"] == editor


async def test_a_founder_who_has_left_acts_on_the_oldest_household_they_are_a_member_of(
    rest: Rest,
) -> None:
    older = await a_household(rest)
    newer = await a_household(rest)
    founder, client = await rest.person()
    for each in (older, newer):
        await join(each.owner, each.id, client, "editor")
        rest.now += timedelta(minutes=1)
    await added(older.owner, name="Old milk")
    await added(client, name="Own milk")
    _, heir = await rest.person()
    await join(client, founder.id, heir, "owner")
    assert await names(client) == ["Own milk"], "one's own comes first"
    gone = await client.delete(f"/api/households/{founder.id}/members/{founder.id}")
    assert gone.status_code == HTTPStatus.NO_CONTENT
    assert await names(client) == ["Old milk"]
    assert [each["id"] for each in await listed(client)] == [older.id, newer.id]
    assert await names(heir, **{HEADER: founder.id}) == ["Own milk"]


async def test_a_founder_who_has_left_their_only_household_gets_a_new_empty_one(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR, time_zone="Asia/Tokyo")
    hers, founder = shared.owner, shared.users[Role.OWNER].id
    await added(hers, name="Milk")
    heir = shared.users[Role.EDITOR].id
    await hers.patch(f"{shared.url}/members/{heir}", json={"role": "owner"})
    await leave(shared, Role.OWNER)
    (home,) = await listed(hers)
    assert (home["role"], home["timeZone"], home["name"]) == ("owner", "Asia/Tokyo", "Ada")
    assert home["id"] not in (founder, heir)
    assert await names(hers) == []
    await added(hers, name="New milk")
    assert await names(hers) == ["New milk"]
    assert await names(shared.clients[Role.EDITOR]) == ["Milk"]
    (member,) = (await hers.get(f"/api/households/{home['id']}/members")).json()["items"]
    assert member["userId"] == founder
    me = (await hers.get("/api/me")).json()
    assert me["id"] == founder
    assert (await hers.request("DELETE", "/api/me", json={})).status_code == HTTPStatus.NO_CONTENT
    assert await names(shared.clients[Role.EDITOR]) == ["Milk"], "the household lives on"
    await send_now(rest)
    left = await rest.database.read(
        lambda c: c.exec_driver_sql("SELECT id, vacant FROM users").all()
    )
    assert {(id_, bool(vacant)) for id_, vacant in left} == {(founder, True), (heir, False)}


async def test_the_unread_notifications_about_a_household_are_read_when_a_member_is_removed(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    his = shared.clients[Role.EDITOR]
    milk = await added(his, quantity="2")
    await his.post(f"/api/products/{milk['id']}/consume", json={"quantity": "1"})
    await rest.database.write(lambda t: note_household(t, milk["id"], shared.id))
    await his.post("/api/notifications", json={"message": "his own"})
    assert set(await messages(his, unread="true")) >= {"his own"}
    assert len(await messages(his, unread="true")) >= 2
    removed = await shared.owner.delete(f"{shared.url}/members/{shared.users[Role.EDITOR].id}")
    assert removed.status_code == HTTPStatus.NO_CONTENT
    assert await messages(his, unread="true") == ["his own"]
    await send_now(rest)
    assert await messages(his, unread="true") == ["his own"]


def note_household(transaction: Transaction, product_id: str, household_id: str) -> None:
    """Store the household of a product's notifications, as if they were alerts."""
    table = schema.notifications
    its = table.c.product_id == product_id
    transaction.connection.execute(sa.update(table).where(its).values(household_id=household_id))


async def test_a_deleted_household_is_gone_for_all_and_its_founder_has_an_empty_one(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.emptying.SLICE", 4)
    shared = await a_household(rest, Role.VIEWER)
    hers = shared.owner
    for number in range(5):
        await added(hers, externalId=f"m{number}")
    assert (await hers.delete(shared.url)).status_code == HTTPStatus.NO_CONTENT
    viewer = shared.clients[Role.VIEWER]
    assert (await viewer.get("/api/products")).status_code == HTTPStatus.NOT_FOUND
    del viewer.headers[HEADER]
    assert len(await listed(viewer)) == 1
    assert [(each["id"], each["role"]) for each in await listed(hers)] == [(shared.id, "owner")]
    assert await names(hers) == []
    await added(hers, externalId="m1")
    await send_now(rest)
    assert await names(hers) == ["Organic Milk"]
    assert not await rest.database.read(slices.are_waiting)


async def test_a_calendar_ends_when_the_member_who_made_it_leaves(rest: Rest) -> None:
    shared = await a_household(rest, Role.VIEWER)
    await added(shared.owner, name="Shared milk")
    viewer = shared.clients[Role.VIEWER]
    of_viewer = (await viewer.post("/api/calendars")).json()["url"]
    of_owner = (await shared.owner.post("/api/calendars")).json()["url"]
    for client in (viewer, shared.owner):
        assert len((await client.get("/api/calendars")).json()["items"]) == 1
    anybody = rest.client()
    assert "Shared milk" in (await anybody.get(of_viewer)).text
    await leave(shared, Role.VIEWER)
    assert (await anybody.get(of_viewer)).status_code == HTTPStatus.NOT_FOUND
    assert "Shared milk" in (await anybody.get(of_owner)).text


async def test_an_account_that_is_deleted_leaves_its_households_and_their_stock(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    await added(shared.clients[Role.EDITOR], name="Gift")
    gone = await shared.clients[Role.EDITOR].request("DELETE", "/api/me", json={})
    assert gone.status_code == HTTPStatus.NO_CONTENT
    assert await names(shared.owner) == ["Gift"]
    (movement,) = (await shared.owner.get("/api/movements")).json()["items"]
    assert movement["byUser"] is None
    (only,) = (await shared.owner.get(f"{shared.url}/members")).json()["items"]
    assert only["userId"] == shared.id
