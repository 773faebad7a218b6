"""Signing up, in, on and out.

covers: useby.api.accounts, useby.schemas.accounts
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.rest_app import Rest

from useby.auth import refresh
from useby.auth.rate_limits import RateLimiter
from useby.domain.events import AccessRevoked, Event
from useby.store import accounts, slices, tickets
from useby.store.database import Database
from useby.store.schema import users

ADA = {"email": "ada@useby.example", "password": "correct horse"}


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counted:
    hasher = Counted()
    cheap_passwords(hasher, monkeypatch).close()
    return hasher


@pytest.fixture
async def rest(database: Database, hasher: Counted) -> AsyncIterator[Rest]:
    assert hasher.work == []
    rest = Rest(database, login_rate="100/minute", signup_rate="100/minute")
    yield rest
    rest.context.passwords.close()
    await rest.close()


@pytest.fixture
def anybody(rest: Rest) -> httpx.AsyncClient:
    return rest.client()


async def signed_in(client: httpx.AsyncClient, **given: str) -> dict[str, Any]:
    answer = await client.post("/api/auth/login", json=ADA | given)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/refresh", json={"refreshToken": token})


async def opens(rest: Rest, tokens: dict[str, Any]) -> bool:
    """Return True if the access token still opens its owner's account."""
    bearer = rest.client(authorization=f"Bearer {tokens['accessToken']}")
    answer = await bearer.get("/api/me")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def count_of_users(rest: Rest) -> int:
    counted = sa.select(sa.func.count()).select_from(users)
    return await rest.database.read(lambda c: c.scalar(counted)) or 0


async def test_a_user_who_signs_up_can_sign_in(rest: Rest, anybody: httpx.AsyncClient) -> None:
    more = {"name": "  Ada ", "timeZone": "Europe/Berlin"}
    answer = await anybody.post("/api/auth/signup", json=ADA | more)
    assert answer.status_code == 202
    tokens = await signed_in(anybody)
    assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 900)
    me = await rest.client(authorization=f"Bearer {tokens['accessToken']}").get("/api/me")
    shown = me.json()
    assert (shown["email"], shown["name"]) == ("ada@useby.example", "Ada")
    assert (shown["timeZone"], shown["alertTime"]) == ("Europe/Berlin", "09:00")


async def test_a_sign_up_does_not_reveal_that_an_e_mail_is_taken(
    rest: Rest, anybody: httpx.AsyncClient, hasher: Counted
) -> None:
    published, spent = [], []
    for email in ("ada@useby.example", "ada@useby.example", "ADA@useby.example"):
        hasher.work.clear()
        answer = await anybody.post("/api/auth/signup", json=ADA | {"email": email})
        published.append((answer.status_code, answer.content, dict(answer.headers)))
        spent.append(hasher.work.copy())
    assert published[0] == published[1] == published[2]
    assert spent == [["hash"]] * 3
    assert await count_of_users(rest) == 1


async def test_a_second_sign_up_changes_nothing_of_the_account(
    anybody: httpx.AsyncClient,
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    await anybody.post("/api/auth/signup", json=ADA | {"password": "something else"})
    await signed_in(anybody)
    wrong = await anybody.post("/api/auth/login", json=ADA | {"password": "something else"})
    assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "a b@useby.example"}, "email"),
        ({"email": "ada@x\x00"}, "email"),
        ({"email": "\u0130" * 240 + "@useby.example"}, "email"),  # longer in lower case
        ({"password": "short"}, "password"),
        ({"password": "x" * 201}, "password"),
        ({"timeZone": "Atlantis"}, "timeZone"),
        ({"timeZone": "../../etc/passwd"}, "timeZone"),
        ({"name": "x" * 201}, "name"),
        ({"admin": True}, "admin"),
    ],
)
async def test_an_invalid_sign_up_is_422_names_the_field_and_repeats_no_password(
    rest: Rest, anybody: httpx.AsyncClient, given: dict[str, Any], field: str
) -> None:
    answer = await anybody.post("/api/auth/signup", json=ADA | given)
    assert answer.status_code == 422
    assert field in answer.text
    assert (ADA | given)["password"] not in answer.text
    assert await count_of_users(rest) == 0


@pytest.mark.parametrize("settings", [{"signup": False}, {"host": "0.0.0.0"}], ids=str)
async def test_a_node_without_sign_up_states_it(
    database: Database, hasher: Counted, settings: dict[str, Any]
) -> None:
    rest = Rest(database, **settings)
    answer = await rest.client().post("/api/auth/signup", json=ADA)
    assert answer.status_code == 403
    assert hasher.work == []
    assert (await rest.client().get("/api/auth/signup")).json() == {"open": False}
    await rest.close()


async def test_a_node_with_sign_up_states_it(anybody: httpx.AsyncClient) -> None:
    assert (await anybody.get("/api/auth/signup")).json() == {"open": True}


async def test_a_wrong_password_an_unknown_e_mail_and_a_disabled_user_get_the_same_answer(
    rest: Rest, anybody: httpx.AsyncClient, hasher: Counted
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    await anybody.post("/api/auth/signup", json=ADA | {"email": "eve@useby.example"})
    eve = await rest.database.read(lambda c: accounts.user_by_email(c, "eve@useby.example"))
    assert eve is not None
    await rest.database.write(
        lambda t: accounts.disable_user(t, eve.id, disabled=True, now=rest.now)
    )
    await signed_in(anybody)
    published, spent = [], []
    for given in (
        {"password": "wrong"},
        {"email": "nobody@useby.example"},
        {"email": "eve@useby.example"},
    ):
        hasher.work.clear()
        answer = await anybody.post("/api/auth/login", json=ADA | given)
        published.append((answer.status_code, answer.content, dict(answer.headers)))
        spent.append(hasher.work.copy())
    assert published[0][0] == 401
    assert published[0] == published[1] == published[2]
    assert spent == [["verify"]] * 3


async def test_an_e_mail_is_the_same_in_whatever_case(anybody: httpx.AsyncClient) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    await signed_in(anybody, email="Ada@USEBY.example ")


async def test_a_refresh_token_is_spent_for_the_next_and_the_next_one_works(
    rest: Rest, anybody: httpx.AsyncClient
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    tokens = await signed_in(anybody)
    for _ in range(5):
        rest.now += timedelta(minutes=14)
        answer = await refreshed(anybody, tokens["refreshToken"])
        assert answer.status_code == 200
        assert answer.json()["refreshToken"] != tokens["refreshToken"]
        tokens = answer.json()
        assert await opens(rest, tokens)


async def test_a_refresh_that_is_repeated_at_once_gets_the_same_next_token(
    rest: Rest, anybody: httpx.AsyncClient
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    spent = (await signed_in(anybody))["refreshToken"]
    first = (await refreshed(anybody, spent)).json()
    rest.now += timedelta(seconds=9)
    again = (await refreshed(anybody, spent)).json()
    assert again["refreshToken"] == first["refreshToken"]
    assert await opens(rest, first)


async def test_a_spent_token_that_comes_back_later_ends_the_sign_in_and_its_sockets(
    rest: Rest, anybody: httpx.AsyncClient
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    stolen, other = await signed_in(anybody), await signed_in(anybody)
    newest = (await refreshed(anybody, stolen["refreshToken"])).json()
    published: list[Event] = []
    rest.database.on_commit = published.append
    rest.now += timedelta(seconds=11)
    assert (await refreshed(anybody, stolen["refreshToken"])).status_code == 401
    assert (await refreshed(anybody, newest["refreshToken"])).status_code == 401
    assert not await opens(rest, stolen)
    assert not await opens(rest, newest)
    assert await opens(rest, other), "another device signed in by itself"
    assert [type(each) for each in published] == [AccessRevoked]


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 129, "é" * 10, "a\0b"])
async def test_text_that_is_no_refresh_token_is_refused(
    anybody: httpx.AsyncClient, token: str
) -> None:
    assert (await refreshed(anybody, token)).status_code in (401, 422)


async def test_a_refresh_token_ends_with_its_time_its_user_or_its_users_access(
    rest: Rest, anybody: httpx.AsyncClient
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    late, shut_out = await signed_in(anybody), await signed_in(anybody)
    user = await rest.database.read(lambda c: accounts.user_by_email(c, ADA["email"]))
    assert user is not None
    ada = user.id

    async def disable(*, disabled: bool) -> None:
        await rest.database.write(
            lambda t: accounts.disable_user(t, ada, disabled=disabled, now=rest.now)
        )

    await disable(disabled=True)
    assert (await refreshed(anybody, shut_out["refreshToken"])).status_code == 401
    assert not await opens(rest, shut_out)
    await disable(disabled=False)
    rest.now += timedelta(days=30)
    assert (await refreshed(anybody, late["refreshToken"])).status_code == 401
    gone = await signed_in(anybody)
    await rest.database.write(lambda t: slices.delete_user(t, ada))
    assert (await refreshed(anybody, gone["refreshToken"])).status_code == 401


@pytest.mark.parametrize("by", ["refresh token", "access token"])
async def test_a_logout_ends_its_own_sign_in_and_no_other(
    rest: Rest, anybody: httpx.AsyncClient, by: str
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    one, other = await signed_in(anybody), await signed_in(anybody)
    published: list[Event] = []
    rest.database.on_commit = published.append
    if by == "access token":
        bearer = rest.client(authorization=f"Bearer {one['accessToken']}")
        answer = await bearer.post("/api/auth/logout")
    else:
        body = {"refreshToken": one["refreshToken"]}
        answer = await anybody.post("/api/auth/logout", json=body)
    assert answer.status_code == 204
    assert not await opens(rest, one)
    assert (await refreshed(anybody, one["refreshToken"])).status_code == 401
    assert await opens(rest, other)
    assert [type(each) for each in published] == [AccessRevoked]


async def test_a_logout_with_an_unknown_token_is_no_error_and_without_any_it_is(
    anybody: httpx.AsyncClient,
) -> None:
    unknown = await anybody.post("/api/auth/logout", json={"refreshToken": "x" * 43})
    assert unknown.status_code == 204
    assert (await anybody.post("/api/auth/logout")).status_code == 401


async def test_logging_out_everywhere_ends_every_sign_in(
    rest: Rest, anybody: httpx.AsyncClient
) -> None:
    await anybody.post("/api/auth/signup", json=ADA)
    one, other = await signed_in(anybody), await signed_in(anybody)
    bearer = rest.client(authorization=f"Bearer {one['accessToken']}")
    assert (await bearer.post("/api/auth/logout-all")).status_code == 204
    for tokens in (one, other):
        assert not await opens(rest, tokens)
        assert (await refreshed(anybody, tokens["refreshToken"])).status_code == 401
    assert await opens(rest, await signed_in(anybody))


@pytest.mark.parametrize("route", ["login", "signup"])
async def test_too_many_attempts_are_429_with_retry_after_and_without_a_hash(
    database: Database, hasher: Counted, route: str
) -> None:
    rest = Rest(database, **{f"{route}_rate": "3/minute"})
    client = rest.client()
    for n in range(3):
        answer = await client.post(f"/api/auth/{route}", json=ADA | {"email": f"a{n}@x.example"})
        assert answer.status_code != 429
    hasher.work.clear()
    answer = await client.post(f"/api/auth/{route}", json=ADA)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert hasher.work == []
    await rest.close()


async def test_a_known_device_signs_in_although_its_network_has_had_its_attempts(
    database: Database, hasher: Counted
) -> None:
    rest = Rest(database, login_rate="3/minute", signup_rate="100/minute")
    client = rest.client()
    for email in ("ada@useby.example", "bob@useby.example"):
        await client.post("/api/auth/signup", json=ADA | {"email": email})
    tokens = await signed_in(client)

    async def restarted() -> None:
        """Forget every network, and use up the attempts of the client's own."""
        rest.context.rates = RateLimiter(rest.context.settings)
        for number in range(5):
            await client.post("/api/auth/login", json=ADA | {"email": f"{number}@useby.example"})
        assert (await client.post("/api/auth/login", json=ADA)).status_code == 429

    for number in range(5):
        wrong = ADA | {"email": f"{number}@useby.example"}
        answer = await client.post("/api/auth/login", json=wrong)
    assert answer.status_code == 429
    hasher.work.clear()
    bobs = await client.post("/api/auth/login", json=ADA | {"email": "bob@useby.example"})
    unknown = await client.post("/api/auth/login", json=ADA | {"email": "eve@useby.example"})
    assert (bobs.status_code, unknown.status_code, bobs.text) == (429, 429, unknown.text)
    assert hasher.work == []
    wrong = ADA | {"password": "a wrong one"}
    assert (await client.post("/api/auth/login", json=wrong)).text == unknown.text, (
        "others of the network do not see that it is known for this e-mail"
    )
    await signed_in(client)  # by its address
    await restarted()
    shown = {"refreshToken": tokens["refreshToken"]}
    for given in ({"refreshToken": "made up"}, shown | {"email": "bob@useby.example"}):
        assert (await client.post("/api/auth/login", json=ADA | given)).status_code == 429
    assert (await client.post("/api/auth/login", json=wrong | shown)).status_code == 401
    await signed_in(client, **shown)
    assert (await refreshed(client, tokens["refreshToken"])).status_code == 200, "it is not spent"
    await restarted()
    assert (await client.post("/api/auth/login", json=ADA | shown)).status_code == 429, "spent now"
    await rest.close()


async def test_a_ticket_belongs_to_its_requester_and_replaces_their_token_once(
    rest: Rest, anybody: httpx.AsyncClient
) -> None:
    assert (await anybody.post("/api/ws/ticket")).status_code == 401
    ada, bearer = await rest.person()
    given = (await bearer.post("/api/ws/ticket")).json()
    assert given["expiresIn"] == 30
    shown = (ada.id, refresh.hash_of(given["ticket"]))
    assert rest.context.tickets.owner_of(given["ticket"]) == ada.id

    async def redeemed() -> set[tuple[str, str]]:
        return set(await rest.database.write(lambda t: tickets.redeem(t, [shown], rest.now)))

    assert await redeemed() == {shown}
    assert await redeemed() == set()
