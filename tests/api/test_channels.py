"""Channels over REST.

covers: useby.api.channels
covers: useby.actions.channels
covers: useby.schemas.channels
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.rest_app import Rest
from tests.support.webhook_receiver import LOOPBACK, Receiver, receiving, status

from useby.domain.channel import MAX_CHANNELS
from useby.store import channels, slices
from useby.store.database import Database

HOOK = {"kind": "webhook", "name": "My server", "url": "https://app.example/useby"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def local(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a node that may send to this machine."""
    rest = Rest(database, outbound_allowed_networks=LOOPBACK)
    _, client = await rest.person()
    yield client
    for each in rest.context.senders.values():
        await each.close()
    await rest.close()


async def test_a_webhook_is_made_with_its_defaults_and_shows_its_secret_once(
    ada: httpx.AsyncClient,
) -> None:
    answer = await ada.post("/api/channels", json=HOOK)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(secret) == 50
    assert made == HOOK | {
        "id": made["id"],
        "createdAt": "2026-03-02T12:00:00Z",
        "address": None,
        "confirmed": True,
        "enabled": True,
        "minimumSeverity": "info",
        "after": "PT0S",
        "onlyWhenAway": False,
        "state": "ok",
        "error": None,
        "errorAt": None,
    }
    assert (await ada.get("/api/channels")).json() == {"items": [made]}
    assert (await ada.get(f"/api/channels/{made['id']}")).json() == made
    assert (await ada.get(f"/api/channels/{made['id']}/deliveries")).json() == {"items": []}


async def test_a_channel_is_changed_and_deleted(ada: httpx.AsyncClient) -> None:
    path = f"/api/channels/{(await ada.post('/api/channels', json=HOOK)).json()['id']}"
    change = {
        "name": "Other",
        "url": "https://other.example/x?y=1",
        "enabled": False,
        "minimumSeverity": "warning",
        "after": "PT90M",
        "onlyWhenAway": True,
    }
    changed = (await ada.patch(path, json=change)).json()
    assert changed | change | {"after": "PT1H30M"} == changed
    assert (await ada.patch(path, json={})).json() == changed
    assert (await ada.patch(path, json={"name": None})).json() == changed
    assert (await ada.delete(path)).status_code == 204
    for method in ("GET", "DELETE", "PATCH"):
        answer = await ada.request(method, path, json={} if method == "PATCH" else None)
        assert answer.status_code == 404
        assert answer.json()["detail"] == "There is no such channel."


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"url": None}, "must be an https URL"),
    "no scheme": ({"url": "app.example"}, "must be an https URL"),
    "another scheme": ({"url": "ftp://app.example/"}, "must be an https URL"),
    "a file": ({"url": "file:///etc/passwd"}, "must be an https URL"),
    "no host": ({"url": "https:///x"}, "must be an https URL"),
    "a blank": ({"url": "https://app.example/a b"}, "must be a URL of at most 2000"),
    "a line break": ({"url": "https://app.example/\r\nX: y"}, "must be a URL of at most 2000"),
    "a bad port": ({"url": "https://app.example:99999/"}, "must be an https URL"),
    "a long one": ({"url": "https://app.example/" + "x" * 2000}, "must be a URL of at most 2000"),
    "a password": ({"url": "https://a:b@app.example/"}, "must not contain a user name"),
    "plain http": ({"url": "http://app.example/"}, "must begin with https://"),
    "loopback": ({"url": "https://127.0.0.1/"}, "must be at a public address"),
    "metadata": ({"url": "https://169.254.169.254/"}, "must be at a public address"),
    "mapped": ({"url": "https://[::ffff:10.0.0.1]/"}, "must be at a public address"),
    "e-mail": ({"kind": "email"}, "must be apprise or webhook or webpush: this server has no"),
    "an unknown kind": ({"kind": "fax"}, "or 'webhook'"),
    "an unknown severity": ({"minimumSeverity": "fatal"}, "or 'error'"),
    "a bad duration": ({"after": "ten minutes"}, "must be an ISO 8601 duration of at most 30 days"),
    "a long duration": ({"after": "P31D"}, "must be an ISO 8601 duration of at most 30 days"),
    "an empty name": ({"name": " "}, "must be a text of 1 to 200 characters"),
    "a text as a boolean": ({"enabled": "yes"}, "must be true or false"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_field_that_is_wrong_is_refused_in_words(
    change: dict[str, Any], reason: str, ada: httpx.AsyncClient
) -> None:
    answer = await ada.post("/api/channels", json=HOOK | change)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["at"] == f"body.{next(iter(change))}"
    assert reason in error["message"]
    assert (await ada.get("/api/channels")).json() == {"items": []}


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "https://127.0.0.1/", "http://box.example/"])
async def test_the_operator_can_allow_networks(url: str, local: httpx.AsyncClient) -> None:
    assert (await local.post("/api/channels", json=HOOK | {"url": url})).status_code == 201
    (channel,) = (await local.get("/api/channels")).json()["items"]
    answer = await local.patch(f"/api/channels/{channel['id']}", json={"url": "http://10.0.0.1/"})
    assert answer.status_code == 422


PHONE = {"kind": "apprise", "name": "My phone", "url": "ntfys://tk_AbC123@ntfy.example/fridge"}


async def test_answers_show_only_the_beginning_of_a_url_of_apprise(ada: httpx.AsyncClient) -> None:
    made = await ada.post("/api/channels", json=PHONE)
    assert made.status_code == 201
    assert made.json()["secret"] is None
    path = f"/api/channels/{made.json()['id']}"
    changed = await ada.patch(path, json={"url": "tgram://123456789:AAF0o_token/987654321"})
    answers = [made, changed, await ada.get("/api/channels"), await ada.get(path)]
    assert "ntfys://…" in made.text
    assert all("tgram://…" in each.text for each in answers[1:])
    assert not any("token" in each.text or "tk_" in each.text for each in answers)
    again = await ada.patch(path, json={"url": changed.json()["url"]})
    assert (again.status_code, again.json()["errors"][0]["at"]) == (422, "body.url")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mailto://ada:secret@example.org", "must be of a service that posts by HTTP, e.g. ntfys:"),
        ("fax://example.org", "must be a URL of Apprise, e.g. ntfys://ntfy.sh/my-topic"),
        ("ntfys://ntfy.sh/one/two", "must have one target"),
        ("ntfys://ntfy.sh/a topic", "must be a URL of at most 2000 characters"),
    ],
)
async def test_a_url_of_apprise_that_cannot_be_used_is_refused_in_words(
    url: str, reason: str, ada: httpx.AsyncClient
) -> None:
    made = (await ada.post("/api/channels", json=PHONE)).json()
    for answer in (
        await ada.post("/api/channels", json=PHONE | {"url": url}),
        await ada.patch(f"/api/channels/{made['id']}", json={"url": url}),
    ):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["at"] == "body.url"
        assert error["message"].startswith(reason)
        assert "secret" not in answer.text


async def test_a_test_message_of_apprise_does_not_reach_an_address_that_is_not_allowed(
    ada: httpx.AsyncClient, receiver: Receiver
) -> None:
    url = f"jsons://localhost:{receiver.port}/"
    made = (await ada.post("/api/channels", json=PHONE | {"url": url})).json()
    answer = (await ada.post(f"/api/channels/{made['id']}/test")).json()
    assert answer["sent"] is False
    assert answer["detail"].startswith("its address is not public")
    assert receiver.received == []


async def test_an_account_has_a_maximum_of_channels(ada: httpx.AsyncClient) -> None:
    for _ in range(MAX_CHANNELS):
        assert (await ada.post("/api/channels", json=HOOK)).status_code == 201
    answer = await ada.post("/api/channels", json=HOOK)
    assert answer.status_code == 409
    assert "has 20 channels" in answer.json()["detail"]


async def test_a_test_message_is_sent_now_and_the_answer_has_what_happened(
    local: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = (await local.post("/api/channels", json=HOOK | {"url": receiver.url()})).json()
    path = f"/api/channels/{made['id']}/test"
    assert (await local.post(path)).json() == {"sent": True, "detail": "the target answered 204"}
    (got,) = receiver.received
    assert got.message == "This is a test of the channel My server."
    assert got.is_signed_with(made["secret"])
    receiver.answer = lambda _: status(404)
    assert (await local.post(path)).json() == {"sent": False, "detail": "the target answered 404"}
    assert (await local.get("/api/notifications")).json()["items"] == []


async def test_a_test_message_does_not_reach_an_address_that_is_not_allowed(
    ada: httpx.AsyncClient, receiver: Receiver
) -> None:
    url = f"https://localhost:{receiver.port}/"
    made = (await ada.post("/api/channels", json=HOOK | {"url": url})).json()
    answer = (await ada.post(f"/api/channels/{made['id']}/test")).json()
    assert answer["sent"] is False
    assert answer["detail"].startswith("its address is not public")
    assert receiver.received == []


async def test_tests_are_limited_in_their_rate(
    local: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = (await local.post("/api/channels", json=HOOK | {"url": receiver.url()})).json()
    path = f"/api/channels/{made['id']}/test"
    answers = [(await local.post(path)).status_code for _ in range(11)]
    assert answers[:10] == [200] * 10
    assert answers[10] == 429


async def test_deliveries_are_listed_with_the_newest_first(ada: httpx.AsyncClient) -> None:
    made = (await ada.post("/api/channels", json=HOOK | {"after": "PT1H"})).json()
    for message in ("one", "two"):
        await ada.post("/api/notifications", json={"message": message})
    path = f"/api/channels/{made['id']}/deliveries"
    newest, oldest = (await ada.get(path)).json()["items"]
    assert newest == {
        "notificationId": newest["notificationId"],
        "message": "two",
        "state": "pending",
        "attempts": 0,
        "dueAt": "2026-03-02T13:00:00Z",
        "doneAt": None,
        "error": None,
    }
    await ada.post(f"/api/notifications/{oldest['notificationId']}/read")
    assert [each["state"] for each in (await ada.get(path)).json()["items"]] == [
        "pending",
        "skipped_read",
    ]


async def test_no_route_finds_a_channel_whose_deliveries_are_still_being_deleted(
    ada: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "SLICE", 1)
    path = f"/api/channels/{(await ada.post('/api/channels', json=HOOK)).json()['id']}"
    for message in ("one", "two", "three"):
        await ada.post("/api/notifications", json={"message": message})
    assert (await ada.delete(path)).status_code == 204
    assert await database.read(slices.are_waiting)
    for method, rest in (
        *(("GET", ""), ("PATCH", ""), ("DELETE", "")),
        *(("POST", "/test"), ("GET", "/deliveries")),
    ):
        body = {"enabled": True} if method == "PATCH" else None
        answer = await ada.request(method, path + rest, json=body)
        assert answer.status_code == 404, (method, rest)
    assert (await ada.get("/api/channels")).json()["items"] == []
    for _ in range(MAX_CHANNELS):
        assert (await ada.post("/api/channels", json=HOOK)).status_code == 201


async def test_a_channel_that_is_deleted_while_notifications_are_added_breaks_no_post(
    ada: httpx.AsyncClient,
) -> None:
    made = [(await ada.post("/api/channels", json=HOOK)).json() for _ in range(5)]
    answers = await asyncio.gather(
        *(ada.post("/api/notifications", json={"message": "x"}) for _ in range(20)),
        *(ada.delete(f"/api/channels/{each['id']}") for each in made),
    )
    assert {each.status_code for each in answers} == {201, 204}
