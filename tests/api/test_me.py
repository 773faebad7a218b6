"""One's own account."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.rest_app import Rest
from tests.support.shared_households import join

from useby.actions.alerts import send_due
from useby.domain.account import User
from useby.domain.events import AccessRevoked, Event
from useby.store import accounts, alerts, slices
from useby.store.database import Connection, Database
from useby.store.household_tables import shared_reads
from useby.store.schema import closings, metadata, shown_pushes

PASSWORD = "correct horse"


@pytest.fixture
async def rest(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    cheap_passwords(Counted(), monkeypatch).close()
    rest = Rest(database)
    yield rest
    rest.context.passwords.close()
    await rest.close()


async def with_a_password(rest: Rest) -> tuple[User, httpx.AsyncClient]:
    user, client = await rest.person()
    hashed = await rest.context.passwords.hash(PASSWORD)
    await rest.database.write(lambda t: accounts.set_password_hash(t, user.id, hashed))
    return user, client


async def test_a_user_sees_their_own_account_and_no_secret(rest: Rest) -> None:
    user, client = await with_a_password(rest)
    assert (await client.get("/api/me")).json() == {
        "id": user.id,
        "email": user.email,
        "name": "Ada",
        "timeZone": "Europe/Berlin",
        "alertTime": "09:00",
        "leadDays": [7, 2, 0],
        "categories": {},
        "createdAt": "2026-03-02T12:00:00Z",
        "currency": None,
        "floodCap": 5,
        "language": None,
        "quietHours": [],
        "urgentPassesQuietHours": False,
        "digest": {
            "every": "off",
            "at": "08:00",
            "weekday": "sat",
            "severities": ["info", "warning"],
        },
    }


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_request_without_a_valid_token_gets_401(rest: Rest, method: str) -> None:
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}):
        answer = await rest.client(**headers).request(method, "/api/me", json={})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_only_the_given_fields_of_an_account_change(rest: Rest) -> None:
    _, client = await rest.person()
    before = (await client.get("/api/me")).json()
    change = {
        "name": " Ada Lovelace ",
        "alertTime": "07:30",
        "leadDays": [1, 14, 1],
        "categories": {"Dairy": {"leadDays": [3], "alertTime": "18:00"}},
        "currency": "EUR",
        "language": "de-at",
    }
    changed = (await client.patch("/api/me", json=change)).json()
    assert changed == before | {
        "name": "Ada Lovelace",
        "alertTime": "07:30",
        "leadDays": [14, 1],
        "categories": {"dairy": {"leadDays": [3], "alertTime": "18:00"}},
        "currency": "EUR",
        "language": "de-AT",
    }
    assert (await client.get("/api/me")).json() == changed
    assert (await client.patch("/api/me", json={})).json() == changed
    nothing = dict.fromkeys((*change, "timeZone", "password", "currentPassword"))
    assert (await client.patch("/api/me", json=nothing)).json() == changed


INVALID: list[dict[str, Any]] = [
    {"timeZone": "Atlantis"},
    {"timeZone": ""},
    {"alertTime": "9:00"},
    {"alertTime": "24:00"},
    {"currency": "eur"},
    {"currency": "EURO"},
    {"currency": "XXX"},
    {"currency": ""},
    {"floodCap": 0},
    {"floodCap": 101},
    {"floodCap": 5.5},
    {"floodCap": "5"},
    {"floodCap": True},
    {"language": "it"},
    {"language": ""},
    {"language": "German"},
    {"language": 5},
    {"leadDays": [-1]},
    {"leadDays": ["7"]},
    {"leadDays": list(range(100))},
    {"leadDays": [10**6]},
    {"categories": {"": {"leadDays": [1]}}},
    {"categories": {"dairy": {"leadDays": [1], "colour": "white"}}},
    {"email": "eve@useby.example"},
    {"id": "somebody else"},
    {"password": "short"},
    {"name": "a\0b"},
]


async def test_an_invalid_change_is_422_and_changes_nothing(rest: Rest) -> None:
    _, client = await rest.person()
    before = (await client.get("/api/me")).json()
    for change in INVALID:
        answer = await client.patch("/api/me", json={"name": "Eve"} | change)
        assert answer.status_code == 422, change
        assert next(iter(change)) in answer.text
        assert (await client.get("/api/me")).json() == before, change


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"timeZone": "America/New_York"}, datetime(2026, 5, 30, 13, tzinfo=UTC)),
        ({"alertTime": "18:15"}, datetime(2026, 5, 30, 16, 15, tzinfo=UTC)),
        ({"leadDays": [5]}, datetime(2026, 5, 27, 7, tzinfo=UTC)),
        ({"name": "Eve"}, datetime(2026, 5, 30, 7, tzinfo=UTC)),
        ({"currency": "EUR"}, datetime(2026, 5, 30, 7, tzinfo=UTC)),
    ],
)
async def test_a_new_zone_time_or_lead_moves_the_alerts_that_are_pending(
    rest: Rest, change: dict[str, Any], due: datetime
) -> None:
    user, client = await rest.person()
    await client.patch("/api/me", json={"leadDays": [2]})
    await client.post("/api/products", json={"name": "Milk", "expiryDate": "2026-06-01"})
    await rest.database.write(lambda t: send_due(t, rest.now))
    assert (await client.patch("/api/me", json=change)).status_code == 200
    await rest.database.write(lambda t: slices.do_slice(t, rest.now))
    await rest.database.write(lambda t: send_due(t, rest.now))
    assert (await client.get("/api/notifications/unread-count")).json() == {"unread": 0}
    assert await rest.database.read(alerts.next_due) == due
    assert (await client.get("/api/me")).json()["id"] == user.id


async def test_a_new_password_requires_the_old_one_and_ends_the_other_sign_ins(rest: Rest) -> None:
    user, client = await with_a_password(rest)
    published: list[Event] = []
    rest.database.on_commit = published.append
    for wrong in ({}, {"currentPassword": "wrong"}, {"currentPassword": ""}):
        answer = await client.patch("/api/me", json={"password": "new and longer"} | wrong)
        assert answer.status_code == 403
    assert published == []
    other = await rest.client().post(
        "/api/auth/login", json={"email": user.email, "password": PASSWORD}
    )
    other_client = rest.client(authorization=f"Bearer {other.json()['accessToken']}")
    change = {"password": "new and longer", "currentPassword": PASSWORD}
    assert (await client.patch("/api/me", json=change)).status_code == 200
    assert (await client.get("/api/me")).status_code == 200, "this sign-in goes on"
    assert (await other_client.get("/api/me")).status_code == 401
    assert [type(each) for each in published] == [AccessRevoked]
    for password, status in ((PASSWORD, 401), ("new and longer", 200)):
        login = {"email": user.email, "password": password}
        assert (await rest.client().post("/api/auth/login", json=login)).status_code == status


async def test_a_stolen_token_can_not_try_every_password(rest: Rest) -> None:
    user, client = await with_a_password(rest)
    change = {"password": "new and longer", "currentPassword": "guess"}
    tried = [(await client.patch("/api/me", json=change)).status_code for _ in range(12)]
    assert tried == [403] * 10 + [429] * 2
    answer = await client.request("DELETE", "/api/me", json={"password": "guess"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    login = {"email": user.email, "password": PASSWORD}
    tokens = (await rest.client().post("/api/auth/login", json=login)).json()
    owner = rest.client(authorization=f"Bearer {tokens['accessToken']}")
    change = {"password": "new and longer", "currentPassword": PASSWORD}
    answer = await owner.patch("/api/me", json=change)
    assert answer.status_code == 200, "another sign-in of the owner has attempts of its own"


def rows_left(connection: Connection, user_id: str) -> dict[str, int]:
    """Count a user's rows in each table that is about users."""
    keys = {
        table: table.c.id if table.name == "users" else table.c.user_id
        for table in metadata.sorted_tables
        if "user_id" in table.c or table.name == "users"
    }
    count = sa.select(sa.func.count())
    return {
        table.name: connection.scalar(count.select_from(table).where(key == user_id)) or 0
        for table, key in keys.items()
    }


async def in_the_household_of_another(rest: Rest, client: httpx.AsyncClient) -> None:
    """Join a household with an alert that is due, and set a policy there."""
    other, his = await rest.person()
    await join(his, other.id, client, "viewer")
    milk = {"name": "Milk", "expiryDate": "2026-03-01"}
    product = (await his.post("/api/products", json=milk)).json()
    await client.put(f"/api/policies/product/{product['id']}", json={"leads": ["3d"]})
    await send_now(rest)


def one_closing(user_id: str, since: datetime) -> sa.Insert:
    """As if a product with very many notifications was just closed."""
    return sa.insert(closings).values(
        user_id=user_id, product_id="p", after=0, upto=9999, since=since
    )


def one_shown(user_id: str, channel_id: str) -> sa.Insert:
    """As if a browser showed a notification."""
    return sa.insert(shown_pushes).values(
        user_id=user_id, channel_id=channel_id, seq=1, notification_id="n"
    )


async def test_a_deleted_account_leaves_no_row(rest: Rest) -> None:
    user, client = await with_a_password(rest)
    login = {"email": user.email, "password": PASSWORD}
    assert (await rest.client().post("/api/auth/login", json=login)).status_code == 200
    await in_the_household_of_another(rest, client)
    await client.patch("/api/me", json={"floodCap": 1})
    for n in range(3):
        await client.post("/api/products", json={"name": f"Milk {n}", "expiryDate": "2026-03-01"})
    await rest.database.write(lambda t: send_due(t, rest.now))
    await client.post("/api/keys", json={"name": "cron", "scopes": ["notify"]})
    hook = {"kind": "webhook", "name": "Hook", "url": "https://app.example/"}
    channel = (await client.post("/api/channels", json=hook)).json()
    key = {"idempotency-key": "once"}
    posted = await client.post("/api/notifications", json={"message": "x"}, headers=key)
    await client.post(f"/api/notifications/{posted.json()['id']}/snooze", json={"for": "PT2H"})
    await client.post("/api/ws/ticket")
    await client.patch("/api/me", json={"timeZone": "Asia/Tokyo"})  # and its alerts wait
    await rest.database.write(lambda t: t.connection.execute(one_closing(user.id, rest.now)))
    show = one_shown(user.id, channel["id"])
    await rest.database.write(lambda t: t.connection.execute(show))
    shared = {"user_id": user.id, "notification_id": "n", "household_id": "h", "since": rest.now}
    await rest.database.write(lambda t: t.connection.execute(sa.insert(shared_reads), shared))
    left = await rest.database.read(lambda c: rows_left(c, user.id))
    assert all(left.values()), left
    for wrong in ({}, {"password": "wrong"}):
        assert (await client.request("DELETE", "/api/me", json=wrong)).status_code == 403
    published: list[Event] = []
    rest.database.on_commit = published.append
    gone = await client.request("DELETE", "/api/me", json={"password": PASSWORD})
    assert gone.status_code == 204
    assert AccessRevoked(user.id) in published
    assert not any((await rest.database.read(lambda c: rows_left(c, user.id))).values())
    assert (await client.get("/api/me")).status_code == 401
    assert (await rest.client().post("/api/auth/login", json=login)).status_code == 401


async def test_an_account_without_a_password_is_left_without_one(rest: Rest) -> None:
    _, client = await rest.person()
    assert (await client.delete("/api/me")).status_code == 204
    assert (await client.get("/api/me")).status_code == 401
