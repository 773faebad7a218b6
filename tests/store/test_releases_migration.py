"""A database of an earlier release is migrated: nothing is lost, and every alert is sent once.

covers: useby.store.migrate
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_hourly
from tests.support.earlier_release import FIRST, SECOND, copied, rows_of, upgraded_database
from tests.support.rest_app import KEY, Rest

from useby.actions.alerts import send_due
from useby.auth.key import key_id
from useby.store import schema, signing_keys, usage
from useby.store.database import Database
from useby.store.open import open_database

STOPPED = datetime(2026, 3, 4, 12, tzinfo=UTC)
"""Time of the upgrade."""
NEVER = {"expiryDate": None, "daysLeft": None}
"""The far dates of those releases mean never."""


@pytest.fixture(scope="module", params=[FIRST, SECOND], ids=["0.1", "0.2"])
def made(request: pytest.FixtureRequest) -> Any:
    """Rows and answers of an earlier release."""
    return request.param


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def upgraded_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, made: Any
) -> Iterator[str]:
    """A database of that release, migrated once for all tests."""
    folder = tmp_path_factory.mktemp("made")
    with upgraded_database(request, request.param, folder, made) as url:
        yield url


@pytest.fixture
def url(request: pytest.FixtureRequest, upgraded_url: str, tmp_path: Path) -> Iterator[str]:
    with copied(request, upgraded_url, tmp_path) as url:
        yield url


@pytest.fixture
async def upgraded(url: str) -> AsyncIterator[Database]:
    database = open_database(url, checkpoints=True)
    yield database
    await database.close()


@pytest.fixture
async def rest(upgraded: Database) -> AsyncIterator[Rest]:
    await signing_keys.record(upgraded, key_id(KEY))  # as a node does at its start
    rest = Rest(upgraded)
    rest.now = STOPPED
    yield rest
    await rest.close()


async def signed_in(rest: Rest, name: str, made: Any) -> dict[str, Any]:
    """The answer to a sign-in with the password of that release."""
    given = {"email": f"{name}@useby.example", "password": made["password"]}
    answer = await rest.client().post("/api/auth/login", json=given)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    "table",
    [
        schema.users,
        schema.sessions,
        schema.refresh_tokens,
        schema.products,
        schema.sent_alerts,
        schema.notifications,
    ],
    ids=lambda table: table.name,
)
async def test_every_row_of_an_earlier_release_is_still_there(
    upgraded: Database, table: sa.Table, made: Any
) -> None:
    columns = [table.c[name] for name in made["tables"][table.name]["columns"]]
    found = await upgraded.read(lambda c: c.execute(sa.select(*columns)).mappings().all())
    key = [column.name for column in table.primary_key]

    def by_key(rows: Iterable[Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(row[name] for name in key): dict(row) for row in rows}

    assert by_key(found) == by_key(rows_of(table, made))
    assert len(found) == len(made["tables"][table.name]["rows"])


async def test_every_product_is_shown_as_the_earlier_release_showed_it(
    rest: Rest, made: Any
) -> None:
    shown = {each["id"]: each for each in made["shown"]}
    found: dict[str, Any] = {}
    for name in ("ada", "bob"):
        token = (await signed_in(rest, name, made))["accessToken"]
        client = rest.client(authorization=f"Bearer {token}")
        for id_ in shown:
            answer = await client.get(f"/api/products/{id_}?include=lots")
            if answer.status_code == 200:
                found[id_] = answer.json()
    assert found.keys() == shown.keys()
    for id_, before in shown.items():
        changed = NEVER if before["name"] == "Salt" else {}
        after = {name: value for name, value in found[id_].items() if name in before}
        assert after == before | changed
        (lot,) = found[id_]["lots"]
        assert (lot["quantity"], lot["closedAs"]) == (before["quantity"], before["closedAs"])
        assert lot["printedDate"] == after["expiryDate"]


async def test_a_sign_in_of_an_earlier_release_is_refreshed(rest: Rest, made: Any) -> None:
    given = {"refreshToken": made["refresh_token"]}
    answer = await rest.client().post("/api/auth/refresh", json=given)
    assert answer.status_code == 200, answer.text
    client = rest.client(authorization=f"Bearer {answer.json()['accessToken']}")
    assert (await client.get("/api/me")).json()["name"] == "Ada"


async def test_unread_notifications_stay_unread(rest: Rest, upgraded: Database, made: Any) -> None:
    table = made["tables"]["notifications"]
    at = table["columns"].index("read_at")
    for name in ("ada", "bob"):
        token = (await signed_in(rest, name, made))["accessToken"]
        client = rest.client(authorization=f"Bearer {token}")
        user_id = (await client.get("/api/me")).json()["id"]
        unread = sum(row[0] == user_id and row[at] is None for row in table["rows"])
        answer = await client.get("/api/notifications/unread-count")
        assert answer.json()["unread"] == unread > 0
        assert (await upgraded.read(partial(usage.of, user_id=user_id))).unread == unread


async def test_the_alerts_after_the_upgrade_are_those_that_the_earlier_release_would_have_sent(
    upgraded: Database, made: Any
) -> None:
    """Each comes once, and none that was sent before comes again."""
    assert (await upgraded.write(partial(send_due, now=STOPPED))).sent == 0
    await send_hourly(upgraded, STOPPED, datetime(2026, 7, 20, 12, tzinfo=UTC))
    table, users = schema.notifications, schema.users
    wanted = (
        sa.select(table.c.created_at, users.c.name, table.c.message)
        .join_from(table, users, users.c.id == table.c.user_id)
        .where(table.c.created_at > STOPPED)
    )
    rows = await upgraded.read(lambda c: c.execute(wanted).all())
    sent = [[f"{at:%Y-%m-%dT%H:%M}Z", name, message] for at, name, message in rows]
    assert sorted(sent) == sorted(made["later"])


@pytest.mark.parametrize("made", [SECOND], ids=["0.2"], indirect=True)
async def test_a_post_of_release_0_2_that_is_sent_again_after_the_upgrade_is_not_stored_twice(
    rest: Rest, made: Any
) -> None:
    token = (await signed_in(rest, "ada", made))["accessToken"]
    client = rest.client(authorization=f"Bearer {token}")
    key = {"idempotency-key": made["idempotency_key"]}
    before = (await client.get("/api/notifications/unread-count")).json()
    dinner_again = {"message": "Dinner is ready"}
    again = await client.post("/api/notifications", json=dinner_again, headers=key)
    table = made["tables"]["notifications"]
    stored = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    (dinner,) = [each for each in stored if each["message"] == "Dinner is ready"]
    assert (again.status_code, again.json()["id"]) == (201, dinner["id"])
    assert (await client.get("/api/notifications/unread-count")).json() == before
