"""Web Push over REST: the key, and channels of browsers.

covers: useby.api.push
covers: useby.schemas.push
covers: useby.schemas.urls
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.push_browser import PushBrowser, b64, unb64, verified
from tests.support.rest_app import VAPID, Rest
from tests.support.webhook_receiver import LOOPBACK, Received, Receiver, receiving, status

from useby.actions import channels as actions
from useby.domain.account import TokenRefused
from useby.domain.channel import ChannelKind
from useby.store import accounts, channels
from useby.store.database import Database
from useby.store.schema import channels as channel_table
from useby.store.sessions import end_session

ENDPOINT = "https://push.example/send/an-endpoint-that-nobody-may-see"
BROWSER = PushBrowser()
PHONE: dict[str, Any] = {
    "kind": "webpush",
    "name": "Firefox on Android",
    "subscription": BROWSER.subscription(ENDPOINT),
}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def local(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a node that may send to this machine."""
    rest = Rest(database, outbound_allowed_networks=LOOPBACK, public_url="https://useby.example/")
    _, client = await rest.person()
    yield client
    for each in rest.context.senders.values():
        await each.close()
    await rest.close()


async def test_anybody_gets_the_public_key(rest: Rest) -> None:
    answer = await rest.client().get("/api/push/key")
    assert (answer.status_code, answer.json()) == (200, {"key": VAPID.public_key})
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(answer.json()["key"]))


async def test_a_browser_is_added_as_it_describes_itself_and_shows_no_secret(
    ada: httpx.AsyncClient,
) -> None:
    answer = await ada.post("/api/channels", json=PHONE)
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        "id": made["id"],
        "kind": "webpush",
        "name": "Firefox on Android",
        "url": None,
        "address": None,
        "confirmed": True,
        "enabled": True,
        "minimumSeverity": "info",
        "after": "PT0S",
        "onlyWhenAway": True,
        "createdAt": "2026-03-02T12:00:00Z",
        "state": "ok",
        "error": None,
        "errorAt": None,
        "secret": None,
    }
    path = f"/api/channels/{made['id']}"
    for each in (answer, await ada.get(path), await ada.get("/api/channels")):
        for secret in ("an-endpoint", b64(BROWSER.public), b64(BROWSER.auth)):
            assert secret not in each.text


async def test_the_same_subscription_is_one_channel_and_is_enabled_again(
    ada: httpx.AsyncClient,
) -> None:
    made = (await ada.post("/api/channels", json=PHONE)).json()
    change = {"enabled": False, "minimumSeverity": "error", "name": "Phone"}
    await ada.patch(f"/api/channels/{made['id']}", json=change)
    again = (await ada.post("/api/channels", json=PHONE)).json()
    assert again == made | change | {"enabled": True}
    assert len((await ada.get("/api/channels")).json()["items"]) == 1


async def test_a_subscription_of_two_people_is_two_channels(rest: Rest) -> None:
    for _ in range(2):
        _, client = await rest.person()
        assert (await client.post("/api/channels", json=PHONE)).status_code == 201
        assert len((await client.get("/api/channels")).json()["items"]) == 1


async def test_a_browser_with_another_subscription_keeps_its_channel(
    local: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = (await local.post("/api/channels", json=PHONE)).json()
    browser = PushBrowser()
    receiver.opens["/new"] = browser.read
    change = {"subscription": browser.subscription(receiver.url("/new"))}
    assert (await local.patch(f"/api/channels/{made['id']}", json=change)).status_code == 200
    answer = (await local.post(f"/api/channels/{made['id']}/test")).json()
    assert answer == {"sent": True, "detail": "the target answered 204"}
    (got,) = receiver.received
    assert got.message == "This is a test of the channel Firefox on Android."
    assert got.json["link"] == "https://useby.example/#/inbox"
    claims = verified(got.headers["authorization"], f"http://127.0.0.1:{receiver.port}")
    assert claims["key"] == VAPID.public_key


@pytest.mark.parametrize("code", [404, 410])
async def test_a_test_of_a_subscription_that_has_ended_removes_its_channel(
    code: int, local: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answer = lambda _: status(code)
    phone = PHONE | {"subscription": BROWSER.subscription(receiver.url())}
    made = (await local.post("/api/channels", json=phone)).json()
    answer = (await local.post(f"/api/channels/{made['id']}/test")).json()
    assert answer["sent"] is False
    assert "has ended" in answer["detail"]
    assert (await local.get(f"/api/channels/{made['id']}")).status_code == 404


async def test_a_browser_that_subscribes_again_during_a_test_keeps_its_channel(
    local: httpx.AsyncClient, receiver: Receiver
) -> None:
    phone = PHONE | {"subscription": BROWSER.subscription(receiver.url())}
    path = f"/api/channels/{(await local.post('/api/channels', json=phone)).json()['id']}"

    async def answer(_: Received) -> bytes:
        renewed = {"subscription": BROWSER.subscription(receiver.url("/renewed"))}
        assert (await local.patch(path, json=renewed)).status_code == 200
        return status(410)

    receiver.answer = answer
    assert (await local.post(f"{path}/test")).json()["sent"] is False
    assert (await local.get(path)).status_code == 200


def subscription(endpoint: Any = ENDPOINT, **keys: Any) -> dict[str, Any]:
    whole = BROWSER.subscription(endpoint)
    return whole | {"keys": whole["keys"] | keys}


REFUSED: dict[str, tuple[Any, str, str]] = {
    "none": (None, "subscription", "must be what PushSubscription.toJSON() returns"),
    "a text": (ENDPOINT, "subscription", "must be an object"),
    "no keys": ({"endpoint": ENDPOINT}, "subscription.keys", "is missing"),
    "no endpoint": (subscription(None), "subscription.endpoint", "must be an https URL"),
    "a path": (subscription("/push"), "subscription", "must be an https URL"),
    "a blank": (subscription("https://push.example/a b"), "subscription", "must be an https URL"),
    "a long one": (
        subscription("https://push.example/" + "x" * 2000),
        "subscription.endpoint",
        "must be an https URL",
    ),
    "plain http": (subscription("http://push.example/"), "subscription", "must begin with https"),
    "loopback": (subscription("https://127.0.0.1/"), "subscription", "must be at a public"),
    "metadata": (subscription("https://169.254.169.254/"), "subscription", "must be at a public"),
    "credentials": (subscription("https://a:b@push.example"), "subscription", "user name"),
    "a short auth": (subscription(auth="AAAA"), "subscription.keys.auth", "16 bytes"),
    "a long auth": (subscription(auth="A" * 43), "subscription.keys.auth", "16 bytes"),
    "not base64": (subscription(auth="!" * 22), "subscription.keys.auth", "16 bytes"),
    "another alphabet": (subscription(p256dh="+" * 87), "subscription.keys.p256dh", "P-256"),
    "a short key": (subscription(p256dh="BAAA"), "subscription.keys.p256dh", "P-256"),
    "zeroes": (subscription(p256dh=b64(b"\4" + bytes(64))), "subscription.keys.p256dh", "P-256"),
    "beside the curve": (
        subscription(p256dh=b64(BROWSER.public[:-1] + bytes([BROWSER.public[-1] ^ 1]))),
        "subscription.keys.p256dh",
        "P-256",
    ),
    "compressed": (
        subscription(p256dh=b64(b"\2" + BROWSER.public[1:])),
        "subscription.keys.p256dh",
        "P-256",
    ),
}


@pytest.mark.parametrize(("given", "at", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_subscription_that_is_wrong_is_refused_in_words(
    given: Any, at: str, reason: str, ada: httpx.AsyncClient
) -> None:
    answer = await ada.post("/api/channels", json=PHONE | {"subscription": given})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["at"] == f"body.{at}"
    assert reason in error["message"]
    assert b64(BROWSER.auth) not in answer.text


async def test_members_that_a_browser_adds_are_ignored(ada: httpx.AsyncClient) -> None:
    more = subscription(later="x") | {"options": {"userVisibleOnly": True}}
    assert (await ada.post("/api/channels", json=PHONE | {"subscription": more})).status_code == 201


async def test_a_target_of_another_kind_is_refused(ada: httpx.AsyncClient) -> None:
    hook = {"kind": "webhook", "name": "Hook", "url": "https://app.example/"}
    made = [(await ada.post("/api/channels", json=each)).json() for each in (hook, PHONE)]
    wrong = [{"subscription": PHONE["subscription"]}, {"url": "https://app.example/"}]
    for channel, change in zip(made, wrong, strict=True):
        answer = await ada.patch(f"/api/channels/{channel['id']}", json=change)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["at"] == f"body.{next(iter(change))}"
    for new, more in ((hook, wrong[0]), (PHONE, wrong[1])):
        assert (await ada.post("/api/channels", json=new | more)).status_code == 422


async def names(client: httpx.AsyncClient) -> list[str]:
    """Of the channels, oldest first."""
    return [each["name"] for each in (await client.get("/api/channels")).json()["items"]]


async def three_sign_ins(rest: Rest) -> dict[str, httpx.AsyncClient]:
    """Clients of one person, each with a channel of its browser; the first has a webhook, too."""
    user, first = await rest.person()
    clients = {"one": first, "two": await rest.sign_in(user), "three": await rest.sign_in(user)}
    for name, client in clients.items():
        browser = {"subscription": BROWSER.subscription(f"{ENDPOINT}/{name}"), "name": name}
        assert (await client.post("/api/channels", json=PHONE | browser)).status_code == 201
    hook = {"kind": "webhook", "name": "hook", "url": "https://app.example/"}
    assert (await first.post("/api/channels", json=hook)).status_code == 201
    return clients


async def sign_in_id(client: httpx.AsyncClient) -> str:
    (own,) = [
        each for each in (await client.get("/api/sessions")).json()["items"] if each["current"]
    ]
    found: str = own["id"]
    return found


async def test_a_sign_in_that_is_ended_ends_the_channel_of_its_browser_and_no_other(
    rest: Rest,
) -> None:
    clients = await three_sign_ins(rest)
    ended = await sign_in_id(clients["one"])
    assert (await clients["two"].delete(f"/api/sessions/{ended}")).status_code == 204
    assert await names(clients["two"]) == ["two", "three", "hook"]
    assert (await clients["three"].post("/api/auth/logout")).status_code == 204
    assert await names(clients["two"]) == ["two", "hook"]


async def test_a_browser_whose_sign_in_is_not_known_ends_with_any_sign_in(rest: Rest) -> None:
    """Nodes of the version before do not store it."""
    clients = await three_sign_ins(rest)
    its = channel_table.c.name == "three"
    unknown = sa.update(channel_table).where(its).values(session_id=None)
    await rest.database.write(lambda t: t.connection.execute(unknown))
    assert (await clients["one"].post("/api/auth/logout")).status_code == 204
    assert await names(clients["two"]) == ["two", "hook"]


async def test_a_changed_password_leaves_the_channel_of_the_browser_that_changed_it(
    rest: Rest,
) -> None:
    clients = await three_sign_ins(rest)
    own = await sign_in_id(clients["two"])
    user_id = (await clients["two"].get("/api/me")).json()["id"]
    await rest.database.write(
        lambda t: accounts.change_password(t, user_id, "hash", now=rest.now, keep_session=own)
    )
    assert await names(clients["two"]) == ["two", "hook"]


async def test_a_subscription_belongs_to_the_sign_in_that_has_renewed_it(rest: Rest) -> None:
    clients = await three_sign_ins(rest)
    first, second, _, _ = (await clients["two"].get("/api/channels")).json()["items"]
    again = PHONE | {"subscription": BROWSER.subscription(f"{ENDPOINT}/one")}
    assert (await clients["three"].post("/api/channels", json=again)).json()["id"] == first["id"]
    changed = {"subscription": BROWSER.subscription(f"{ENDPOINT}/four")}
    path = f"/api/channels/{second['id']}"
    assert (await clients["three"].patch(path, json=changed)).status_code == 200
    await clients["one"].patch(path, json={"name": "four"})  # another device may rename it
    for name in ("one", "two"):
        await clients[name].post("/api/auth/logout")
    assert await names(clients["three"]) == ["one", "four", "three", "hook"]
    last = await sign_in_id(clients["three"])
    user_id = (await clients["three"].get("/api/me")).json()["id"]
    await rest.database.write(lambda t: end_session(t, user_id, last, rest.now))
    left = await rest.database.read(lambda c: channels.list_(c, user_id))
    assert [each.name for each in left] == ["hook"]


async def test_no_browser_is_added_in_a_sign_in_that_ends_at_the_same_moment(rest: Rest) -> None:
    """The request has passed its check of the token when the sign-in ends."""
    user, client = await rest.person()
    own = await sign_in_id(client)
    made = (await client.post("/api/channels", json=PHONE)).json()
    fields = {"name": "Phone", "target": f"{ENDPOINT}/late", "secret": "a.b"}
    await rest.database.write(lambda t: end_session(t, user.id, own, rest.now))
    assert await rest.database.read(lambda c: channels.get(c, user.id, made["id"])) is None
    with pytest.raises(TokenRefused):
        await rest.database.write(
            lambda t: actions.create(t, user.id, ChannelKind.WEBPUSH, fields, rest.now, own)
        )
    assert await rest.database.read(lambda c: channels.list_(c, user.id)) == []


async def test_a_sign_out_everywhere_ends_the_browsers_and_no_other_channel(rest: Rest) -> None:
    user, client = await rest.person()
    _, other = await rest.person()
    hook = {"kind": "webhook", "name": "Hook", "url": "https://app.example/"}
    for each in (client, other):
        for new in (hook, PHONE):
            assert (await each.post("/api/channels", json=new)).status_code == 201
    assert (await client.post("/api/auth/logout-all")).status_code == 204
    left = await rest.database.read(lambda c: channels.list_(c, user.id))
    assert [channel.kind for channel in left] == [ChannelKind.WEBHOOK]
    assert len((await other.get("/api/channels")).json()["items"]) == 2
