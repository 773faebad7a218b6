"""Section 9: the households of an account, and what members do in them.

covers: useby.actions.households, useby.actions.reports
covers: useby.api.households, useby.schemas.households, useby.store.households
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.policies_over_rest import lot_of, put, times_of
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import (
    HEADER,
    a_household,
    give_away,
    join,
    leave,
    listed,
    names,
)

from useby.actions.exports import export
from useby.domain.household import Role, UnknownHousehold
from useby.exports.writing import ExportFormat
from useby.store import households


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


async def test_a_members_own_policies_of_products_and_lots_are_in_their_export(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    milk = await added(hers, name="Milk", expiryDate="2027-01-01", leadDays=[5])
    tea = await added(hers, name="Tea", expiryDate="2027-01-01")
    lot = await lot_of(hers, tea)
    for client, lead in ((hers, "15%"), (his, "3d")):
        await put(client, f"product/{milk['id']}", leads=[lead], onExpiry=False)
        await put(client, f"lot/{lot}", leads=[lead])
    file = await his.get("/api/export")
    products = {each["name"]: each for each in file.json()["products"]}
    assert products["Milk"]["leadDays"] == [5]
    assert products["Milk"]["policy"] == {"leads": ["3d"], "onExpiry": False}
    assert products["Tea"]["lots"][0]["policy"] == {"leads": ["3d"]}
    table = (await his.get("/api/export", params={"format": "csv"})).text
    assert ",3," not in table, "as leads of a table, they would count for all who import it"

    async def leads(client: httpx.AsyncClient) -> dict[str, list[str]]:
        items = (await client.get("/api/products")).json()["items"]
        return {each["name"]: [lead for lead, _ in await times_of(client, each)] for each in items}

    own = {"Milk": ["3d"], "Tea": ["3d", "expiry"]}
    _, eve = await rest.person()
    other = await a_household(rest, Role.EDITOR)
    for client in (eve, other.clients[Role.EDITOR]):
        imported = await client.post("/api/import", content=file.content)
        assert imported.status_code == HTTPStatus.OK, imported.text
        assert await leads(client) == own
        assert (await client.get("/api/export")).content == file.content
    assert await leads(other.owner) == {
        "Milk": ["5d", "expiry"],
        "Tea": ["7d", "2d", "0d", "expiry"],
    }


async def test_an_export_ends_when_the_member_who_reads_it_is_removed(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader may take hours over a large file."""
    monkeypatch.setattr("useby.store.exports.MOST_MOVEMENTS", 1)
    shared = await a_household(rest, Role.VIEWER)
    for name in ("Milk", "Tea"):
        await added(shared.owner, name=name)
    viewer = shared.users[Role.VIEWER]
    stock = await rest.database.read(lambda c: households.stock_owner(c, shared.id, viewer.id))
    assert stock is not None
    file = export(rest.database, stock, ExportFormat.JSON)
    assert b"Milk" in await anext(file)
    await leave(shared, Role.VIEWER)
    with pytest.raises(UnknownHousehold):
        await anext(file)


async def test_a_members_calendar_follows_their_own_policies_and_then_the_households_default(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    milk = await added(hers, expiryDate="2027-01-01")
    lot = await lot_of(hers, milk)
    urls = [(await client.post("/api/calendars")).json()["url"] for client in (hers, his)]

    async def alarms() -> list[int]:
        return [(await rest.client().get(url)).text.count("BEGIN:VALARM") for url in urls]

    assert await alarms() == [3, 3]
    await put(hers, "household", leads=["9d", "8d", "7d", "6d"])
    assert await alarms() == [4, 4]
    await put(his, f"product/{milk['id']}", leads=["3d", "2d"])
    assert await alarms() == [4, 2]
    await put(his, f"lot/{lot}", leads=["5d"])
    assert await alarms() == [4, 1]


async def test_an_alert_of_any_member_counts_as_one_after_which_something_was_taken(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    editor = shared.clients[Role.EDITOR]
    await put(shared.owner, "account", muted=True)

    async def taken_after_alert() -> list[int]:
        milk = await added(editor, expiryDate="2026-03-04")
        rest.now += timedelta(minutes=1)
        await send_now(rest)
        assert await messages(shared.owner, event="expiring") == []
        rest.now += timedelta(minutes=1)
        answer = await editor.post(f"/api/products/{milk['id']}/consume")
        assert answer.status_code == HTTPStatus.OK
        groups = (await editor.get("/api/stats?by=month")).json()["groups"]
        return [each["takenAfterAlert"] for each in groups]

    assert await taken_after_alert() == [1]
    await give_away(shared)
    assert await taken_after_alert() == [2]


async def test_an_undo_is_recorded_under_the_one_who_undoes(rest: Rest) -> None:
    shared = await a_household(rest, Role.KIOSK)
    milk = await added(shared.owner, quantity="3")
    kiosk = shared.clients[Role.KIOSK]
    taken = await kiosk.post(f"/api/products/{milk['id']}/consume", json={"quantity": "1"})
    assert taken.status_code == HTTPStatus.OK
    (consumed, _) = (await kiosk.get("/api/movements")).json()["items"]
    assert (consumed["kind"], consumed["byUser"]) == ("consumed", shared.users[Role.KIOSK].id)
    undone = await shared.owner.post(f"/api/movements/{consumed['id']}/undo")
    assert undone.status_code == HTTPStatus.OK
    (newest, *_) = (await kiosk.get("/api/movements")).json()["items"]
    assert (newest["kind"], newest["byUser"]) == ("undone", shared.id)


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Statements that are sent to the database."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def test_an_account_that_shares_nothing_sends_no_statement_about_households(
    rest: Rest, statements: list[str]
) -> None:
    _, ada = await rest.person()
    statements.clear()
    milk = await added(ada, quantity="3")
    await ada.get("/api/products")
    await ada.get(f"/api/products/{milk['id']}?include=lots")
    await ada.post(f"/api/products/{milk['id']}/consume", json={"quantity": "1"})
    await ada.post("/api/notifications", json={"message": "Tea is ready"})
    await ada.get("/api/notifications")
    assert (await ada.post("/api/notifications/read-all")).json() == {"marked": 2}
    await ada.post("/api/import", content=b"name,expiryDate\nTea,2027-01-01\n")
    await ada.post("/api/ws/ticket")
    tables = re.compile(
        r"\b(households|members|member_alerts|member_policies|shared_reads)\b|household_id IS NOT"
    )
    assert len(statements) > 20
    assert [each for each in statements if tables.search(each)] == []
