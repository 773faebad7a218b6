"""Section 9: leaving a household, handing it over, and deleting it or an account.

covers: useby.actions.memberships, useby.store.emptying, useby.store.leaving
"""

from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.household_alerts import notifications, unread
from tests.support.policies_over_rest import lot_of, put
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import (
    HEADER,
    a_household,
    give_away,
    hand_over,
    invited,
    join,
    leave,
    listed,
    names,
    shared_by,
)
from tests.support.stored_products import notifications_of
from uuid_utils import uuid7

from useby.actions import floods, memberships, snoozes
from useby.domain.household import Role
from useby.domain.notification import Cause, Draft, Severity
from useby.store import accounts, pages, schema, slices
from useby.store import notifications as store
from useby.store.database import Connection, Transaction
from useby.store.pages import PageRequest

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


async def snooze(rest: Rest, client: httpx.AsyncClient, notification_id: str) -> None:
    """Snooze a notification, and let the snooze end when nothing else is due or collected."""
    url = f"/api/notifications/{notification_id}/snooze"
    assert (await client.post(url, json={"for": "PT2H"})).status_code == HTTPStatus.OK
    await send_now(rest)
    await rest.database.write(lambda t: floods.release(t, rest.now))
    rest.now += timedelta(hours=2)
    assert await rest.database.write(lambda t: snoozes.send_due(t, rest.now)) == 1


@pytest.mark.parametrize("count", [1, 6], ids=["alert", "summary"])
async def test_a_former_founder_sees_nothing_of_the_stock_by_snoozing_an_old_notification(
    rest: Rest, count: int
) -> None:
    founder, hers = await rest.person()
    for number in range(count):
        await added(hers, name=f"Tin {number}")
    await send_now(rest)
    (old,) = await notifications(hers)
    await give_away(await shared_by(rest, founder, hers, Role.EDITOR))
    await snooze(rest, hers, old["id"])
    assert [each["id"] for each in await notifications(hers)] == [old["id"]]


async def test_a_report_about_a_household_is_not_sent_again_to_its_former_member(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    his = shared.clients[Role.EDITOR]
    await his.post("/api/products/batch", json={"items": [{"name": "Tin"}, {"name": "Jar"}]})
    (report,) = await notifications(his)
    await leave(shared, Role.EDITOR)
    await snooze(rest, his, report["id"])
    assert [each["id"] for each in await notifications(his)] == [report["id"]]
    assert await unread(his) == []


async def test_a_notification_from_before_the_household_was_shared_is_sent_again_as_a_members(
    rest: Rest,
) -> None:
    founder, hers = await rest.person()
    await added(hers, name="Tin")
    await send_now(rest)
    (old,) = await notifications(hers)
    await shared_by(rest, founder, hers, Role.EDITOR)
    await snooze(rest, hers, old["id"])
    *_, again = await notifications_of(rest.database, founder)
    assert (again.message, again.event) == ("Tin expires in 2 days", Cause.SNOOZED)
    assert again.household_id == founder.id


async def test_a_founder_who_leaves_has_read_all_about_the_stock_from_before_it_was_shared(
    rest: Rest,
) -> None:
    founder, hers = await rest.person()
    for number in range(6):
        await added(hers, name=f"Tin {number}")
    await send_now(rest)
    (summary,) = await notifications(hers)
    await snooze(rest, hers, summary["id"])
    kinds = (Cause.ADDED, Cause.CONSUMED, Cause.DISCARDED, Cause.SUMMARY, Cause.DIGEST)
    drafts = [
        Draft(founder.id, each.value, Severity.INFO, each)
        for each in (*kinds, Cause.CUSTOM, Cause.SNOOZED)
    ]
    await rest.database.write(lambda t: store.add(t, drafts, rest.now))
    assert len(await unread(hers)) == len(drafts) + 1
    await give_away(await shared_by(rest, founder, hers, Role.EDITOR))
    assert await unread(hers) == ["snoozed", "custom"], "these are about no stock"


async def test_alerts_collected_before_the_household_was_shared_are_not_sent_to_a_former_founder(
    rest: Rest,
) -> None:
    founder, hers = await rest.person()
    end = rest.now + timedelta(hours=1)
    await rest.database.write(lambda t: floods.begin_hold(t, founder.id, end))
    await added(hers, name="Tin")
    await send_now(rest)
    await give_away(await shared_by(rest, founder, hers, Role.EDITOR))
    await send_now(rest)
    rest.now = end
    assert await rest.database.write(lambda t: floods.release(t, end)) >= 1
    assert await notifications(hers) == []


async def works(rest: Rest, household_id: str) -> set[str]:
    """Kinds of a household's unfinished work."""
    its = schema.unfinished.c.user_id == household_id
    wanted = sa.select(schema.unfinished.c.work).where(its)
    return set(await rest.database.read(lambda c: c.scalars(wanted).all()))


async def test_a_node_without_households_does_not_take_a_founders_deletion_for_that_of_the_stock(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.emptying.SLICE", 4)
    monkeypatch.setattr("useby.store.emptying.COSTS", {})
    shared = await a_household(rest, Role.EDITOR)
    await added(shared.owner, name="Gift")
    for number in range(10):
        await shared.owner.post("/api/notifications", json={"message": str(number)})
    await give_away(shared)
    await send_now(rest)
    assert await works(rest, shared.id) == set()

    def begin(transaction: Transaction) -> bool:
        memberships.end_all(transaction, shared.id, rest.now)
        return slices.delete_user(transaction, shared.id)

    assert not await rest.database.write(begin)
    assert await works(rest, shared.id) == {"vacate"}, "an older version looks for 'delete'"
    assert await rest.database.read(lambda c: accounts.find_users(c, shared.id)) == []
    await send_now(rest)
    assert await works(rest, shared.id) == set()
    assert await names(shared.clients[Role.EDITOR]) == ["Gift"]


async def test_the_deletion_of_a_founders_account_leaves_the_work_and_invitations_of_the_household(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    await added(shared.owner)
    await hand_over(shared)
    heir = shared.clients[Role.EDITOR]
    invitation = await invited(heir, shared.id, "viewer")
    newest = str(uuid7())
    await rest.database.write(lambda t: slices.begin_emptying(t, shared.id, newest, rest.now))
    await shared.owner.patch(shared.url, json={"timeZone": "Asia/Tokyo"})
    gone = await shared.owner.request("DELETE", "/api/me", json={})
    assert gone.status_code == HTTPStatus.NO_CONTENT
    assert await works(rest, shared.id) == {"reschedule", "empty"}
    await send_now(rest)
    assert await works(rest, shared.id) == set()
    assert await names(heir) == [], "its stock is deleted"
    (only,) = (await heir.get(f"{shared.url}/members")).json()["items"]
    assert only["userId"] == shared.users[Role.EDITOR].id
    _, guest = await rest.person()
    joined = await guest.post(f"/api/invitations/{invitation['token']}/accept")
    assert joined.status_code == HTTPStatus.OK


async def test_many_notifications_of_a_former_member_are_read_a_slice_at_a_time(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.leaving.SLICE", 2)
    shared = await a_household(rest, Role.EDITOR)
    his, user_id = shared.clients[Role.EDITOR], shared.users[Role.EDITOR].id
    milk = await added(his, quantity="9")
    for _ in range(7):
        await his.post(f"/api/products/{milk['id']}/consume", json={"quantity": "1"})
    await his.post("/api/notifications", json={"message": "his own"})
    for _ in range(3):
        tea = await added(his)
        await put(his, f"product/{tea['id']}", leads=["3d"])
    await leave(shared, Role.EDITOR)
    assert len(await messages(his, unread="true")) > 2, "the scheduler marks the rest"
    every = PageRequest(user_id, 0, None, 100)
    unread = every._replace(unread_to=1000)
    _, found = await rest.database.read(lambda c: pages.read(c, [every, unread]))
    assert [[row.message for row in page.rows] for page in found] == [["his own"]] * 2
    await send_now(rest)
    assert await messages(his, unread="true") == ["his own"]
    assert not await rest.database.read(slices.are_waiting)
    assert await rest.database.read(policies_beside) == []


def policies_beside(connection: Connection) -> list[str]:
    """The users who have policies beside those of a founder."""
    return list(connection.scalars(sa.select(schema.member_policies.c.user_id)))


async def test_the_status_follows_the_default_of_the_household_after_its_founder_has_left(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    for name in ("Milk", "Tea", "Oil"):
        product = await added(hers, name=name, expiryDate="2026-03-20", category=name)
        if name == "Tea":
            await put(hers, f"product/{product['id']}", leads=["40d"])
        elif name == "Oil":
            await put(hers, f"lot/{await lot_of(hers, product)}", leads=["40d"])
    await put(hers, "account", leads=["30d"])
    await put(hers, "category/Milk", leads=["30d"])
    await send_now(rest)
    assert await expiring(his) == {"Milk", "Tea", "Oil"}
    heir = shared.users[Role.EDITOR].id
    await hers.patch(f"{shared.url}/members/{heir}", json={"role": "owner"})
    await leave(shared, Role.OWNER)
    await send_now(rest)
    assert await expiring(his) == set()
    await put(his, "household", leads=["30d"])
    await send_now(rest)
    assert await expiring(his) == {"Milk", "Tea", "Oil"}


async def expiring(client: httpx.AsyncClient) -> set[str]:
    """Names of the products that expire soon, by the list of them and by each of all."""
    found = (await client.get("/api/products?status=expiring")).json()["items"]
    every = (await client.get("/api/products?include=lots")).json()["items"]
    names = {each["name"] for each in found}
    assert names == {each["name"] for each in every if each["status"] == "expiring"}
    return names
