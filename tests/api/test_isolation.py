"""Two users: whatever one tries on the rows of the other is as if they were not there."""

from typing import Any

import httpx
import pytest
from tests.support.api_keys import a_key
from tests.support.rest_app import Rest

from useby.store.database import Connection

UNKNOWN = "01a20b6e-0000-7000-8000-000000000000"
BODIES: dict[str, Any] = {
    "getProduct": None,
    "listAlerts": None,
    "putProductPolicy": {"muted": True},
    "deleteProductPolicy": None,
    "putLotPolicy": {"muted": True},
    "deleteLotPolicy": None,
    "changeProduct": {"name": "stolen"},
    "deleteProduct": None,
    "consumeProduct": {"quantity": "1"},
    "discardProduct": {},
    "reopenProduct": {},
    "listLots": None,
    "addLot": {},
    "listProductMovements": None,
    "getLot": None,
    "changeLot": {"serial": "stolen"},
    "deleteLot": None,
    "consumeLot": {"quantity": "1"},
    "discardLot": {},
    "openLot": {},
    "freezeLot": {},
    "thawLot": {},
    "moveLot": {"location": "his house"},
    "undoMovement": None,
    "deleteCalendar": None,
    "deleteKey": None,
    "getChannel": None,
    "changeChannel": {"name": "stolen"},
    "deleteChannel": None,
    "testChannel": None,
    "listDeliveries": None,
    "readCalendar": None,
    "markRead": None,
    "listNotificationItems": None,
    "listAlertReasons": None,
    "snoozeNotification": {"for": "PT2H"},
    "deleteNotification": None,
    "endSession": None,
    "getHousehold": None,
    "changeHousehold": {"name": "stolen"},
    "deleteHousehold": None,
    "listMembers": None,
    "getMember": None,
    "changeMember": {"role": "editor"},
    "removeMember": None,
    "addInvitation": {"role": "owner"},
    "listInvitations": None,
    "revokeInvitation": None,
    "readInvitation": None,
    "joinHousehold": None,
}
"""Every operation on one row, and what is sent to it."""
KEYS_OF_THE_CLIENT = {"putProduct", "putPolicy", "deletePolicy", "postToUser"}
"""Operations whose key is the client's own, so that two clients may have the same; and one that a
service key alone may use (``test_services``)."""


def rows_of(connection: Connection, user_id: str) -> list[list[Any]]:
    """All that is a user's, in every table."""
    tables = connection.exec_driver_sql(
        "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND c.name IN ('user_id', 'household_id')"
    ).all()
    found = [
        list(
            map(
                tuple,
                connection.exec_driver_sql(f"SELECT * FROM {name} WHERE {key} = ?", (user_id,)),
            )
        )
        for name, key in tables
    ]
    return [
        *found,
        list(
            map(tuple, connection.exec_driver_sql("SELECT * FROM users WHERE id = ?", (user_id,)))
        ),
    ]


async def operations(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """Every documented operation: its name, method and path."""
    document = (await client.get("/api/openapi.json")).json()
    return [
        (operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_the_rows_of_another_user_are_as_if_they_were_not_there(rest: Rest) -> None:
    alice, hers = await rest.person()
    _, his = await rest.person()
    product = (
        await hers.post("/api/products", json={"name": "Milk", "expiryDate": "2026-03-04"})
    ).json()
    received = (await hers.post("/api/notifications", json={"message": "private"})).json()
    calendar = (await hers.post("/api/calendars")).json()
    key = await a_key(hers, "notify")
    hook = {"kind": "webhook", "name": "Hers", "url": "https://app.example/"}
    channel = (await hers.post("/api/channels", json=hook)).json()
    movement = (await hers.get("/api/movements")).json()["items"][0]
    url = f"/api/households/{alice.id}/invitations"
    invitation = (await hers.post(url, json={"role": "editor"})).json()
    mine = {
        "product_id": product["id"],
        "lot_id": movement["lotId"],
        "movement_id": movement["id"],
        "notification_id": received["id"],
        "calendar_id": calendar["id"],
        "key_id": key["id"],
        "channel_id": channel["id"],
        "secret": calendar["id"],
        "household_id": alice.id,
        "user_id": alice.id,
        "invitation_id": invitation["id"],
        "token": invitation["id"],
        "session_id": (await hers.get("/api/sessions")).json()["items"][0]["id"],
    }
    before = await rest.database.read(lambda c: rows_of(c, alice.id))
    assert before != [[] for _ in before]

    tried = set()
    for name, method, path in await operations(his):
        if "{" not in path or name in KEYS_OF_THE_CLIENT:
            continue
        assert name in BODIES, f"{name} is new: say here what is tried on another's row"
        tried.add(name)
        answers = []
        for ids in (mine, dict.fromkeys(mine, UNKNOWN)):
            url = path.format(**ids)
            answer = await his.request(method, url, json=BODIES[name])
            answers.append((answer.status_code, answer.content, dict(answer.headers)))
        assert answers[0] == answers[1], name
        assert answers[0][0] == 404, name
    assert tried == BODIES.keys()
    assert await rest.database.read(lambda c: rows_of(c, alice.id)) == before


async def test_lists_counts_and_sweeping_acts_stop_at_ones_own_rows(rest: Rest) -> None:
    alice, hers = await rest.person()
    _, his = await rest.person()
    milk = {"name": "Milk", "expiryDate": "2026-03-04", "externalId": "m", "barcode": "96385074"}
    milk |= {"category": "Private", "location": "Safe"}
    await hers.post("/api/products", json=milk)
    used = await hers.post("/api/products", json=milk | {"externalId": "used"})
    await hers.post(f"/api/products/{used.json()['id']}/discard", json={})
    received = (await hers.post("/api/notifications", json={"message": "private"})).json()
    await hers.post("/api/calendars")
    await a_key(hers, "notify")
    for policy in ("account", "category/Private", "location/Safe", f"product/{used.json()['id']}"):
        await hers.put(f"/api/policies/{policy}", json={"leads": ["3d"], "onExpiry": False})
    await hers.post("/api/samples")
    before = await rest.database.read(lambda c: rows_of(c, alice.id))

    assert alice.id not in (await his.get("/api/households")).text
    await lists_stop_at_ones_own_rows(hers, his)
    await acts_stop_at_ones_own_rows(his, milk, received)
    assert await rest.database.read(lambda c: rows_of(c, alice.id)) == before


async def lists_stop_at_ones_own_rows(hers: httpx.AsyncClient, his: httpx.AsyncClient) -> None:
    assert (await his.get("/api/products")).json()["items"] == []
    assert (await his.get("/api/products", params={"q": "Milk"})).json()["items"] == []
    barcode = {"barcode": "96385074"}
    assert (await his.get("/api/products", params=barcode)).json()["items"] == []
    scanned = (await his.post("/api/scan", json={"data": "96385074"})).json()
    assert (scanned["gtin"], scanned["product"], scanned["name"]) == ("00000096385074", None, None)
    for query in ({"category": ""}, {"location": ""}, {"include": "lots", "location": "safe"}):
        assert (await his.get("/api/products", params=query)).json()["items"] == []
    hers_at_first = (await hers.get("/api/movements")).json()["items"][0]
    since = {"since": "2020-01-01"}
    assert (await his.get("/api/movements")).json()["items"] == []
    assert (await his.get("/api/movements", params=since)).json()["items"] == []
    by_id = await his.get("/api/movements", params={"since": hers_at_first["id"]})
    by_unknown = await his.get("/api/movements", params={"since": UNKNOWN})
    assert (by_id.status_code, by_id.json()) == (200, by_unknown.json())
    for by in ("category", "location", "product", "week", "month"):
        nothing: Any = {"currency": None, "groups": [], "mostThrownAway": []}
        assert (await his.get("/api/stats", params={"by": by})).json() == nothing
    assert (await his.get("/api/lots")).json() == {"items": [], "nextCursor": None}
    assert (await hers.get("/api/lots")).json()["items"] != []
    assert set((await his.get("/api/lots/counts")).json().values()) == {0}
    weeks = (await his.get("/api/lots/counts/weeks")).json()["items"]
    assert (len(weeks), {each["lots"] for each in weeks}) == (8, {0})
    for names in ("/api/locations", "/api/categories"):
        assert (await his.get(names)).json() == {"items": [], "nextCursor": None}
    assert (await his.get("/api/export")).json()["products"] == []
    assert (await his.get("/api/dates", params={"text": "Milk"})).status_code == 422
    assert (await his.get("/api/calendars")).json() == {"items": []}
    assert (await his.get("/api/keys")).json() == {"items": []}
    (own,) = (await his.get("/api/sessions")).json()["items"]
    assert own["id"] != (await hers.get("/api/sessions")).json()["items"][0]["id"]
    assert (await his.get("/api/policies")).json()["items"] == []


async def acts_stop_at_ones_own_rows(
    his: httpx.AsyncClient, milk: dict[str, str], received: dict[str, Any]
) -> None:
    assert (await his.delete("/api/samples")).json() == {"removed": 0}
    for policy in ("account", "category/private", "location/Safe", "dateKind/best_before"):
        assert (await his.put(f"/api/policies/{policy}", json={"muted": True})).status_code == 200
        assert (await his.delete(f"/api/policies/{policy}")).status_code == 204
    since = {"since": received["id"]}
    assert (await his.get("/api/notifications", params=since)).json()["items"] == []
    assert (await his.get("/api/notifications/unread-count")).json() == {"unread": 0}
    assert (await his.post("/api/notifications/read-all")).json() == {"marked": 0}
    assert (await his.post("/api/products", json=milk)).status_code == 201, "her ids are not his"
    put = await his.put("/api/products/by-external-id/m", json={"name": "Mine"})
    assert (put.status_code, put.json()["created"]) == (200, False), "it is his own"
    batch = (await his.post("/api/products/batch", json={"items": [milk]})).json()
    assert batch["results"][0]["status"] == 409, "his own is taken by now"
    file = b"externalId,name,expiryDate\nm,Milk,2026-03-05\nn,Milk,2026-03-04\n"
    report = (await his.post("/api/import", content=file)).json()
    assert (report["added"], report["changed"]) == (1, 1), "both are his own"
    assert {each["name"] for each in (await his.get("/api/export")).json()["products"]} == {"Milk"}
    await his.post("/api/auth/logout-all")


@pytest.mark.parametrize(
    ("path", "private"),
    [
        ("/api/notifications", {"message": "private"}),
        ("/api/notifications/batch", {"items": [{"message": "private"}]}),
    ],
)
async def test_the_idempotency_key_of_another_user_reveals_nothing(
    rest: Rest, path: str, private: Any
) -> None:
    alice, hers = await rest.person()
    _, his = await rest.person()
    key = {"Idempotency-Key": "known to both"}
    received = await hers.post(path, json=private, headers=key)
    before = await rest.database.read(lambda c: rows_of(c, alice.id))
    answer = await his.post(path, json=private, headers=key)
    assert answer.status_code == received.status_code
    (mine,) = (await his.get("/api/notifications")).json()["items"]
    assert mine["id"] in answer.text
    assert mine["id"] not in received.text
    assert await rest.database.read(lambda c: rows_of(c, alice.id)) == before


async def test_deleting_an_account_deletes_no_other(rest: Rest) -> None:
    alice, _ = await rest.person()
    bob, his = await rest.person()
    await his.post("/api/products", json={"name": "Milk", "expiryDate": "2026-03-04"})
    before = await rest.database.read(lambda c: rows_of(c, alice.id))
    assert (await his.request("DELETE", "/api/me", json={})).status_code == 204
    assert await rest.database.read(lambda c: rows_of(c, alice.id)) == before
    assert not any(await rest.database.read(lambda c: rows_of(c, bob.id)))
    assert (await his.get("/api/me")).status_code == 401
