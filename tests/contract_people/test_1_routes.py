"""Section 1: the routes of policies, short forms, and what a change does.

covers: useby.actions.policies, useby.api.policies, useby.schemas.policies, useby.store.policies
"""

from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.alert_times import pass_until, send_now
from tests.support.databases import on_sqlite
from tests.support.policies_over_rest import NEVER, alerts_of, lot_of, put
from tests.support.rest_app import Rest, added, messages

from useby.store import slices
from useby.store.schema import products


@pytest.fixture
async def ada(rest: Rest) -> httpx.AsyncClient:
    """A client of somebody in Berlin, at noon of 2 March 2026."""
    _, client = await rest.person()
    return client


async def test_lead_days_stay_the_short_form_of_leads(ada: httpx.AsyncClient) -> None:
    milk = await added(ada, expiryDate="2026-05-01", category="Dairy")
    product, me = f"/api/products/{milk['id']}", "/api/me"
    await put(ada, "account", leads=["9d", "24h"], alertTime="08:00")
    await put(ada, "category/Dairy", leads=["8d", "1%"])
    await put(ada, f"product/{milk['id']}", leads=["5d", "30h"])
    account = (await ada.get(me)).json()
    assert (account["leadDays"], account["alertTime"]) == ([9], "08:00")
    assert account["categories"] == {"dairy": {"leadDays": [8], "alertTime": "08:00"}}
    assert (await ada.get(product)).json()["leadDays"] == [5]
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["5d", "30h", "expiry"]
    # The short form that is written later counts.
    await ada.patch(product, json={"leadDays": [4]})
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["4d", "expiry"]
    await ada.patch(product, json={"leadDays": None})
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["8d", "1%", "expiry"]
    await ada.patch(me, json={"categories": {"dairy": {"leadDays": [3]}}})
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["3d", "expiry"]
    await ada.patch(me, json={"categories": {}})
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["9d", "24h", "expiry"]
    await ada.patch(me, json={"leadDays": [1]})
    assert [each["lead"] for each in await alerts_of(ada, milk)] == ["1d", "expiry"]


async def test_the_callers_policies_are_all_listed_by_page(ada: httpx.AsyncClient) -> None:
    milk = await added(ada, leadDays=[3], category="Dairy")
    tea = await added(ada, externalId="tea")
    lot = await lot_of(ada, tea)
    await ada.patch("/api/me", json={"categories": {"dairy": {"leadDays": [1]}}, "leadDays": [4]})
    repeat = {"every": "P2W", "most": 0}
    await put(ada, f"lot/{lot}", repeat=repeat)
    await put(ada, f"product/{tea['id']}", muted="2026-12-24T18:00:00+01:00")
    await put(ada, "dateKind/use_by", alertTime="07:30")
    await put(ada, "location/Fridge%2Ftop", onExpiry=False)
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await ada.get("/api/policies", params={"limit": "2"} | cursor)).json()
        items += page["items"]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    nothing = dict.fromkeys(["leads", "alertTime", "onExpiry", "repeat", "muted"])
    assert items == [
        {"scope": "account", "key": None} | nothing | {"leads": ["4d"]},
        {"scope": "dateKind", "key": "use_by"} | nothing | {"alertTime": "07:30"},
        {"scope": "location", "key": "Fridge/top"} | nothing | {"onExpiry": False},
        {"scope": "category", "key": "dairy"} | nothing | {"leads": ["1d"], "alertTime": "09:00"},
        {"scope": "product", "key": milk["id"]} | nothing | {"leads": ["3d"]},
        {"scope": "product", "key": tea["id"]} | nothing | {"muted": "2026-12-24T17:00:00Z"},
        {"scope": "lot", "key": lot} | nothing | {"repeat": repeat},
    ]
    assert (await ada.get("/api/policies", params={"limit": 500})).json()["items"] == items


async def test_a_policy_that_is_put_replaces_the_one_before(ada: httpx.AsyncClient) -> None:
    await put(ada, "account", leads=["3d"], onExpiry=False)
    answer = await put(ada, "account", alertTime="10:00")
    assert answer == {
        "scope": "account",
        "key": None,
        "leads": None,
        "alertTime": "10:00",
        "onExpiry": None,
        "repeat": None,
        "muted": None,
    }
    assert (await ada.get("/api/policies")).json()["items"] == [answer]
    assert (await ada.get("/api/me")).json()["leadDays"] == [7, 2, 0]


async def test_a_change_sends_nothing_twice(rest: Rest, ada: httpx.AsyncClient) -> None:
    milk = await added(ada, expiryDate="2026-03-04")
    await pass_until(rest, "2026-03-02T13:00:00Z")
    assert await messages(ada) == ["Organic Milk expires in 2 days"]
    for fields in ({"leads": ["2d", "48h"]}, {"leads": ["30d"]}, {"alertTime": "23:00"}, {}):
        for policy in ("account", f"product/{milk['id']}", f"lot/{await lot_of(ada, milk)}"):
            await put(ada, policy, **fields)
            await send_now(rest)
    assert await messages(ada) == ["Organic Milk expires in 2 days"]


async def test_a_change_reschedules_what_is_pending_in_slices(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    items = [
        {"name": f"Milk {number}", "expiryDate": "2026-05-01"}
        for number in range(slices.RESCHEDULED + 1)
    ]
    await ada.post("/api/products/batch", json={"items": items})

    async def due() -> int:
        return await rest.database.read(
            lambda c: len(c.execute(products.select().where(products.c.alert_at <= rest.now)).all())
        )

    await put(ada, "account", leads=["20d"])
    assert await due() == 0, "the request itself schedules nothing"
    assert await rest.database.write(lambda t: slices.do_slice(t, rest.now))
    assert await due() == slices.RESCHEDULED
    await pass_until(rest, "2026-04-11T12:00:00Z")
    (summary, _) = await messages(ada)
    assert summary.startswith(f"{len(items)} products need attention: Milk 0 expires in 20 days")


async def test_a_policy_that_stays_the_same_reschedules_nothing(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await put(ada, "account", leads=["20d"])
    await send_now(rest)
    await put(ada, "account", leads=["20d"])
    assert not await rest.database.read(slices.are_waiting)


async def test_a_closed_lot_may_have_a_policy_and_a_split_keeps_it(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, expiryDate="2026-03-20", quantity="2")
    lot = await lot_of(ada, milk)
    await put(ada, f"lot/{lot}", **NEVER)
    await ada.post(f"/api/lots/{lot}/open", json={"quantity": "1"})
    assert await alerts_of(ada, milk) == []
    await ada.post(f"/api/lots/{lot}/consume", json={})
    await put(ada, f"lot/{lot}", leads=["1d"])
    await pass_until(rest, "2026-05-01T12:00:00Z")
    assert [each for each in await messages(ada) if "expire" in each] == []


BAD_POLICIES: list[tuple[Any, str]] = [
    ({"leads": ["7 days"]}, 'days, hours or per cent, e.g. ["7d", "24h", "15%"]'),
    ({"leads": "7d"}, "must be a list of at most 16 leads"),
    ({"leads": [7]}, "must be a list of at most 16 leads"),
    ({"leads": ["0h"]}, "must be a list of at most 16 leads"),
    ({"leads": ["100%"]}, "must be a list of at most 16 leads"),
    ({"leads": ["3651d"]}, "must be a list of at most 16 leads"),
    ({"leads": ["٧d"]}, "must be a list of at most 16 leads"),
    ({"leads": [f"{each}d" for each in range(17)]}, "must be a list of at most 16 leads"),
    ({"alertTime": "9"}, "must be a time of day as HH:MM, e.g. 09:00"),
    ({"onExpiry": "yes"}, "must be true or false"),
    ({"onExpiry": 1}, "must be true or false"),
    ({"repeat": {"every": "PT8H", "most": 1}}, "in whole days or weeks, e.g. P3D"),
    ({"repeat": {"every": "P0D", "most": 1}}, "in whole days or weeks, e.g. P3D"),
    ({"repeat": {"every": "P366D", "most": 1}}, "in whole days or weeks, e.g. P3D"),
    ({"repeat": {"every": 3, "most": 1}}, "in whole days or weeks, e.g. P3D"),
    ({"repeat": {"every": "P3D", "most": 101}}, "a whole number from 0 to 100, e.g. 4"),
    ({"repeat": {"every": "P3D", "most": -1}}, "a whole number from 0 to 100, e.g. 4"),
    ({"repeat": {"every": "P3D", "most": True}}, "a whole number from 0 to 100, e.g. 4"),
    ({"repeat": {"every": "P3D"}}, "is missing"),
    ({"repeat": "daily"}, "must be an object"),
    ({"muted": "true"}, "must be true, false or a date-time with its offset, e.g. 2099"),
    ({"muted": 1}, "must be true, false or a date-time with its offset, e.g. 2099"),
    ({"muted": "2026-12-24"}, "must be true, false or a date-time with its offset"),
    ({"muted": "2026-12-24T18:00:00"}, "must be true, false or a date-time with its offset"),
    ({"lead": ["7d"]}, "is not a field of this request"),
    ([], "must be an object"),
    ("\0", "must be an object"),
]
"""Bodies, each with a part of the message."""


@on_sqlite
async def test_a_bad_policy_is_refused_in_our_words_with_an_example(
    ada: httpx.AsyncClient,
) -> None:
    for body, message in BAD_POLICIES:
        answer = await ada.put("/api/policies/account", json=body)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, body
        assert message in answer.json()["detail"], answer.text
    assert (await ada.get("/api/policies")).json()["items"] == []


@on_sqlite
@pytest.mark.parametrize(
    ("policy", "status"),
    [
        ("dateKind/whenever", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("category/%20", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("category/%00", HTTPStatus.UNPROCESSABLE_ENTITY),
        (f"location/{'x' * 101}", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("planet/earth", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("product/1", HTTPStatus.NOT_FOUND),
        ("lot/1", HTTPStatus.NOT_FOUND),
        ("household/1", HTTPStatus.UNPROCESSABLE_ENTITY),
    ],
)
async def test_a_bad_scope_or_key_is_refused(
    ada: httpx.AsyncClient, policy: str, status: HTTPStatus
) -> None:
    assert (await ada.put(f"/api/policies/{policy}", json={})).status_code == status
    assert (await ada.delete(f"/api/policies/{policy}")).status_code == status


async def test_the_list_may_be_limited_to_a_scope_and_a_key(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await added(ada, category="Dairy")
    lot = await lot_of(ada, milk)
    subjects = {
        "lot": lot,
        "product": milk["id"],
        "category": "dairy",
        "location": "Dairy",
        "account": None,
    }
    for scope, key in subjects.items():
        await put(ada, scope if key is None else f"{scope}/{key}", leads=["3d"])

    async def found(client: httpx.AsyncClient, **query: str) -> list[tuple[str, str | None]]:
        answer = await client.get("/api/policies", params=query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return [(each["scope"], each["key"]) for each in answer.json()["items"]]

    for scope, key in subjects.items():
        assert await found(ada, scope=scope) == [(scope, key)]
        if key is not None:
            assert await found(ada, scope=scope, key=key) == [(scope, key)]
            assert await found(ada, scope=scope, key="another") == []
    assert await found(ada, scope="category", key="DAIRY") == [("category", "dairy")]
    _, bob = await rest.person()
    assert await found(bob, scope="product", key=milk["id"]) == []
    refused = await ada.get("/api/policies", params={"scope": "shelf"})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_a_list_refuses_the_cursor_of_another_list(ada: httpx.AsyncClient) -> None:
    answer = await ada.get("/api/policies", params={"cursor": "W10"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_an_account_has_policies_for_at_most_100_names_of_a_scope(
    ada: httpx.AsyncClient,
) -> None:
    for number in range(100):
        await put(ada, f"location/{number}", onExpiry=False)
    answer = await ada.put("/api/policies/location/100", json={"onExpiry": False})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Delete one first" in answer.json()["detail"]
    await put(ada, "location/7", onExpiry=True)
    await ada.delete("/api/policies/location/7")
    await put(ada, "location/100", onExpiry=False)


async def test_policies_are_each_users_own(rest: Rest, ada: httpx.AsyncClient) -> None:
    _, bob = await rest.person()
    theirs = {client: await added(client, expiryDate="2026-05-01") for client in (ada, bob)}
    for policy in ("account", "dateKind/best_before", "location/Fridge", "category/dairy"):
        await put(ada, policy, **NEVER)
    assert await alerts_of(ada, theirs[ada]) == []
    assert len(await alerts_of(bob, theirs[bob])) == 4
    assert (await bob.get("/api/policies")).json()["items"] == []
