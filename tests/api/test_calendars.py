"""Routes of calendars: what their answers reveal, and to whom.

covers: useby.schemas.calendars
"""

import re
import subprocess
import sys
from http import HTTPStatus

import httpx
from tests.support.rest_app import Rest, added

from useby.domain.calendar import MAX_CALENDARS

URL = re.compile(r"http://useby\.test/api/calendars/([\w-]{43})\.ics")


async def test_a_new_calendar_has_an_absolute_secret_address_that_nothing_stores(
    ada: httpx.AsyncClient,
) -> None:
    answer = await ada.post("/api/calendars")
    assert answer.status_code == HTTPStatus.CREATED
    assert answer.json().keys() == {"id", "url"}
    assert URL.fullmatch(answer.json()["url"])
    assert answer.headers["cache-control"] == "no-store"


async def test_the_list_has_ids_and_times_and_no_secrets(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    made = [(await ada.post("/api/calendars")).json() for _ in range(2)]
    answer = await ada.get("/api/calendars")
    assert [each["id"] for each in answer.json()["items"]] == [each["id"] for each in made]
    for each in answer.json()["items"]:
        assert each == {"id": each["id"], "createdAt": "2026-03-02T12:00:00Z"}
    for each in made:
        found = URL.fullmatch(each["url"])
        assert found
        assert found[1] not in answer.text


async def test_calendars_beyond_the_limit_are_409_with_what_to_do(ada: httpx.AsyncClient) -> None:
    for _ in range(MAX_CALENDARS):
        assert (await ada.post("/api/calendars")).status_code == HTTPStatus.CREATED
    answer = await ada.post("/api/calendars")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["detail"] == (
        "The account has 20 calendars, and there cannot be more. Delete one first."
    )


async def test_the_routes_of_an_account_need_its_token(rest: Rest) -> None:
    anybody = rest.client()
    for method, path in (("POST", ""), ("GET", ""), ("DELETE", "/x")):
        answer = await anybody.request(method, f"/api/calendars{path}")
        assert answer.status_code == HTTPStatus.UNAUTHORIZED


async def test_head_has_the_headers_of_get(rest: Rest, ada: httpx.AsyncClient) -> None:
    await added(ada)
    url = (await ada.post("/api/calendars")).json()["url"]
    got = await rest.client().get(url)
    head = await rest.client().head(url)
    assert head.status_code == HTTPStatus.OK
    assert head.headers == got.headers
    assert got.headers["cache-control"] == "private, no-cache"


async def test_an_address_that_opens_nothing_is_a_404_that_does_not_repeat_it(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    url = (await ada.post("/api/calendars")).json()["url"]
    (secret,) = re.findall(r"[\w-]{43}", url)
    for wrong in (secret[::-1], secret[:-1], "x", "%00" * 43, secret.upper()):
        answer = await rest.client().get(f"/api/calendars/{wrong}.ics")
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.json()["detail"] == "There is no such calendar."
        assert wrong not in answer.text + str(answer.headers) or wrong == "x"
    for path in (f"{secret}", f"{secret}.ics/", f"{secret}.ICS", f"a/{secret}.ics"):
        answer = await rest.client().get(f"/api/calendars/{path}")
        assert answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
        assert secret not in answer.text + str(answer.headers)


async def test_unknown_addresses_are_limited_by_network_and_known_ones_are_not(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    url = (await ada.post("/api/calendars")).json()["url"]
    anybody = rest.client()
    unknown = [(await anybody.get(f"/api/calendars/{'A' * 43}.ics")) for _ in range(11)]
    assert [each.status_code for each in unknown] == [HTTPStatus.NOT_FOUND] * 10 + [
        HTTPStatus.TOO_MANY_REQUESTS
    ]
    assert int(unknown[-1].headers["retry-after"]) > 0
    for _ in range(3):
        assert (await anybody.get(url)).status_code == HTTPStatus.OK


async def test_the_secret_is_no_token_of_the_account(rest: Rest, ada: httpx.AsyncClient) -> None:
    url = (await ada.post("/api/calendars")).json()["url"]
    (secret,) = re.findall(r"[\w-]{43}", url)
    thief = rest.client(authorization=f"Bearer {secret}")
    assert (await thief.get("/api/products")).status_code == HTTPStatus.UNAUTHORIZED
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await rest.client().request(method, url)
        assert answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED)
    assert (await rest.client().get(url)).status_code == HTTPStatus.OK


def test_a_node_without_calendars_does_not_load_icalendar() -> None:
    script = "import sys, useby.serving; print(sorted({'fastapi', 'icalendar'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["['fastapi']"]
