"""Contract, section 2: opening."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support import process_node as live
from tests.support.foreign_clients import Client, Connect, Ended, nothing_more, take, until_closed
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import Wires

REQUIRED = Ended(1008, "Access token required")
INVALID = Ended(1008, "Invalid access token")
ISSUER, AUDIENCE = "https://issuer.example", "useby-devices"


# 2.1 no token


@pytest.mark.parametrize("query", ["", "?access_token=", "?token=x", "?access_token=&since=1"])
async def test_no_token_is_closed_at_once_with_1008_access_token_required(
    server: NodeProcess, connect: Connect, query: str
) -> None:
    client = await connect(server.socket_url() + query)
    assert await until_closed(client) == ([], REQUIRED)


@pytest.mark.parametrize("token", [None, "", "rubbish"])
async def test_the_upgrade_is_accepted_with_101_and_never_answered_401_or_403(
    server: NodeProcess, wires: Wires, token: str | None
) -> None:
    wire = await wires.upgraded(server.socket_url(token))
    assert (await wire.read_close())[0] == 1008


# 2.2 bad tokens


def forged(person: Person, **changes: object) -> str:
    """The person's token with other claims, signed with another key."""
    claims = jwt.decode(person.token, options={"verify_signature": False}) | changes
    return jwt.encode(claims, "another key, quite as long as it must be", "HS256")


def reissued(server: NodeProcess, person: Person, **changes: object) -> str:
    """The person's token with other claims, signed with the node's own key."""
    claims = jwt.decode(person.token, options={"verify_signature": False}) | changes
    token = jwt.encode(claims, server.key, "HS256", headers={"typ": "at+jwt"})
    server.secrets.add(token)
    return token


async def assert_closed(client: Client, ended: Ended) -> None:
    """Nothing is sent before such a close."""
    assert await until_closed(client) == ([], ended)


async def test_a_bad_signature_is_closed_with_1008_invalid_access_token(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    await assert_closed(await connect(server.socket_url(forged(person))), INVALID)
    turned = person.token[:-2] + ("A" if person.token[-2] != "A" else "B") + person.token[-1]
    await assert_closed(await connect(server.socket_url(turned)), INVALID)


async def test_the_wrong_issuer_is_closed_with_1008_invalid_access_token(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    token = reissued(server, person, iss="someone else")
    await assert_closed(await connect(server.socket_url(token)), INVALID)


@pytest.mark.parametrize(
    "token", ["rubbish", "a.b.c", "..", "%00", "\u00fc", "eyJhbGciOiJIUzI1NiJ9.e30.", "[" * 100]
)
async def test_a_malformed_token_is_closed_with_1008_invalid_access_token(
    server: NodeProcess, connect: Connect, token: str
) -> None:
    await assert_closed(await connect(server.socket_url(token)), INVALID)


async def test_an_expired_token_is_closed_with_1008_access_token_expired(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    token = server.token(person.id, person.session_id, seconds=-1)
    expired = Ended(1008, "Access token expired")
    await assert_closed(await connect(server.socket_url(token)), expired)


async def test_a_deleted_user_is_closed_with_1008_unknown_user(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    server.notify(person, ["unread, and never to be sent"])
    server.delete(person)
    unknown = Ended(1008, "Unknown user")
    await assert_closed(await connect(server.socket_url(person.token)), unknown)


async def test_a_user_who_is_disabled_is_closed_with_1008_unknown_user(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    server.notify(person, ["unread, and never to be sent"])
    server.disable(person)
    unknown = Ended(1008, "Unknown user")
    await assert_closed(await connect(server.socket_url(person.token)), unknown)


# 2.3 where the token comes from


async def test_the_token_may_come_from_the_authorization_bearer_header(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await connect(server.socket_url(), person.headers)
    assert (await take(client, 1))[0]["userId"] == person.id


async def test_the_same_token_in_both_places_opens(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await connect(server.socket_url(person.token), person.headers)
    assert (await take(client, 1))[0]["userId"] == person.id


async def test_an_empty_query_parameter_counts_as_none_and_the_header_is_taken(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await connect(server.socket_url(""), person.headers)
    assert (await take(client, 1))[0]["userId"] == person.id


async def test_if_query_and_header_differ_it_is_closed_with_1008_invalid_access_token(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    another = server.token(person.id, person.session_id)
    client = await connect(server.socket_url(another), person.headers)
    await assert_closed(client, INVALID)


# 2.4 origins and cookies


async def test_any_origin_opens_the_socket_unless_settings_name_some(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    headers = {"Origin": "https://anywhere.example"}
    client = await connect(server.socket_url(person.token), headers)
    assert (await take(client, 1))[0]["userId"] == person.id


async def test_no_cookie_ever_opens_the_socket(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    names = ("access_token", "token", "session", "Authorization")
    headers = {"Cookie": "; ".join(f"{name}={person.token}" for name in names)}
    await assert_closed(await connect(server.socket_url(), headers), REQUIRED)


# 2.5 the first frame


async def test_the_first_frame_is_exactly_connection_established(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    server.notify(person, ["waiting"])
    client = await connect(server.socket_url(person.token))
    assert await client.recv() == (
        '{"type":"CONNECTION_ESTABLISHED","message":"Notification WebSocket connected",'
        f'"userId":"{person.id}"}}'
    )


# 2.6 replay, then live


async def test_every_unread_notification_of_the_user_follows_oldest_first(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    stranger = server.person()
    server.notify(stranger, ["another user's"])
    received = server.notify(person, [f"no. {number}" for number in range(250)])
    client = await connect(server.socket_url(person.token))
    frames = await take(client, 251)
    assert [frame["id"] for frame in frames[1:]] == [each.id for each in received]
    assert await live.all_sent(client, rest, person) == []


async def test_live_notifications_follow_without_gap_reordering_or_repetition(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    """They are posted while the replay of 1,000 is under way, and go on after it."""
    waiting = [each.id for each in server.notify(person, [f"old {n}" for n in range(1000)])]
    client = await connect(server.socket_url(person.token))
    posts = asyncio.gather(*(live.post(rest, person, f"new {number}") for number in range(40)))
    frames = await take(client, 1 + 1000 + 40)
    posted = sorted(await posts, key=lambda each: each["seq"])
    last = await live.post(rest, person, "the last")
    frames += await take(client, 1)
    ids = [frame["id"] for frame in frames[1:]]
    assert ids == [*waiting, *(each["id"] for each in posted), last["id"]]
    assert await live.all_sent(client, rest, person) == []


async def test_delivery_is_at_least_once_and_mark_read_is_its_acknowledgement(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    first, second = server.notify(person, ["first", "second"])
    client = await connect(server.socket_url(person.token))
    await take(client, 3)
    await client.send(live.mark_read(first.id))
    assert await nothing_more(client) == []
    await client.close()
    again = await connect(server.socket_url(person.token))
    assert (await take(again, 2))[1]["id"] == second.id
    assert await live.all_sent(again, rest, person) == []


async def test_since_gets_in_place_of_all_unread_every_newer_notification_read_or_not(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    received = server.notify(person, [f"no. {number}" for number in range(150)])
    answer = await rest.post(f"/api/notifications/{received[140].id}/read", headers=person.headers)
    assert answer.status_code == 200
    client = await connect(server.socket_url(person.token, since=received[20].id))
    frames = await take(client, 1 + 129)
    assert [frame["id"] for frame in frames[1:]] == [each.id for each in received[21:]]
    assert await live.all_sent(client, rest, person) == []


async def test_since_the_newest_gets_only_live_ones(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    received = server.notify(person, ["unread", "and the newest"])
    client = await connect(server.socket_url(person.token, since=received[-1].id))
    await take(client, 1)
    posted = await live.post(rest, person, "live")
    assert (await take(client, 1))[0]["id"] == posted["id"]
    assert await live.all_sent(client, rest, person) == []


@pytest.mark.parametrize(
    "since", ["01890000-0000-7000-8000-000000000000", "rubbish", "", "1", "%", "\x00", "a" * 500]
)
async def test_an_unknown_since_means_all_unread(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient, since: str
) -> None:
    received = server.notify(person, ["one", "two"])
    client = await connect(server.socket_url(person.token, since=since))
    frames = await take(client, 3)
    assert [frame["id"] for frame in frames[1:]] == [each.id for each in received]
    assert await live.all_sent(client, rest, person) == []


async def test_another_users_since_means_all_unread(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    (theirs,) = server.notify(server.person(), ["another user's"])
    received = server.notify(person, ["one", "two"])
    client = await connect(server.socket_url(person.token, since=theirs.id))
    frames = await take(client, 3)
    assert [frame["id"] for frame in frames[1:]] == [each.id for each in received]
    assert await live.all_sent(client, rest, person) == []


# with settings of its own: named origins, and an outside issuer


@pytest.fixture(scope="module")
def outside() -> ec.EllipticCurvePrivateKey:
    """An outside issuer's key."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def particular(
    tmp_path_factory: pytest.TempPathFactory, outside: ec.EllipticCurvePrivateKey
) -> Iterator[NodeProcess]:
    """A node that names origins and takes an outside issuer's tokens."""
    folder: Path = tmp_path_factory.mktemp("particular")
    pem = outside.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with live.serving(
        folder,
        allowed_origins="https://app.example,https://other.example:8443",
        jwt_public_key=pem.decode(),
        jwt_algorithms="ES256",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwt_user_claim="userId",
        jwt_auto_provision="true",
    ) as server:
        yield server


def from_outside(server: NodeProcess, key: ec.EllipticCurvePrivateKey, **changes: object) -> str:
    """A token of the outside issuer."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "not-this",
        "userId": "person-from-outside",
        "iat": now,
        "exp": now + 600,
    } | changes  # a claim that is ``None`` is left out
    token = jwt.encode({name: value for name, value in claims.items() if value}, key, "ES256")
    server.secrets.add(token)
    return token


@pytest.mark.parametrize("origin", ["https://app.example", "https://other.example:8443", None])
async def test_a_named_origin_or_an_absent_one_opens_the_socket(
    particular: NodeProcess, connect: Connect, origin: str | None
) -> None:
    someone = particular.person()
    headers = {"Origin": origin} if origin else {}
    client = await connect(particular.socket_url(someone.token), headers)
    assert (await take(client, 1))[0]["userId"] == someone.id


async def test_an_origin_that_is_present_and_not_named_gets_1008_origin_not_allowed(
    particular: NodeProcess, connect: Connect
) -> None:
    someone = particular.person()
    headers = {"Origin": "https://evil.example"}
    client = await connect(particular.socket_url(someone.token), headers)
    await assert_closed(client, Ended(1008, "Origin not allowed"))


async def test_the_user_ids_claim_has_a_configurable_name(
    particular: NodeProcess, outside: ec.EllipticCurvePrivateKey, connect: Connect
) -> None:
    client = await connect(particular.socket_url(from_outside(particular, outside)))
    assert json.loads(await client.recv())["userId"] == "person-from-outside"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-audience"},
        {"aud": ["another-audience"]},
        {"aud": None},
        {"userId": None},
    ],
    ids=str,
)
async def test_the_wrong_issuer_or_audience_is_closed_with_1008_invalid_access_token(
    particular: NodeProcess,
    outside: ec.EllipticCurvePrivateKey,
    connect: Connect,
    changes: dict[str, object],
) -> None:
    token = from_outside(particular, outside, **changes)
    await assert_closed(await connect(particular.socket_url(token)), INVALID)
