"""The refresh token in a cookie, for the node's own page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.rest_app import Rest

from useby.domain.events import AccessRevoked, Event
from useby.store.database import Database

ADA = {"email": "ada@useby.example", "password": "correct horse"}
HOST = "useby.test"
ROUTE = "/api/auth/refresh"
BY_COOKIE = {"cookie": True}


@pytest.fixture
async def rest(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    cheap_passwords(Counted(), monkeypatch).close()
    rest = Rest(database, login_rate="100/minute")
    assert (await rest.client().post("/api/auth/signup", json=ADA)).status_code == 202
    yield rest
    rest.context.passwords.close()
    await rest.close()


def cookie_of(answer: httpx.Response) -> Morsel[str]:
    """The only cookie that an answer sets."""
    (header,) = answer.headers.get_list("set-cookie")
    (cookie,) = SimpleCookie(header).values()
    return cookie


async def signed_in(client: httpx.AsyncClient, base: str = "https://useby.test") -> Morsel[str]:
    answer = await client.post(f"{base}/api/auth/login", json=ADA | BY_COOKIE)
    assert answer.status_code == 200, answer.text
    assert "refreshToken" not in answer.json()
    client.cookies.clear()
    return cookie_of(answer)


async def exchanged(client: httpx.AsyncClient, token: str | None, **headers: str) -> httpx.Response:
    sent = headers | ({} if token is None else {"cookie": f"useby_refresh={token}"})
    answer = await client.post(ROUTE, json=BY_COOKIE, headers=sent)
    client.cookies.clear()
    return answer


async def test_a_cookie_is_for_the_refresh_route_of_this_site_and_for_no_script(
    rest: Rest,
) -> None:
    cookie = await signed_in(rest.client())

    assert cookie["path"] == ROUTE
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "strict")
    assert cookie["domain"] == ""
    assert int(cookie["max-age"]) == rest.context.settings.refresh_token_seconds


@pytest.mark.parametrize(
    ("base", "secure"),
    [
        ("http://useby.test", True),
        ("https://localhost", True),
        ("http://localhost:8000", ""),
        ("http://useby.localhost:8000", ""),
        ("http://127.0.0.2:8000", ""),
        ("http://[::1]:8000", ""),
        ("http://localhost.useby.test", True),
    ],
)
async def test_a_cookie_is_secure_except_on_loopback_without_tls(
    rest: Rest, base: str, secure: bool | str
) -> None:
    assert (await signed_in(rest.client(), base))["secure"] == secure


@pytest.mark.parametrize("host", ["[", "]", "", ":", "127.0.0.1.evil.example", "%00", "a b"])
async def test_a_malformed_host_is_not_loopback(rest: Rest, host: str) -> None:
    answer = await rest.client().delete(ROUTE, headers={"host": host})

    assert answer.status_code == 204
    assert cookie_of(answer)["secure"] is True


async def test_a_cookie_below_a_path_is_for_the_route_below_it(database: Database) -> None:
    rest = Rest(database, root_path="/useby")
    answer = await rest.client().delete(ROUTE)
    assert cookie_of(answer)["path"] == f"/useby{ROUTE}"
    await rest.close()


async def test_a_cookie_is_exchanged_for_the_next_and_an_access_token(rest: Rest) -> None:
    client, token = rest.client(), (await signed_in(rest.client())).value
    for _ in range(3):
        rest.now += timedelta(days=7)
        answer = await exchanged(client, token)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"accessToken", "tokenType", "expiresIn"}
        bearer = rest.client(authorization=f"Bearer {answer.json()['accessToken']}")
        assert (await bearer.get("/api/me")).status_code == 200
        assert cookie_of(answer).value != token
        token = cookie_of(answer).value


async def test_two_tabs_that_refresh_at_once_get_the_same_cookie_and_stay_signed_in(
    rest: Rest,
) -> None:
    client, token = rest.client(), (await signed_in(rest.client())).value

    first, second = await exchanged(client, token), await exchanged(client, token)

    assert cookie_of(first).value == cookie_of(second).value
    assert (await exchanged(client, cookie_of(first).value)).status_code == 200


async def test_a_stolen_cookie_that_is_used_later_ends_the_sign_in(rest: Rest) -> None:
    client, token = rest.client(), (await signed_in(rest.client())).value
    newest = cookie_of(await exchanged(client, token)).value
    rest.now += timedelta(seconds=11)

    assert (await exchanged(client, token)).status_code == 401
    assert (await exchanged(client, newest)).status_code == 401


async def test_a_client_that_asks_for_no_cookie_gets_the_token_in_the_answer(rest: Rest) -> None:
    client = rest.client()
    for given in (ADA, ADA | {"cookie": False}):
        answer = await client.post("/api/auth/login", json=given)
        assert "set-cookie" not in answer.headers
    token = answer.json()["refreshToken"]
    answer = await client.post(ROUTE, json={"refreshToken": token})
    assert "set-cookie" not in answer.headers
    assert answer.json()["refreshToken"] != token


@pytest.mark.parametrize("token", [None, "", "x", "x" * 43, "x" * 5000, "%00"])
async def test_a_cookie_that_is_missing_or_unknown_is_401(rest: Rest, token: str | None) -> None:
    answer = await exchanged(rest.client(), token)

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers, "another tab may have set a new one"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cookie": False},
        {"refreshToken": None},
        {"refreshToken": "x", "cookie": True},
        {"cookie": "perhaps"},
        {"cookie": 2},
    ],
)
async def test_a_request_names_one_source_of_the_token(rest: Rest, body: object) -> None:
    token = (await signed_in(rest.client())).value

    answer = await rest.client().post(
        ROUTE, json=body, headers={"cookie": f"useby_refresh={token}"}
    )

    assert answer.status_code == 422
    assert token not in answer.text
    assert (await exchanged(rest.client(), token)).status_code == 200, "it was not spent"


async def test_signing_out_ends_the_sign_in_of_the_cookie_and_deletes_it(rest: Rest) -> None:
    client, other = rest.client(), (await signed_in(rest.client())).value
    token = (await signed_in(client)).value
    published: list[Event] = []
    rest.database.on_commit = published.append

    answer = await client.delete(ROUTE, headers={"cookie": f"useby_refresh={token}"})

    assert answer.status_code == 204
    cookie = cookie_of(answer)
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", ROUTE)
    assert [type(each) for each in published] == [AccessRevoked]
    assert (await exchanged(client, token)).status_code == 401
    assert (await exchanged(client, other)).status_code == 200
    assert (await client.delete(ROUTE)).status_code == 204, "without a cookie, nothing ends"


FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "https://app.useby.test"},
    {"origin": "https://useby.test:8443"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "https://app.useby.test"},
    {"sec-fetch-site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_page_of_another_origin_cannot_use_a_cookie_set_one_or_end_it(
    rest: Rest, headers: dict[str, str]
) -> None:
    client = rest.client()
    token = (await signed_in(client)).value
    with_cookie = headers | {"cookie": f"useby_refresh={token}"}

    for answer in (
        await exchanged(client, token, **headers),
        await client.delete(ROUTE, headers=with_cookie),
        await client.post("/api/auth/login", json=ADA | BY_COOKIE, headers=headers),
    ):
        assert answer.status_code == 403, answer.text
        assert "set-cookie" not in answer.headers
    assert (await exchanged(client, token)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": f"https://{HOST}"},
        {"origin": f"http://{HOST}"},
        {"sec-fetch-site": "same-origin", "origin": "https://a-name-before-the-proxy.example"},
    ],
    ids=str,
)
async def test_the_nodes_own_page_may_use_the_cookie_behind_a_proxy_too(
    rest: Rest, headers: dict[str, str]
) -> None:
    token = (await signed_in(rest.client())).value

    assert (await exchanged(rest.client(), token, **headers)).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_a_form_of_another_page_cannot_exchange_a_cookie(rest: Rest, media_type: str) -> None:
    """A browser sends these types to another origin without asking the node first."""
    token = (await signed_in(rest.client())).value
    headers = {"cookie": f"useby_refresh={token}", "content-type": media_type}

    answer = await rest.client().post(ROUTE, content=b'{"cookie": true}', headers=headers)

    assert answer.status_code in (400, 422), answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me"),
        ("POST", "/api/ws/ticket"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/logout-all"),
        ("GET", ROUTE),
    ],
)
async def test_a_cookie_opens_no_other_route(rest: Rest, method: str, path: str) -> None:
    token = (await signed_in(rest.client())).value
    client = rest.client(cookie=f"useby_refresh={token}")

    assert (await client.request(method, path)).status_code in (401, 405)
    assert (await exchanged(rest.client(), token)).status_code == 200, "it was not spent"
