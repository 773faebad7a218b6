"""Section 9: households, their members and invitations, as a caller of REST sees them.

covers: useby.actions.households, useby.actions.memberships, useby.actions.reports
covers: useby.api.households, useby.api.household_invitations, useby.schemas.households
covers: useby.store.households, useby.store.household_invitations, useby.store.emptying
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import HEADER, a_household, invited, join, leave

from useby.actions import households as actions
from useby.domain import household as rules
from useby.domain.household import Role
from useby.store import schema, slices
from useby.store.database import Transaction

REFUSED_LAST_OWNER = (
    "A household must keep an owner: make another member an owner first, or delete the household."
)


async def names(client: httpx.AsyncClient, **named: str) -> list[str]:
    """Names of the products that a client sees."""
    answer = await client.get("/api/products", headers=named)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def listed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The households of a client's person."""
    answer = await client.get("/api/households")
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["nextCursor"] is None
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_every_account_owns_one_from_the_start_with_the_accounts_id(rest: Rest) -> None:
    ada, hers = await rest.person(name="Ada", time_zone="Asia/Tokyo", currency="EUR")
    own = {
        "id": ada.id,
        "name": "Ada",
        "role": "owner",
        "timeZone": "Asia/Tokyo",
        "currency": "EUR",
        "readSettlesAll": False,
    }
    assert await listed(hers) == [own]
    assert (await hers.get(f"/api/households/{ada.id}")).json() == own
    (member,) = (await hers.get(f"/api/households/{ada.id}/members")).json()["items"]
    assert (member["userId"], member["role"], member["name"]) == (ada.id, "owner", "Ada")
    assert (await hers.get("/api/products", headers={HEADER: ada.id})).status_code == HTTPStatus.OK


async def test_name_zone_currency_and_reads_settle_all_are_changed_and_the_account_is_not(
    rest: Rest,
) -> None:
    ada, hers = await rest.person(time_zone="Europe/Berlin")
    change = {"name": "Kitchen", "timeZone": "Asia/Tokyo", "currency": "JPY"}
    answer = await hers.patch(f"/api/households/{ada.id}", json=change | {"readSettlesAll": True})
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json() == {"id": ada.id, "role": "owner", "readSettlesAll": True} | change
    assert await listed(hers) == [answer.json()]
    me = (await hers.get("/api/me")).json()
    assert (me["timeZone"], me["currency"]) == ("Europe/Berlin", None)
    assert (await hers.get("/api/stats")).json()["currency"] == "JPY"
    moved = (await hers.patch(f"/api/households/{ada.id}", json={"name": "Home"})).json()
    assert moved == answer.json() | {"name": "Home"}


async def test_the_zone_is_at_first_its_founders_and_stays_once_somebody_shares_it(
    rest: Rest,
) -> None:
    ada, hers = await rest.person(time_zone="Europe/Berlin")
    await hers.patch("/api/me", json={"timeZone": "Asia/Tokyo"})
    assert (await listed(hers))[0]["timeZone"] == "Asia/Tokyo"
    _, his = await rest.person()
    await join(hers, ada.id, his, "editor")
    await hers.patch("/api/me", json={"timeZone": "America/Lima"})
    assert (await listed(hers))[0]["timeZone"] == "Asia/Tokyo"


async def test_requests_act_on_ones_own_household_unless_header_or_parameter_names_another(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    his = shared.clients[Role.EDITOR]
    await added(shared.owner, name="Her milk")
    assert await names(his) == ["Her milk"]
    await added(his, name="His gift")
    del his.headers[HEADER]
    await added(his, name="His own")
    assert await names(his) == ["His own"]
    by_parameter = await his.get("/api/products", params={"household": shared.id})
    assert {each["name"] for each in by_parameter.json()["items"]} == {"Her milk", "His gift"}
    assert set(await names(shared.owner)) == {"Her milk", "His gift"}
    two = await his.get(
        "/api/products",
        params={"household": shared.id},
        headers={HEADER: shared.users[Role.EDITOR].id},
    )
    assert two.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "send one of them" in two.json()["detail"]
    assert [each["role"] for each in await listed(his)] == ["owner", "editor"]


async def test_an_idempotency_key_of_one_household_is_not_that_of_another(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    his = shared.clients[Role.EDITOR]
    milk = {"name": "Milk", "expiryDate": "2026-05-01"}
    key = {"Idempotency-Key": "once"}
    first = await his.post("/api/products", json=milk, headers=key)
    again = await his.post("/api/products", json=milk, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    del his.headers[HEADER]
    other = await his.post("/api/products", json=milk, headers=key)
    assert other.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert await names(shared.owner) == ["Milk"]


async def test_an_invitation_has_a_role_works_once_and_shows_name_and_role_without_sign_in(
    rest: Rest,
) -> None:
    ada, hers = await rest.person(name="Ada")
    await hers.patch(f"/api/households/{ada.id}", json={"name": "Our kitchen"})
    invitation = await invited(hers, ada.id, "kiosk")
    assert set(invitation) == {
        *("id", "token", "url", "role", "createdBy", "createdAt", "expiresAt")
    }
    assert invitation["url"] == f"http://useby.test/#/invite/{invitation['token']}"
    assert invitation["expiresAt"] == "2026-03-09T12:00:00Z", "7 days later"
    (in_list,) = (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"]
    assert in_list == {k: v for k, v in invitation.items() if k not in ("token", "url")}
    opened = await rest.client().get(f"/api/invitations/{invitation['token']}")
    assert opened.json() == {
        "household": "Our kitchen",
        "role": "kiosk",
        "expiresAt": invitation["expiresAt"],
    }
    bob, his = await rest.person(name="Bob")
    joined = await his.post(f"/api/invitations/{invitation['token']}/accept")
    assert (joined.status_code, joined.json()["role"]) == (HTTPStatus.OK, "kiosk")
    assert joined.json() in await listed(his)
    people = (await hers.get(f"/api/households/{ada.id}/members")).json()["items"]
    assert [(each["userId"], each["role"]) for each in people] == [
        (ada.id, "owner"),
        (bob.id, "kiosk"),
    ]
    assert people[1]["email"] == bob.email
    seen_by_kiosk = (await his.get(f"/api/households/{ada.id}/members")).json()["items"]
    assert [each["email"] for each in seen_by_kiosk] == [None, bob.email]
    _, third = await rest.person()
    for answer in (
        await third.post(f"/api/invitations/{invitation['token']}/accept"),
        await rest.client().get(f"/api/invitations/{invitation['token']}"),
    ):
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.json()["detail"] == "There is no such invitation."
    assert (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"] == []


async def test_an_invitation_ends_after_7_days_or_when_an_owner_revokes_it(rest: Rest) -> None:
    ada, hers = await rest.person()
    _, his = await rest.person()
    old, revoked = [await invited(hers, ada.id, "editor") for _ in range(2)]
    url = f"/api/households/{ada.id}/invitations/{revoked['id']}"
    assert (await hers.delete(url)).status_code == HTTPStatus.NO_CONTENT
    assert (await hers.delete(url)).status_code == HTTPStatus.NOT_FOUND
    accept = "/api/invitations/{}/accept"
    assert (await his.post(accept.format(revoked["token"]))).status_code == HTTPStatus.NOT_FOUND
    rest.now += timedelta(days=7)
    assert (await his.post(accept.format(old["token"]))).status_code == HTTPStatus.NOT_FOUND
    assert (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"] == []


async def test_a_member_cannot_accept_another_invitation_and_it_stays_for_somebody_else(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.VIEWER)
    invitation = await invited(shared.owner, shared.id, "owner")
    accept = f"/api/invitations/{invitation['token']}/accept"
    for client in shared.clients.values():
        answer = await client.post(accept)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert "member of this household already" in answer.json()["detail"]
    _, other = await rest.person()
    assert (await other.post(accept)).json()["role"] == "owner"


async def test_guessed_tokens_of_one_network_are_limited(rest: Rest) -> None:
    client = rest.client()
    tried = [(await client.get(f"/api/invitations/{n:043}")).status_code for n in range(12)]
    assert tried[:9] == [HTTPStatus.NOT_FOUND] * 9
    assert tried[-1] == HTTPStatus.TOO_MANY_REQUESTS


async def test_only_an_owner_governs_a_household(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.KIOSK, Role.VIEWER)
    founder, own = shared.users[Role.OWNER].id, await listed(shared.owner)
    invitation = await invited(shared.owner, shared.id, "viewer")
    for role in (Role.EDITOR, Role.KIOSK, Role.VIEWER):
        client = shared.clients[role]
        for method, path, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/invitations", {"role": "owner"}),
            ("GET", "/invitations", None),
            ("DELETE", f"/invitations/{invitation['id']}", None),
            ("PATCH", f"/members/{shared.users[role].id}", {"role": "owner"}),
            ("DELETE", f"/members/{founder}", None),
        ):
            answer = await client.request(method, shared.url + path, json=body)
            assert answer.status_code == HTTPStatus.FORBIDDEN, (role, method, path)
            assert f"Your role in this household is {role.value}," in answer.json()["detail"]
        assert (await client.get(shared.url)).json()["role"] == role.value
    assert await listed(shared.owner) == own


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


async def test_who_has_left_their_own_household_acts_on_the_oldest_they_are_a_member_of(
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


async def test_who_has_left_their_only_household_gets_a_new_empty_one(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR, time_zone="Asia/Tokyo")
    hers, founder = shared.owner, shared.users[Role.OWNER].id
    await added(hers, name="Milk")
    heir = shared.users[Role.EDITOR].id
    await hers.patch(f"{shared.url}/members/{heir}", json={"role": "owner"})
    await leave(shared, Role.OWNER)
    (home,) = await listed(hers)
    assert (home["role"], home["timeZone"]) == ("owner", "Asia/Tokyo")
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


async def test_a_household_has_at_most_50_members(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rules.MOST_MEMBERS == 50
    monkeypatch.setattr(actions, "MOST_MEMBERS", 2)
    shared = await a_household(rest, Role.EDITOR)
    _, third = await rest.person()
    invitation = await invited(shared.owner, shared.id, "viewer")
    answer = await third.post(f"/api/invitations/{invitation['token']}/accept")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["detail"] == "The household has 50 members, and there cannot be more."
    await leave(shared, Role.EDITOR)
    again = await third.post(f"/api/invitations/{invitation['token']}/accept")
    assert again.status_code == HTTPStatus.OK


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


async def test_the_report_of_an_action_goes_to_the_member_who_acted(rest: Rest) -> None:
    shared = await a_household(rest, Role.KIOSK)
    milk = await added(shared.owner, quantity="2", expiryDate="2027-01-01")
    kiosk = shared.clients[Role.KIOSK]
    await kiosk.post(f"/api/products/{milk['id']}/consume", json={"quantity": "1"})
    assert any("Organic Milk" in each for each in await messages(kiosk))
    assert not any("Organic Milk" in each for each in await messages(shared.owner))


async def test_a_kiosk_undoes_what_it_did_the_same_day(rest: Rest) -> None:
    shared = await a_household(rest, Role.KIOSK)
    kiosk, hers = shared.clients[Role.KIOSK], shared.owner
    milk = await added(hers, quantity="3", expiryDate="2027-01-01")
    take = f"/api/products/{milk['id']}/consume"
    own, of_owner, old = [
        (await client.post(take, json={"quantity": "1"})).json()["movements"][0]
        for client in (kiosk, hers, kiosk)
    ]
    assert own["byUser"] == shared.users[Role.KIOSK].id
    undo = "/api/movements/{}/undo"
    rest.now += timedelta(days=1)
    late = await kiosk.post(undo.format(old["id"]))
    assert late.status_code == HTTPStatus.FORBIDDEN
    rest.now -= timedelta(days=1)
    assert (await kiosk.post(undo.format(old["id"]))).status_code == HTTPStatus.OK
    foreign = await kiosk.post(undo.format(of_owner["id"]))
    assert foreign.status_code == HTTPStatus.FORBIDDEN
    assert "undo what somebody else did" in foreign.json()["detail"]
    assert (await hers.post(undo.format(of_owner["id"]))).status_code == HTTPStatus.OK
    assert (await kiosk.post(undo.format(own["id"]))).status_code == HTTPStatus.OK


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


async def test_a_members_export_and_calendar_have_no_policies_of_others(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    milk = await added(hers, category="Dairy", expiryDate="2027-01-01")
    for policy in (f"product/{milk['id']}", "category/Dairy", "account"):
        answer = await hers.put(f"/api/policies/{policy}", json={"leads": ["15%"]})
        assert answer.status_code == HTTPStatus.OK
    await his.put("/api/policies/account", json={"leads": ["9d"]})
    exported = (await his.get("/api/export")).json()
    assert [each["leads"] for each in exported["policies"]] == [["9d"]]
    assert "policy" not in exported["products"][0]
    assert len((await hers.get("/api/export")).json()["policies"]) == 2
    calendars = [(await client.post("/api/calendars")).json()["url"] for client in (hers, his)]
    of_hers, of_his = [(await rest.client().get(url)).text for url in calendars]
    assert of_hers.count("BEGIN:VALARM") == of_his.count("BEGIN:VALARM") == 1
    assert of_hers.split("TRIGGER")[1] != of_his.split("TRIGGER")[1]


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
