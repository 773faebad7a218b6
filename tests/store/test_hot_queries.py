"""Every statement a node runs names the user whose rows it means, so that rows spread by user.

The statements are those a whole node really runs, on both stores, while every route, every frame
and the alert clock have their turn. What does without the user's key is listed here by name, with
its reason; another statement that lacks it fails the test.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.databases import database_url
from tests.support.every_action import (
    every_action_by_a_link,
    every_action_of_keys,
    every_action_of_services,
    every_action_on_calendars,
    every_action_on_channels,
    every_action_on_households,
    every_action_on_notifications,
    every_action_on_policies,
    every_action_on_products,
    every_action_on_the_account,
    every_way_to_leave,
)
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.node_fixtures import start, wall
from tests.support.time_limits import HANG_TIMEOUT

from useby.auth.password_links import PasswordLink, new_token
from useby.store.schema import metadata

__all__ = ["database_url", "start", "wall"]

KEYS = {
    table.name: {"user_id", "household_id"}
    if table.name.startswith("member")  # a row is of both
    else {"user_id"}
    if "user_id" in table.c
    else {"id" if table.name in ("users", "households") else "household_id"}
    for table in metadata.tables.values()
}
EXCEPTED = {
    "the clock looks for what is due": (
        r"FROM products JOIN users .*coalesce\(products\.next_alert_at, products\.alert_at\)",
        "It is of all users, and asks an index of its own; a shard can answer for itself.",
    ),
    "a name is looked for in the catalogue": (
        r"FROM catalogue\s+WHERE catalogue\.code =",
        "It is of no user, and read by its key; each shard can have a copy.",
    ),
    "the epoch of the database is read": (
        r"\(SELECT value FROM epoch\)",
        "It is one row, of no user; a shard has its own.",
    ),
    "the clock looks for large work that is not finished": (
        r"FROM (unfinished|closings|shared_reads)(\)| (JOIN users .* )?ORDER BY \w+\.since)",
        "It is of all users, and the tables are all but empty; a shard can answer for itself.",
    ),
    "the clock looks for alerts that are held": (
        r"FROM alert_holds JOIN users .* ORDER BY alert_holds\.until",
        "It is of all users, and the table is all but empty; a shard can answer for itself.",
    ),
    "the clock looks for snoozes that are over": (
        r"FROM snoozes JOIN users .* ORDER BY snoozes\.until",
        "It is of all users, and asks an index of its own; a shard can answer for itself.",
    ),
    "sign-ins that are over are purged": (
        r"FROM sessions\s+WHERE sessions\.expires_at <=",
        "It is of all users, a few at most with a new sign-in; a shard can purge for itself.",
    ),
    "idempotency keys that are over are purged": (
        r"^DELETE FROM idempotency_keys WHERE .* IN \(SELECT .*idempotency_keys\.expires_at <=",
        "It is of all users, a hundred at most with a new key; a shard can purge for itself.",
    ),
    "tickets that nobody has shown in time are purged": (
        r"^DELETE FROM tickets WHERE .* IN \(SELECT .*tickets\.expires_at <=",
        "It is of all users, a hundred at most with a new ticket; a shard can purge for itself.",
    ),
    "somebody signs in or up": (
        r"FROM users\s+WHERE (users\.id = \S+ OR )?users\.email =",
        "Cold: an e-mail is all there is to go by.",
    ),
    "a refresh token is found or spent": (
        r"(FROM refresh_tokens (JOIN .*)?|^UPDATE refresh_tokens .*)WHERE refresh_tokens\.token_h",
        "Once in an access token's life: the token, which names nobody, is all there is to go by.",
    ),
    "the lot of an item is looked for": (
        r"lots\.household_id = coalesce\(notification_items\.household_id",
        "It is in the household of its notification, which may be another than the user's own.",
    ),
    "sign-ins under the first key are found": (
        r"SELECT signing_keys\.first_id .*FROM sessions\s+WHERE sessions\.user_id =",
        "The table of keys is one row, of no user; a shard has its own.",
    ),
    "a key is found by its hash": (
        r"FROM api_keys\s+WHERE api_keys\.key_hash =",
        "Once by each node: the key, which names nobody, is all there is to go by.",
    ),
    "the days on which keys were used are stored": (
        r"^UPDATE api_keys SET used_on=.* WHERE api_keys\.key_hash IN",
        "Once a day for each key; its hash is its primary key.",
    ),
    "workers look for channels that have something to deliver": (
        r"FROM channels (JOIN users .* )?WHERE channels\.next_at .* ORDER BY channels\.next_at",
        "It is of all users, and asks an index of its own; a shard can answer for itself.",
    ),
    "a service key is still there": (
        r"FROM api_keys\s+WHERE api_keys\.user_id IS NULL AND api_keys\.id =",
        "It is of no user; once with each request of a service, however many users it has.",
    ),
    "users are found by what a service calls them": (
        r"FROM users\s+WHERE users\.email IN",
        "An e-mail is all there is to go by; a service can send ids.",
    ),
    "a service repeats a request": (
        r"(FROM|INTO) service_answers",
        "It is of a service key, whose requests have many users.",
    ),
    "a calendar is found by its secret": (
        r"FROM calendars\s+WHERE calendars\.secret_hash =",
        "A few times an hour: the address, which names nobody, is all there is to go by.",
    ),
    "an invitation is found by its token": (
        r"FROM household_invitations\s+WHERE household_invitations\.token_hash =",
        "Cold: the token, which names no household, is all there is to go by.",
    ),
    "old read notifications are looked for": (
        r"FROM notifications ORDER BY notifications\.user_id, notifications\.seq",
        "It is of all users, every few hours; a shard can look for its own.",
    ),
}
OCCASIONAL = {"old read notifications are looked for"}
"""Statements that a node sends at times of its own, perhaps not during the test."""
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+AS\s+(\w+))?", re.IGNORECASE)
_COLUMN = r"(\w+)\.(\w+)"
_EQUAL = re.compile(rf"{_COLUMN} = (?:{_COLUMN}\b|[$?:(])(?!\S* OR\b)")
_IN_ROWS = re.compile(rf"\({_COLUMN}, [^()]*\) IN \(SELECT {_COLUMN}")
_IN = re.compile(rf"{_COLUMN} IN \((?:SELECT {_COLUMN}|[$?:])")
_INSERT = re.compile(r"^INSERT INTO (\w+) \(([^)]*)\)")
Start = Callable[..., Awaitable[InProcessNode]]


def without_key(statement: str) -> set[str]:
    """The tables, or their aliases, whose rows a statement asks for without their user's key.

    A key is given if it equals a parameter, or a column of what is no table (of ``given``, which
    is parameters), or a key that is given.
    """
    text = " ".join(statement.split())
    names = {alias or table: table for table, alias in _TABLE.findall(text) if table in KEYS}
    named = set(names)

    def is_key(name: str, column: str) -> bool:
        return name in names and column in KEYS[names[name]]

    given: set[str] = set()
    if (new := _INSERT.match(text)) is not None and KEYS.get(new[1], set()) & set(
        new[2].split(", ")
    ):
        given.add(new[1])
    same: list[tuple[str, str]] = []
    for pattern in (_EQUAL, _IN, _IN_ROWS):
        for one, its, other, others in pattern.findall(text):
            sides = [(one, its), *([(other, others)] if other else [])]
            keys = [name for name, column in sides if is_key(name, column)]
            rest = [name for name, column in sides if not is_key(name, column)]
            if len(keys) == 2:
                same.append((keys[0], keys[1]))
            elif not any(name in names for name in rest):
                given.update(keys)
    while spread := {
        name for pair in same for name in pair if given & set(pair) and name not in given
    }:
        given |= spread
    return named - given


def reason_for(statement: str) -> str | None:
    """The exception that a statement is."""
    text = " ".join(statement.split())
    return next((name for name, (like, _) in EXCEPTED.items() if re.search(like, text)), None)


@pytest.fixture
def statements() -> Iterator[Counter[str]]:
    """Statements sent to any database during the test, and how often."""
    seen: Counter[str] = Counter()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen[statement] += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.fixture
async def node(start: Start, database_url: str) -> InProcessNode:
    return await start(
        database_url=database_url, ping_interval=0.5, login_rate="99/minute", signup_rate="9/minute"
    )


async def test_every_statement_names_the_user_whose_rows_it_means(
    node: InProcessNode, wall: SettableClock, statements: Counter[str]
) -> None:
    statements.clear()  # the migrations' are no node's
    async with httpx.AsyncClient(
        base_url=node.node.url, trust_env=False, timeout=HANG_TIMEOUT
    ) as rest:
        await _every_route(node, rest)
    ours = [each for each in statements if any(re.search(rf"\b{name}\b", each) for name in KEYS)]
    assert len(ours) > 30
    lacking = {each: sorted(without_key(each)) for each in ours if without_key(each)}
    unexplained = [
        f"{names}: {each}" for each, names in lacking.items() if reason_for(each) is None
    ]
    assert not unexplained, "\n\n".join(unexplained)
    unused = EXCEPTED.keys() - {reason_for(each) for each in lacking} - OCCASIONAL
    assert not unused, "one is excepted for nothing"


async def _every_route(node: InProcessNode, rest: httpx.AsyncClient) -> None:
    document = (await rest.get("/api/openapi.json")).json()
    left = {
        operation["operationId"]: (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    headers: dict[str, str] = {}

    async def call(name: str, body: Any = None, *, ok: int | None = None, **query: str) -> Any:
        method, path = left.get(name) or called[name]
        called[name] = left.pop(name, (method, path))
        url = re.sub(r"\{(\w+)\}", lambda field: query.pop(field[1]), path)
        extra = {"Idempotency-Key": query.pop("key")} if "key" in query else {}
        answer = await rest.request(
            method, url, json=body, headers=headers | extra, params=query or None
        )
        given = (name, answer.status_code, answer.text)
        assert answer.is_success or answer.status_code == ok, given
        return answer.json() if "json" in answer.headers.get("content-type", "") else None

    called: dict[str, tuple[str, str]] = {}
    for name in ("live", "ready", "metrics", "signupIsOpen", "getConfig", "getPushKey"):
        await call(name)
    person = {"email": "ada@useby.example", "password": "a long enough password"}
    for _ in range(2):  # the second finds the e-mail taken
        await call("signup", person)
    tokens = await call("login", person)
    spent, tokens = tokens, await call("refresh", {"refreshToken": tokens["refreshToken"]})
    await call("refresh", {"refreshToken": spent["refreshToken"]})  # within its grace
    headers["Authorization"] = f"Bearer {tokens['accessToken']}"
    await every_action_of_keys(call, headers)
    await every_action_of_services(node, call, headers)
    ticket = (await call("issueTicket"))["ticket"]
    async with node.connected(ticket, subprotocols=["useby.v1"]) as client:
        await every_action_on_notifications(node, call, client, tokens["accessToken"])
        await every_action_on_products(call)
        await call("readDate", text="tomorrow")
        await every_action_on_policies(call)
        await every_action_on_calendars(call)
        await every_action_on_channels(call)
        await every_action_on_households(call, headers)
        await every_action_on_the_account(call, person)
    await every_way_to_leave(call, person, headers)
    headers.clear()
    invitation = new_token(b"another key", PasswordLink.INVITATION, "nobody", None, node.wall())
    await every_action_by_a_link(call, person["email"], invitation)
    assert left == {}, "a route is new: have it called here"


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("SELECT a FROM products WHERE products.user_id = $1::VARCHAR", set()),
        ("SELECT a FROM products WHERE products.id = ?", {"products"}),
        ("SELECT a FROM products WHERE products.user_id = products.id", {"products"}),
        ("SELECT a FROM users WHERE users.id = $1::VARCHAR OR users.email = $2", {"users"}),
        ("DELETE FROM notifications", {"notifications"}),
        ("INSERT INTO sessions (user_id, id) VALUES (?, ?)", set()),
        ("INSERT INTO refresh_tokens (token_hash) VALUES (?)", {"refresh_tokens"}),
        (
            "SELECT a FROM products JOIN users ON users.id = products.user_id WHERE users.id = ?",
            set(),
        ),
        (
            "SELECT a FROM products JOIN users ON users.id = products.user_id WHERE users.seq = ?",
            {"products", "users"},
        ),
        (
            (
                "DELETE FROM notifications WHERE (notifications.user_id, notifications.id)"
                " IN (SELECT given.user_id, given.id FROM unnest($1) AS given)"
            ),
            set(),
        ),
        (
            (
                "SELECT a FROM users JOIN x AS given ON given.id = users.id WHERE EXISTS"
                " (SELECT * FROM sessions WHERE sessions.id = given.session_id)"
            ),
            {"sessions"},
        ),
    ],
)
def test_a_statement_without_the_user_id_is_found(statement: str, lacking: set[str]) -> None:
    assert without_key(statement) == lacking
