"""Section 9: the households of an account, and what members do in them.

covers: useby.actions.households, useby.actions.reports
covers: useby.api.households, useby.schemas.households, useby.store.households
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import (
    HEADER,
    a_household,
    join,
    listed,
    names,
)

from useby.domain.household import Role


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
