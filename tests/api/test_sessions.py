"""The sign-ins of an account: listed, and ended one by one, on both databases.

covers: useby.api.sessions, useby.schemas.sessions, useby.store.open_sessions
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.databases import database_url
from tests.support.rest_app import Rest

from useby.domain.events import AccessRevoked, Event
from useby.store.cursor import encode
from useby.store.database import Database

__all__ = ["database_url"]

ADA = {"email": "ada@useby.example", "password": "correct horse"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
UNKNOWN = "01a20b6e-0000-7000-8000-000000000000"


@pytest.fixture
async def rest(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    cheap_passwords(Counted(), monkeypatch).close()
    rest = Rest(database, login_rate="100/minute", signup_rate="100/minute")
    zone = {"timeZone": "Asia/Tokyo"}
    await rest.client().post("/api/auth/signup", json=ADA | zone)
    yield rest
    rest.context.passwords.close()
    await rest.close()


async def signed_in(rest: Rest, user_agent: str = FIREFOX) -> tuple[httpx.AsyncClient, str]:
    """Sign in with a program; return a client with the access token, and the refresh token."""
    given = await rest.client(**{"user-agent": user_agent}).post("/api/auth/login", json=ADA)
    assert given.status_code == HTTPStatus.OK, given.text
    tokens = given.json()
    return rest.client(authorization=f"Bearer {tokens['accessToken']}"), tokens["refreshToken"]


async def listed(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/sessions", params=query)
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_sign_ins_are_listed_newest_first_with_their_programs(rest: Rest) -> None:
    await signed_in(rest)
    rest.now += timedelta(hours=4)  # the next day in Tokyo
    here, _ = await signed_in(rest, "<b>hostile</b>")

    newer, older = await listed(here)

    assert older == {
        "id": older["id"],
        "createdAt": "2026-03-02T12:00:00Z",
        "lastUsedOn": "2026-03-02",
        "expiresAt": "2026-04-01T12:00:00Z",
        "program": "Firefox",
        "system": "Linux",
        "current": False,
    }
    assert (newer["program"], newer["system"], newer["current"]) == (None, None, True)
    assert newer["lastUsedOn"] == "2026-03-03"


async def test_the_day_of_the_last_use_moves_with_each_new_token(rest: Rest) -> None:
    client, token = await signed_in(rest)
    rest.now += timedelta(days=2)
    answer = await rest.client().post("/api/auth/refresh", json={"refreshToken": token})
    renewed = rest.client(authorization=f"Bearer {answer.json()['accessToken']}")

    (only,) = await listed(renewed)

    assert (only["lastUsedOn"], only["createdAt"]) == ("2026-03-04", "2026-03-02T12:00:00Z")
    assert only["expiresAt"] == "2026-04-03T12:00:00Z"
    assert (await client.get("/api/me")).status_code == HTTPStatus.UNAUTHORIZED, "it has expired"


async def test_a_sign_in_that_is_ended_is_over_at_once(rest: Rest) -> None:
    events: list[Event] = []
    rest.database.on_commit = events.append
    here, _ = await signed_in(rest)
    lost, token = await signed_in(rest)
    (_, other) = sorted(await listed(here), key=lambda each: not each["current"])

    answer = await here.delete(f"/api/sessions/{other['id']}")

    assert answer.status_code == HTTPStatus.NO_CONTENT
    ended = [each for each in events if isinstance(each, AccessRevoked)]
    assert [each.session_id for each in ended] == [other["id"]], "sockets close by this event"
    assert (await lost.get("/api/me")).status_code == HTTPStatus.UNAUTHORIZED
    refreshed = await rest.client().post("/api/auth/refresh", json={"refreshToken": token})
    assert refreshed.status_code == HTTPStatus.UNAUTHORIZED
    assert [each["current"] for each in await listed(here)] == [True]
    again = await here.delete(f"/api/sessions/{other['id']}")
    unknown = await here.delete(f"/api/sessions/{UNKNOWN}")
    assert again.status_code == unknown.status_code == HTTPStatus.NOT_FOUND
    assert again.json() == unknown.json()


async def test_the_own_sign_in_can_be_ended_as_well(rest: Rest) -> None:
    here, _ = await signed_in(rest)
    (own,) = await listed(here)
    assert (await here.delete(f"/api/sessions/{own['id']}")).status_code == HTTPStatus.NO_CONTENT
    assert (await here.get("/api/sessions")).status_code == HTTPStatus.UNAUTHORIZED


async def test_sign_ins_that_have_expired_or_ended_are_not_listed(rest: Rest) -> None:
    _, token = await signed_in(rest)
    await signed_in(rest)
    await rest.client().post("/api/auth/logout", json={"refreshToken": token})
    rest.now += timedelta(days=30)
    here, _ = await signed_in(rest)
    assert [each["current"] for each in await listed(here)] == [True]


async def test_pages_of_any_size_together_are_the_list(rest: Rest) -> None:
    for _ in range(5):
        here, _ = await signed_in(rest)
    whole = [each["id"] for each in await listed(here)]
    for limit in (1, 2, 5):
        pages: list[str] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            answer = (await here.get("/api/sessions", params=query)).json()
            pages += [each["id"] for each in answer["items"]]
            if answer["nextCursor"] is None:
                break
            query["cursor"] = answer["nextCursor"]
        assert pages == whole


@pytest.mark.parametrize("cursor", ["x", encode("openLots", ("a",)), encode("sessions", ("\0",))])
async def test_a_cursor_of_another_list_is_refused(rest: Rest, cursor: str) -> None:
    here, _ = await signed_in(rest)
    answer = await here.get("/api/sessions", params={"cursor": cursor})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "cursor" in answer.json()["detail"]


async def test_a_sign_in_of_an_earlier_version_was_last_used_when_it_began(rest: Rest) -> None:
    here, _ = await signed_in(rest)
    empty = "UPDATE sessions SET used_at = NULL, program = NULL, system = NULL"
    await rest.database.write(lambda t: t.connection.exec_driver_sql(empty))
    (only,) = await listed(here)
    assert (only["lastUsedOn"], only["program"]) == ("2026-03-02", None)
