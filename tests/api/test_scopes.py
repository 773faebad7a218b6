"""One table of scope by route: a key does nothing that its scopes do not name.

covers: useby.api.scopes
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.api.test_isolation import BODIES, operations, rows_of
from tests.api.test_openapi import example_of
from tests.support.api_keys import a_key
from tests.support.rest_app import Rest, added

from useby.api import notifications
from useby.api.scopes import MAY, NOT_FOR_KEYS, OPEN
from useby.domain.api_key import OWN_SCOPES, KeyScope, granted

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "keys.md"
REFUSED: Final = {401, 403, 404, 405, 500}
READS: Final = (
    r"GET /api/(products|lots|movements)(/\{\w+\}|/\{\w+\}/(lots|movements)|/counts(/weeks)?)?",
    r"POST /api/scan",
    r"GET /api/export",
)
WRITES: Final = (
    r"(POST|PUT|PATCH|DELETE) /api/(products|lots|movements)(?!/batch)(?!.*polic).*",
    r"POST /api/products/batch",
    r"POST /api/import",
)
CONTRACT: Final[dict[KeyScope, tuple[str, ...]]] = {
    KeyScope.NOTIFY: (r"POST /api/notifications(/batch)?",),
    KeyScope.LISTEN: (
        r"POST /api/ws/ticket",
        r"GET /api/notifications(/unread-count|/\{\w+\}/items)?",
        r"POST /api/notifications/(read-all|\{\w+\}/read)",
    ),
    KeyScope.STOCK_READ: READS,
    KeyScope.STOCK_WRITE: (*READS, *WRITES),
    KeyScope.CALENDAR: (r"(POST|GET) /api/calendars", r"DELETE /api/calendars/\{calendar_id\}"),
}
"""What each scope may do, as the contract words it."""


def named(scope: KeyScope, method: str, path: str) -> bool:
    return any(re.fullmatch(each, f"{method} {path}") for each in CONTRACT[scope])


async def test_every_operation_stands_in_the_table_once(rest: Rest) -> None:
    documented = [name for name, _, _ in await operations(rest.client())]
    assert len(set(documented)) == len(documented)
    listed = {name for names in MAY.values() for name in names}
    assert listed | NOT_FOR_KEYS | OPEN == set(documented)
    assert not listed & NOT_FOR_KEYS
    assert not listed & OPEN
    assert not NOT_FOR_KEYS & OPEN


async def test_the_page_of_keys_has_the_routes_of_each_scope(rest: Rest) -> None:
    routes = {name: f"{method} {path}" for name, method, path in await operations(rest.client())}
    rows = re.findall(r"^\| `([a-z:]+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    written = {scope: set(re.findall(r"`([A-Z]+ /[^`]*)`", cell)) for scope, cell in rows}
    assert written == {
        scope.value: {routes[name] for name in names} for scope, names in MAY.items() if names
    }


async def test_a_direct_route_has_the_operation_of_its_route_of_the_framework(rest: Rest) -> None:
    by_path = {(method, path): name for name, method, path in await operations(rest.client())}
    for route in notifications.DIRECT:
        assert by_path["POST", route.path] == route.operation


@pytest.mark.parametrize("scope", OWN_SCOPES)
async def test_a_key_does_nothing_that_its_scope_does_not_name(rest: Rest, scope: KeyScope) -> None:
    every = {name for name, _, _ in await operations(rest.client())} - OPEN - {"deleteMe"}
    allowed = await tried(rest, scope, every, "application/json")
    assert allowed == {name for each in granted([scope]) for name in MAY[each]}


@pytest.mark.parametrize("scope", OWN_SCOPES)
async def test_a_key_does_no_more_where_the_framework_answers_for_a_direct_route(
    rest: Rest, scope: KeyScope
) -> None:
    """A direct route leaves bodies of this type to the framework."""
    direct = {route.operation for route in notifications.DIRECT}
    allowed = await tried(rest, scope, direct, "application/json; charset=utf-8")
    assert allowed == {name for each in granted([scope]) for name in MAY[each]} & direct


async def tried(rest: Rest, scope: KeyScope, names: set[str], kind: str) -> set[str]:
    """Try operations with a key, whose refusals are checked; return those that it may do."""
    document = (await rest.client().get("/api/openapi.json")).json()
    own = ", ".join(sorted(granted([scope])))
    owner, allowed = await an_owner(rest, scope, kind), set()
    for name, method, path in await operations(rest.client()):
        if name not in names:
            continue
        url = path.format(**owner.ids)
        body = body_of(document, name, method, path)
        answer = await owner.program.request(method, url, json=body)
        if named(scope, method, path):
            allowed.add(name)
            assert answer.status_code not in REFUSED, f"{name}: {answer.text}"
            owner = await an_owner(rest, scope, kind)
            continue
        assert answer.status_code == HTTPStatus.FORBIDDEN, f"{name}: {answer.text}"
        needed = [each for each in OWN_SCOPES if named(each, method, path)]
        if needed:
            expected = f"This key has the scope {own}, and this needs {needed[0]}"
        elif name in MAY[KeyScope.NOTIFY_ANY]:
            expected = f"This key has the scope {own}, and this needs notify:any"
        else:
            expected = "No key may do this, whatever its scopes: use the access token of a sign-in."
        assert answer.json()["detail"].startswith(expected), name
        assert await owner.rows(rest) == owner.before, name
    return allowed


async def test_a_key_cannot_delete_the_account(rest: Rest) -> None:
    _, person = await rest.person()
    key = (await a_key(person, *OWN_SCOPES))["key"]
    program = rest.client(authorization=f"Bearer {key}")
    for body in ({}, {"password": "x"}):
        answer = await program.request("DELETE", "/api/me", json=body)
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert (await person.get("/api/me")).status_code == HTTPStatus.OK


@dataclass
class Owner:
    """A person with one of each row, and a program with a key of theirs."""

    id: str
    ids: dict[str, str]
    program: httpx.AsyncClient
    before: str = ""

    async def rows(self, rest: Rest) -> str:
        """The person's rows, without the day on which a key was last used."""
        found = await rest.database.read(lambda c: rows_of(c, self.id))
        return repr(found).replace("'2026-03-02', None)", "None, None)")


async def an_owner(rest: Rest, scope: KeyScope, kind: str) -> Owner:
    user, person = await rest.person()
    key = (await a_key(person, scope))["key"]
    headers = {"content-type": kind, "authorization": f"Bearer {key}"}
    owner = Owner(user.id, await ids_of(person), rest.client(**headers))
    owner.before = await owner.rows(rest)
    return owner


async def ids_of(person: httpx.AsyncClient) -> dict[str, str]:
    product = await added(person, quantity="2")
    (lot,) = (await person.get(f"/api/products/{product['id']}/lots")).json()["items"]
    movement = (await person.get("/api/movements")).json()["items"][0]
    received = (await person.post("/api/notifications", json={"message": "Tea"})).json()
    calendar = (await person.post("/api/calendars")).json()
    key = await a_key(person, "notify")
    session = (await person.get("/api/sessions")).json()["items"][0]
    return {
        "product_id": product["id"],
        "channel_id": product["id"],
        "lot_id": lot["id"],
        "movement_id": movement["id"],
        "notification_id": received["id"],
        "calendar_id": calendar["id"],
        "key_id": key["id"],
        "session_id": session["id"],
        "household_id": product["id"],
        "invitation_id": product["id"],
        "token": product["id"],
        "user_id": (await person.get("/api/me")).json()["id"],
        "external_id": "fridge-17",
        "scope": "location",
        "key": "shelf",
    }


def body_of(document: dict[str, Any], name: str, method: str, path: str) -> Any:
    if name == "logout":
        return None  # with a refresh token in its body it needs no other
    operation = document["paths"][path][method.lower()]
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        return example_of(document, operation)
    return BODIES.get(name)
