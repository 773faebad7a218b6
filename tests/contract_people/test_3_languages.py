"""Messages are in the language of the account, once it is set."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.contract_people.conftest import EIGHT, Person, frame
from tests.support.household_alerts import set_me
from tests.support.in_process_node import InProcessNode
from tests.support.rest_app import Rest, added
from tests.support.shared_households import a_household
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.household import Role

PLAIN_KEYS = ["id", "message", "type", "productName", "created_at"]
SIGNUP = {"password": "four words that nobody else would combine"}


def product(name: str, days: int) -> dict[str, Any]:
    """A product that expires in so many days."""
    return {"name": name, "expiryDate": (EIGHT.date() + timedelta(days=days)).isoformat()}


def messages(found: list[dict[str, Any]]) -> list[str]:
    return [each["message"] for each in found]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("it,de;q=0.4", "de"),
        ("en-US,en;q=0.9", None),
        ("it", None),
        (None, None),
    ],
)
async def test_sign_up_takes_the_language_from_accept_language(
    house: InProcessNode, ada: Person, header: str | None, language: str | None
) -> None:
    account = SIGNUP | {"email": "eve@useby.example"}
    headers = {"accept-language": header or ""}
    answer = await ada.http.post("/api/auth/signup", json=account, headers=headers)
    assert answer.status_code == 202, answer.text

    tokens = (await ada.http.post("/api/auth/login", json=account)).json()

    bearer = {"authorization": f"Bearer {tokens['accessToken']}"}
    assert (await ada.http.get("/api/me", headers=bearer)).json()["language"] == language


async def test_members_in_one_batch_each_read_their_language(
    person: Callable[[str], Awaitable[Person]], house: InProcessNode
) -> None:
    """All alerts are due at the same moment, and claimed together."""
    expected = {
        None: "Milch expires tomorrow",
        "en": "\u2068Milch\u2069 expires tomorrow",
        "de": "\u2068Milch\u2069 läuft morgen ab",
        "pl": "\u2068Milch\u2069 – termin mija jutro",
        "ar": "تنتهي صلاحية \u2068Milch\u2069 غدًا",
        "ja": "\u2068Milch\u2069の期限は明日です",
    }
    people = {language: await person(f"who-{language}") for language in expected}
    for language, each in people.items():
        await each.changed(leadDays=[1], **({"language": language} if language else {}))
        await each.added(product("Milch", 2))

    house.wall.stopped = EIGHT + timedelta(days=1, hours=2)
    house.node.scheduler.wake()

    for language, each in people.items():
        found = await each.has_notified(2)
        assert found[1]["message"] == expected[language]
        assert found[1]["productName"] == "Milch"


async def test_every_message_of_the_server_is_in_the_language_of_the_account(
    ada: Person, house: InProcessNode
) -> None:
    await ada.changed(language="de", floodCap=1)
    ids = await ada.added(product("Ei", -1), product("Brot", 0), product("Reis", 90))
    found = await ada.has_notified(2)
    assert messages(found) == [
        "3 Produkte wurden hinzugefügt",
        (
            "2 Produkte brauchen Aufmerksamkeit: \u2068Ei\u2069 ist gestern abgelaufen und"
            " \u2068Brot\u2069 läuft heute ab"
        ),
    ]
    items = (await ada.items(found[1]["id"]))["items"]
    assert messages(items) == [
        "\u2068Ei\u2069 ist gestern abgelaufen",
        "\u2068Brot\u2069 läuft heute ab",
    ]
    await ada.http.post(f"/api/products/{ids[2]}/consume", json={})
    assert messages(await ada.has_notified(3))[2] == "\u2068Reis\u2069 wurde verbraucht"


async def test_a_snoozed_alert_is_in_the_language_of_the_moment_of_sending(
    ada: Person, house: InProcessNode
) -> None:
    await ada.added(product("Ham", -1))
    alert = (await ada.has_notified(2))[1]
    assert alert["message"] == "Ham expired yesterday"
    path = f"/api/notifications/{alert['id']}/snooze"
    assert (await ada.http.post(path, json={"for": "PT2H"})).status_code == 200
    await ada.changed(language="fr")

    house.wall.stopped = EIGHT + timedelta(hours=3)
    house.node.scheduler.wake()

    again = (await ada.has_notified(3))[2]
    assert (again["event"], again["message"]) == ("snoozed", "\u2068Ham\u2069 a expiré hier")
    assert (await ada.notified())[1]["message"] == "Ham expired yesterday"


async def test_a_message_of_an_application_stays_as_it_is_given(ada: Person) -> None:
    await ada.changed(language="ar")
    post = {"message": "The fridge is open", "type": "warning", "productName": "Fridge"}
    assert (await ada.http.post("/api/notifications", json=post)).status_code == 201
    assert messages(await ada.has_notified(1)) == ["The fridge is open"]


async def test_contract_words_and_errors_stay_english(ada: Person) -> None:
    await ada.changed(language="de")
    async with ada.connected() as client, asyncio.timeout(HANG_TIMEOUT):
        await ada.added(product("Milch", 90))
        shown = await frame(client)
        assert list(shown) == PLAIN_KEYS
        assert shown["message"] == "1 Produkt wurde hinzugefügt"
    refused = await ada.http.patch("/api/me", json={"language": "it"})
    assert refused.status_code == 422
    assert "must be a language tag (BCP 47) of ar, de" in refused.text


async def test_a_calendar_is_in_the_language_of_the_member_who_has_it(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    hers, his = shared.owner, shared.clients[Role.EDITOR]
    await set_me(his, language="de")
    await added(hers, quantity="1.5", unit="l", dateKind="best_before")
    for client, summary, contents in (
        (hers, "Best before: Organic Milk", "Quantity: 1.5 l"),
        (his, "Mindestens haltbar bis: \u2068Organic Milk\u2069", "Menge: 1\\,5 \u2068l\u2069"),
    ):
        url = (await client.post("/api/calendars")).json()["url"]
        lines = (await rest.client().get(url)).text.replace("\r\n ", "").split("\r\n")
        assert f"SUMMARY:{summary}" in lines
        assert f"DESCRIPTION:{contents}" in lines
