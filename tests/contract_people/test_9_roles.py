"""Section 9: what each role may do, over every route that acts on a household.

covers: useby.api.stock_caller
"""

import json
import re
from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from tests.api.test_scopes import body_of
from tests.support.rest_app import Rest, added
from tests.support.shared_households import HEADER, Shared, a_household, leave

from useby.api.stock_caller import DEEDS
from useby.domain.household import MAY, Role
from useby.store.database import Connection
from useby.store.schema import lots, movements, products

MEMBERS: Final = (Role.EDITOR, Role.KIOSK, Role.VIEWER)
UNKNOWN: Final = "01a20b6e-0000-7000-8000-000000000000"
SEES: Final = (
    r"GET /api/(products|lots|movements)(/\{\w+\}(/(lots|movements|alerts))?|/counts(/weeks)?)?",
    r"POST /api/scan",
    r"GET /api/(export|stats|locations|categories|policies)",
    r"(POST|GET) /api/calendars",
    r"DELETE /api/calendars/\{calendar_id\}",
    r"(PUT|DELETE) /api/policies/(product|lot)/\{\w+\}",
    r"GET /api/policies/household",
)
"""What every member may do: see stock, and decide about their own alerts and calendars."""
USES: Final = (
    r"POST /api/(products|lots)/\{\w+\}/(consume|discard)",
    r"POST /api/lots/\{\w+\}/open",
    r"POST /api/movements/\{\w+\}/undo",
)
"""What a kiosk may do beside."""
MAY_DO: Final[dict[Role, tuple[str, ...]]] = {
    Role.EDITOR: (r".*",),
    Role.KIOSK: (*SEES, *USES),
    Role.VIEWER: SEES,
}
"""What each role may do of that which acts on a household, as the contract words it."""


async def operations_on_stock(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """Every operation with the header: its name, method and path."""
    document = (await client.get("/api/openapi.json")).json()
    return [
        (operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if any(each["name"] == HEADER for each in operation.get("parameters", ()))
    ]


async def test_the_header_counts_on_every_route_of_stock_and_on_no_other(rest: Rest) -> None:
    counts = re.compile(
        r"/api/(products|lots|movements|scan|import|export|stats|locations|categories|samples)\b.*"
        r"|/api/calendars(/\{calendar_id\})?|/api/policies(/(product|lot|household)\b.*)?"
    )
    client = rest.client()
    document = (await client.get("/api/openapi.json")).json()
    with_header = {path for _, _, path in await operations_on_stock(client)}
    assert with_header == {path for path in document["paths"] if counts.fullmatch(path)}


async def test_every_operation_on_stock_stands_in_the_table_once(rest: Rest) -> None:
    listed = [name for names in DEEDS.values() for name in names]
    assert len(set(listed)) == len(listed)
    assert set(listed) == {name for name, _, _ in await operations_on_stock(rest.client())}


async def ids_in(shared: Shared, client: httpx.AsyncClient) -> dict[str, str]:
    """Ids of a product of which the client's person has taken something, and of its rows."""
    product = await added(shared.owner, quantity="3")
    (lot,) = (await shared.owner.get(f"/api/products/{product['id']}/lots")).json()["items"]
    taken = await client.post(f"/api/lots/{lot['id']}/consume", json={"quantity": "1"})
    if taken.status_code == HTTPStatus.FORBIDDEN:
        taken = await shared.owner.post(f"/api/lots/{lot['id']}/consume", json={"quantity": "1"})
    calendars = (await client.get("/api/calendars")).json()["items"]
    calendar = calendars[0] if calendars else (await client.post("/api/calendars")).json()
    return {
        "product_id": product["id"],
        "lot_id": lot["id"],
        "movement_id": taken.json()["movements"][0]["id"],
        "calendar_id": calendar["id"],
        "external_id": "fridge-17",
    }


def content(document: dict[str, Any], name: str, method: str, path: str) -> dict[str, Any]:
    if name == "importProducts":
        return {"content": b"name,expiryDate\nTea,2027-01-01\n"}
    if method == "PUT" and "/policies/" in path:
        return {"json": {"muted": True}}
    return {"json": body_of(document, name, method, path)}


async def stock_of(rest: Rest, shared: Shared) -> str:
    return repr(await rest.database.read(lambda c: every_row(c, shared.id)))


def every_row(connection: Connection, household_id: str) -> list[list[Any]]:
    return [
        sorted(map(repr, connection.execute(sa.select(table).where(key == household_id))))
        for table, key in (
            (products, products.c.user_id),
            (lots, lots.c.household_id),
            (movements, movements.c.household_id),
        )
    ]


@pytest.mark.parametrize("role", MEMBERS)
async def test_a_role_may_do_what_the_contract_lists_and_nothing_else(
    rest: Rest, role: Role
) -> None:
    shared = await a_household(rest, role)
    client = shared.clients[role]
    document = (await client.get("/api/openapi.json")).json()
    ids = await ids_in(shared, client)
    allowed = set()
    for name, method, path in await operations_on_stock(client):
        may = any(re.fullmatch(each, f"{method} {path}") for each in MAY_DO[role])
        url, body = path.format(**ids), content(document, name, method, path)
        before = await stock_of(rest, shared)
        answer = await client.request(method, url, **body)
        if may:
            allowed.add(name)
            refused = {401, 403, 405, 500} | ({404} if not name.startswith("delete") else set())
            assert answer.status_code not in refused, f"{name}: {answer.text}"
            if method != "GET":
                ids = await ids_in(shared, client)
            continue
        assert answer.status_code == HTTPStatus.FORBIDDEN, f"{name}: {answer.text}"
        assert answer.json()["detail"].startswith(f"Your role in this household is {role.value},")
        assert await stock_of(rest, shared) == before, name
    assert allowed == {name for deed in MAY[role] for name in DEEDS.get(deed, ())}


@pytest.mark.parametrize("person", ["a stranger", "a former member"])
async def test_a_household_one_is_no_member_of_is_answered_like_one_that_does_not_exist(
    rest: Rest, person: str
) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.VIEWER)
    former = shared.clients[Role.EDITOR]
    ids = await ids_in(shared, former)
    await leave(shared, Role.EDITOR)
    _, stranger = await rest.person()
    client = stranger if person == "a stranger" else former
    client.headers.pop(HEADER, None)
    document = (await client.get("/api/openapi.json")).json()
    before = await stock_of(rest, shared)
    for name, method, path in await operations_on_stock(client):
        url, body = path.format(**ids), content(document, name, method, path)
        for where in ({"headers": {HEADER: "{}"}}, {"params": {"household": "{}"}}):
            answers = []
            for household in (shared.id, UNKNOWN, "nobody\u00e9"):
                sent = json.loads(json.dumps(where).replace("{}", household))
                if "headers" in sent and not household.isascii():
                    continue
                answer = await client.request(method, url, **body, **sent)
                answers.append((answer.status_code, answer.content))
            assert set(answers) == {answers[0]}, name
            assert answers[0][0] == HTTPStatus.NOT_FOUND, name
            assert b"There is no such household." in answers[0][1]
    assert await stock_of(rest, shared) == before


async def test_a_row_of_one_household_is_not_found_in_another_of_the_same_member(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.EDITOR)
    client = shared.clients[Role.EDITOR]
    ids = await ids_in(shared, client)
    before = await stock_of(rest, shared)
    del client.headers[HEADER]  # the editor's own household
    document = (await client.get("/api/openapi.json")).json()
    for name, method, path in await operations_on_stock(client):
        if "{" not in path or name == "putProduct" or "/policies/" in path:
            continue  # a policy of one's own for a row of any household of one's own
        url, body = path.format(**ids), content(document, name, method, path)
        answer = await client.request(method, url, **body)
        assert answer.status_code == HTTPStatus.NOT_FOUND, f"{name}: {answer.text}"
    assert await stock_of(rest, shared) == before
