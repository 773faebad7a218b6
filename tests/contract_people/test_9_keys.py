"""Section 9 and keys: a key is for the stock of the household that it was made for, and no other.

covers: useby.api.stock_caller
"""

from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from tests.contract_people.test_9_roles import content, ids_in, operations_on_stock, stock_of
from tests.support.api_keys import a_key
from tests.support.rest_app import Rest, added
from tests.support.shared_households import (
    HEADER,
    Shared,
    a_household,
    give_away,
    join,
    leave,
    names,
)

from useby.api.scopes import MAY
from useby.domain.api_key import OWN_SCOPES, KeyScope
from useby.domain.household import Role
from useby.store.schema import api_keys

UNKNOWN: Final = "01a20b6e-0000-7000-8000-000000000000"
OF_STOCK: Final = frozenset(
    name
    for scope in (KeyScope.STOCK_READ, KeyScope.STOCK_WRITE, KeyScope.CALENDAR)
    for name in MAY[scope]
)


def program_of(rest: Rest, key: dict[str, Any], **headers: str) -> httpx.AsyncClient:
    """A client that sends a key."""
    return rest.client(authorization=f"Bearer {key['key']}", **headers)


async def own_of(client: httpx.AsyncClient) -> str:
    """The id of a person, which is that of the household that they founded."""
    found: str = (await client.get("/api/me")).json()["id"]
    return found


async def two_households(rest: Rest) -> tuple[Shared, httpx.AsyncClient]:
    """A household with Milk, and a client of its editor, whose own household has Tea."""
    shared = await a_household(rest, Role.EDITOR)
    bob = shared.clients[Role.EDITOR]
    del bob.headers[HEADER]
    await added(shared.owner, name="Milk", barcode="96385074")
    await added(bob, name="Tea")
    return shared, bob


async def test_a_key_reads_and_changes_the_household_that_it_was_made_for(rest: Rest) -> None:
    shared, bob = await two_households(rest)
    key = await a_key(bob, *OWN_SCOPES, householdId=shared.id)
    assert key["householdId"] == shared.id
    program = program_of(rest, key)
    assert await names(program) == ["Milk"]
    assert await names(program, **{HEADER: shared.id}) == ["Milk"]
    by_query = await program.get("/api/products", params={"household": shared.id})
    assert [each["name"] for each in by_query.json()["items"]] == ["Milk"]
    exported = (await program.get("/api/export")).json()
    assert [each["name"] for each in exported["products"]] == ["Milk"]
    scanned = (await program.post("/api/scan", json={"data": "96385074"})).json()
    assert scanned["product"]["name"] == "Milk"
    await added(program, name="Ham")
    report = await program.post("/api/import", content=b"name,expiryDate\nJam,2027-01-01\n")
    assert report.json()["added"] == 1
    assert sorted(await names(shared.owner)) == ["Ham", "Jam", "Milk"]
    assert await names(bob) == ["Tea"]
    calendar = (await program.post("/api/calendars")).json()
    dates = (await rest.client().get(calendar["url"])).text
    assert "Milk" in dates
    assert "Tea" not in dates
    (listed,) = (await program.get("/api/calendars")).json()["items"]
    assert listed["id"] == calendar["id"]


async def test_a_key_without_a_household_is_for_the_own_one(rest: Rest) -> None:
    shared, bob = await two_households(rest)
    key = await a_key(bob, "stock:write")
    assert key["householdId"] == await own_of(bob)
    (listed,) = (await bob.get("/api/keys")).json()["items"]
    assert listed["householdId"] == key["householdId"]
    program = program_of(rest, key)
    assert await names(program) == ["Tea"]
    assert await names(program, **{HEADER: key["householdId"]}) == ["Tea"]
    refused = await program.get("/api/products", headers={HEADER: shared.id})
    assert refused.status_code == HTTPStatus.NOT_FOUND
    # So is the row of a key of a version that stored no household.
    stored = await rest.database.read(lambda c: c.scalars(sa.select(api_keys.c.household_id)).all())
    assert stored == [None]


@pytest.mark.parametrize("its", ["the shared one", "the own one"])
async def test_any_other_household_is_to_a_key_as_one_that_does_not_exist(
    rest: Rest, its: str
) -> None:
    """Its person is a member of both: a key of the one tries each operation on the other."""
    shared, bob = await two_households(rest)
    own = Shared(await own_of(bob), {Role.OWNER: bob})
    tried, other = (shared, own) if its == "the shared one" else (own, shared)
    program = program_of(rest, await a_key(bob, *OWN_SCOPES, householdId=tried.id))
    document = (await bob.get("/api/openapi.json")).json()
    ids = await ids_in(other, other.owner)
    before = await stock_of(rest, other)
    seen = set()
    for name, method, path in await operations_on_stock(bob):
        if name not in OF_STOCK:
            continue
        seen.add(name)
        sent = content(document, name, method, path)
        url = path.format(**ids)
        answers = [
            await program.request(method, url, headers={HEADER: named}, **sent)
            for named in (other.id, UNKNOWN, "")
        ]
        answers.append(await program.request(method, url, params={"household": other.id}, **sent))
        assert {each.status_code for each in answers} == {HTTPStatus.NOT_FOUND}, name
        assert len({each.content for each in answers}) == 1, name
        if "_id}" in path and "external" not in path:
            unknown = path.format(**dict.fromkeys(ids, UNKNOWN))
            answers = [await program.request(method, each, **sent) for each in (url, unknown)]
            assert {each.status_code for each in answers} == {HTTPStatus.NOT_FOUND}, name
            assert answers[0].content == answers[1].content, name
    assert seen == OF_STOCK
    assert await stock_of(rest, other) == before
    assert len((await other.owner.get("/api/calendars")).json()["items"]) == 1


async def test_a_key_is_made_for_a_household_of_its_person_only(rest: Rest) -> None:
    shared = await a_household(rest)
    _, eve = await rest.person()
    new = {"name": "cron", "scopes": ["stock:read"]}
    answers = [
        await eve.post("/api/keys", json=new | {"householdId": each})
        for each in (shared.id, UNKNOWN, "")
    ]
    assert {each.status_code for each in answers} == {HTTPStatus.NOT_FOUND}
    assert len({each.content for each in answers}) == 1
    for wrong in (7, "x" * 129, "nul\0", ["a"]):
        refused = await eve.post("/api/keys", json=new | {"householdId": wrong})
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert refused.json()["errors"][0]["at"] == "body.householdId"
    assert (await eve.get("/api/keys")).json() == {"items": []}


async def test_a_key_of_a_former_member_is_for_no_stock_until_they_join_again(rest: Rest) -> None:
    shared, bob = await two_households(rest)
    key = await a_key(bob, "stock:write", "notify", householdId=shared.id)
    program = program_of(rest, key)
    assert await names(program) == ["Milk"]
    await leave(shared, Role.EDITOR)
    for headers in ({}, {HEADER: shared.id}, {HEADER: await own_of(bob)}):
        for method, body in (("GET", None), ("POST", {"name": "Ham"})):
            answer = await program.request(method, "/api/products", json=body, headers=headers)
            assert answer.status_code == HTTPStatus.NOT_FOUND, answer.text
    posted = await program.post("/api/notifications", json={"message": "still mine"})
    assert posted.status_code == HTTPStatus.CREATED
    await join(shared.owner, shared.id, bob, "viewer")
    assert await names(program) == ["Milk"]
    refused = await program.post("/api/products", json={"name": "Ham"})
    assert refused.status_code == HTTPStatus.FORBIDDEN


async def test_a_key_of_a_founder_who_left_is_for_no_stock_and_a_new_one_for_the_next_household(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    await added(shared.owner, name="Milk")
    before = await a_key(shared.owner, "stock:read")
    _, eve = await rest.person()
    await added(eve, name="Rice")
    await join(eve, await own_of(eve), shared.owner, "viewer")
    await give_away(shared)
    assert (await program_of(rest, before).get("/api/products")).status_code == HTTPStatus.NOT_FOUND
    after = await a_key(shared.owner, "stock:read")
    assert after["householdId"] == await own_of(eve)
    assert await names(program_of(rest, after)) == ["Rice"]
    listed = (await shared.owner.get("/api/keys")).json()["items"]
    assert [each["householdId"] for each in listed] == [shared.id, await own_of(eve)]
