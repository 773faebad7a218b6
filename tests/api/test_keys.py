"""Routes of keys: what makes one, what shows one, what ends one.

covers: useby.schemas.keys, useby.actions.api_keys, useby.store.api_keys, useby.store.key_tables
"""

import re
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
from tests.support.api_keys import a_key
from tests.support.databases import database_url
from tests.support.process_node import until
from tests.support.rest_app import Rest

from useby.auth.api_keys import is_well_formed
from useby.domain.api_key import MAX_KEYS
from useby.store.schema import api_keys

__all__ = ["database_url"]

KEY = re.compile(r"uby_[0-9A-Za-z]{49}")
LATER = "2026-03-02T12:00:01+00:00"
"""A second after the moment of the tests."""


async def test_a_new_key_is_answered_once_and_only_its_hash_is_stored(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    answer = await ada.post("/api/keys", json={"name": "cron", "scopes": ["notify"]})
    assert answer.status_code == HTTPStatus.CREATED
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert KEY.fullmatch(made["key"])
    assert is_well_formed(made["key"])
    listed = await ada.get("/api/keys")
    assert made["key"] not in listed.text
    (shown,) = listed.json()["items"]
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert shown == {
        "id": made["id"],
        "name": "cron",
        "prefix": made["key"][:10],
        "scopes": ["notify"],
        "createdAt": "2026-03-02T12:00:00Z",
        "expiresAt": None,
        "lastUsedOn": None,
        "householdId": (await ada.get("/api/me")).json()["id"],
    }
    rows = await rest.database.read(lambda c: c.execute(api_keys.select()).all())
    assert made["key"] not in repr(rows)


async def test_a_key_posts_and_its_last_use_is_a_day(rest: Rest, ada: httpx.AsyncClient) -> None:
    key = await a_key(ada, "notify")
    program = rest.client(authorization=f"Bearer {key['key']}")
    for _ in range(2):
        posted = await program.post("/api/notifications", json={"message": "backup is done"})
        assert posted.status_code == HTTPStatus.CREATED
    (_, newest) = (await ada.get("/api/notifications")).json()["items"]
    assert newest["message"] == "backup is done"

    async def used_on() -> str | None:
        (item,) = (await ada.get("/api/keys")).json()["items"]
        day: str | None = item["lastUsedOn"]
        return day

    async def is_used() -> bool:
        return await used_on() == "2026-03-02"

    await until(is_used)
    rest.now += timedelta(days=1)
    await program.post("/api/notifications", json={"message": "backup is done"})

    async def is_used_again() -> bool:
        return await used_on() == "2026-03-03"

    await until(is_used_again)


async def test_a_deleted_key_ends_at_once(rest: Rest, ada: httpx.AsyncClient) -> None:
    made = [await a_key(ada, "notify", "listen") for _ in range(2)]
    programs = [rest.client(authorization=f"Bearer {each['key']}") for each in made]
    for program in programs:
        assert (await program.get("/api/notifications")).status_code == HTTPStatus.OK
    deleted = await ada.delete(f"/api/keys/{made[0]['id']}")
    assert deleted.status_code == HTTPStatus.NO_CONTENT
    for path in ("/api/notifications", "/api/notifications/batch"):
        body = {"items": [{"message": "x"}]} if path.endswith("batch") else {"message": "x"}
        answer = await programs[0].post(path, json=body)
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert (await programs[0].get("/api/notifications")).status_code == HTTPStatus.UNAUTHORIZED
    assert (await programs[1].get("/api/notifications")).json()["items"] == []
    again = await ada.delete(f"/api/keys/{made[0]['id']}")
    assert again.status_code == HTTPStatus.NOT_FOUND
    assert [each["id"] for each in (await ada.get("/api/keys")).json()["items"]] == [made[1]["id"]]


async def test_a_key_works_until_expires_at(rest: Rest, ada: httpx.AsyncClient) -> None:
    key = await a_key(ada, "notify", expiresAt=LATER)
    assert key["expiresAt"] == "2026-03-02T12:00:01Z"
    program = rest.client(authorization=f"Bearer {key['key']}")
    body = {"message": "now"}
    assert (await program.post("/api/notifications", json=body)).status_code == HTTPStatus.CREATED
    rest.now += timedelta(seconds=1)
    answer = await program.post("/api/notifications", json=body)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.json()["detail"] == "The access token has expired."
    assert len((await ada.get("/api/keys")).json()["items"]) == 1, "it stays in the list"


async def test_keys_beyond_the_limit_are_409_with_what_to_do(ada: httpx.AsyncClient) -> None:
    for _ in range(MAX_KEYS):
        await a_key(ada, "notify")
    answer = await ada.post("/api/keys", json={"name": "one more", "scopes": ["notify"]})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["detail"] == (
        "The account has 50 keys, and there cannot be more. Delete one first."
    )


@pytest.mark.parametrize(
    ("changed", "at", "words"),
    [
        ({"scopes": []}, "body.scopes", 'e.g. ["notify"]'),
        ({"scopes": ["all"]}, "body.scopes", "stock:read"),
        ({"scopes": "notify"}, "body.scopes", 'e.g. ["notify"]'),
        ({"scopes": ["notify:any"]}, "body.scopes", "useby key add"),
        ({"name": ""}, "body.name", "cron on the server"),
        ({"name": "x" * 101}, "body.name", "1 to 100 characters"),
        ({"expiresAt": "2026-03-02T12:00:00Z"}, "body.expiresAt", "must be a later date-time"),
        ({"expiresAt": "2027-01-31"}, "body.expiresAt", "with its offset"),
        ({"expiresAt": "2027-01-31T12:00:00"}, "body.expiresAt", "with its offset"),
        ({"expiresAt": "tomorrow"}, "body.expiresAt", "e.g. 2027-01-31T12:00:00Z"),
    ],
    ids=str,
)
async def test_a_key_that_cannot_be_is_422_with_an_example(
    ada: httpx.AsyncClient, changed: dict[str, object], at: str, words: str
) -> None:
    new = {"name": "cron", "scopes": ["notify"]} | changed
    answer = await ada.post("/api/keys", json=new)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    (error,) = answer.json()["errors"]
    assert error["at"].startswith(at)
    assert words in error["message"]
    assert (await ada.get("/api/keys")).json() == {"items": []}


async def test_a_key_outlives_signing_out_everywhere(rest: Rest) -> None:
    """It is no sign-in: a person who signs out everywhere deletes the keys that must end, too."""
    _, ada = await rest.person()
    key = await a_key(ada, "listen")
    await ada.post("/api/auth/logout-all")
    assert (await ada.get("/api/keys")).status_code == HTTPStatus.UNAUTHORIZED
    program = rest.client(authorization=f"Bearer {key['key']}")
    assert (await program.get("/api/notifications")).status_code == HTTPStatus.OK


async def test_the_key_of_a_deleted_account_ends(rest: Rest, ada: httpx.AsyncClient) -> None:
    key = await a_key(ada, "listen")
    program = rest.client(authorization=f"Bearer {key['key']}")
    assert (await program.get("/api/notifications")).status_code == HTTPStatus.OK
    await ada.request("DELETE", "/api/me", json={})
    assert (await program.get("/api/notifications")).status_code == HTTPStatus.UNAUTHORIZED
    assert await rest.database.read(lambda c: c.execute(api_keys.select()).all()) == []


@pytest.mark.parametrize(
    "damaged",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key.lower(),
        lambda key: key[:5] + ("a" if key[5] != "a" else "b") + key[6:],
        lambda key: key.replace("uby_", "uby-"),
        lambda key: "uby_",
        lambda key: "uby_" + "0" * 49,
        lambda key: key + "é",
    ],
)
async def test_a_damaged_key_is_401(rest: Rest, ada: httpx.AsyncClient, damaged: object) -> None:
    key = (await a_key(ada, "listen"))["key"]
    assert callable(damaged)
    header = f"Bearer {damaged(key)}".encode()
    anybody = rest.client()
    answer = await anybody.get("/api/notifications", headers=[(b"authorization", header)])
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.json()["detail"] == "The access token is invalid."
