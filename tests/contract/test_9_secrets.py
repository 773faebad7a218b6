"""Contract, section 9: secrets. That none is in the log, each node's end asserts (``live``)."""

from collections.abc import Iterator

import httpx
import jwt
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import Connect, Ended, take, until_closed
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import Wires

PATH = "/api/ws/notification"
INVALID: tuple[list[str], Ended] = ([], Ended(1008, "Invalid access token"))


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node whose tickets are good for a second."""
    with live.serving(tmp_path_factory.mktemp("brief"), ticket_seconds=1) as server:
        yield server


async def ticket(server: NodeProcess, rest: httpx.AsyncClient, person: Person) -> str:
    answer = await rest.post("/api/ws/ticket", headers=person.headers)
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["ticket"]
    server.secrets.add(made)
    return made


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [PATH, PATH + "/", PATH + "/below", "/api/nowhere"])
async def test_the_token_is_in_no_answer_to_a_plain_request_and_a_404_on_that_path(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await rest.request(method, path, params={"access_token": person.token})
    assert 400 <= answer.status_code < 500
    assert person.token not in answer.text + str(answer.headers)


async def test_the_token_is_in_no_answer_to_a_400_on_that_path(
    server: NodeProcess, person: Person, wires: Wires
) -> None:
    target = f"{PATH}?access_token={person.token}"
    for line in (f"GET {target} HTTP/9.9", f"GE T {target} HTTP/1.1", f"GET {target}\x00 HTTP/1.1"):
        wire = await wires.tcp(server.url)
        await wire.send(f"{line}\r\nHost: localhost\r\n\r\n".encode())
        answer = await wire.read_to_end()
        assert answer.startswith(b"HTTP/1.1 400")
        assert person.token.encode() not in answer


async def test_the_token_is_in_no_log_line_at_any_level(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    """However it is written: by name in another case, percent-encoded, in a header, in a body."""
    await take(await connect(server.socket_url(person.token)), 1)
    await take(await connect(server.socket_url(), person.headers), 1)
    encoded = f"{PATH}?%61ccess_token={person.token.replace('.', '%2E')}"
    for target in (encoded, f"{PATH}?ACCESS_TOKEN={person.token}", f"/{person.token}"):
        await rest.get(target)
    await rest.post("/api/auth/refresh", json={"refreshToken": person.token[:128]})
    await rest.post("/api/auth/refresh", json={person.token: 1})
    before = server.log.count(" GET /api/docs 200 ")
    await rest.get("/api/docs")
    await live.until(lambda: server.log.count(" GET /api/docs 200 ") > before)
    for part in person.token.split(".")[1:]:
        assert part not in server.log


async def test_the_token_is_in_no_metric(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    await take(await connect(server.socket_url(person.token)), 1)
    await rest.get(PATH, params={"access_token": person.token})
    metrics = (await rest.get("/metrics")).text
    assert "useby_" in metrics
    assert person.token not in metrics
    assert person.id not in metrics


async def test_the_secret_of_a_calendar_is_in_no_log_metric_or_problem(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient, wires: Wires
) -> None:
    made = (await rest.post("/api/calendars", headers=person.headers)).json()
    secret = made["url"].rsplit("/", 1)[1].removesuffix(".ics")
    server.secrets.add(secret)
    path = made["url"].removeprefix(server.url)
    assert path == f"/api/calendars/{secret}.ics"
    first = await rest.get(path)
    head = await rest.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == first.headers["content-length"] != "0"
    same = await rest.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    answers = [await rest.get(path, headers={"Host": "evil.example:1"})]
    for method, other in (
        ("POST", path),
        ("DELETE", path),
        ("GET", path[:-4]),
        ("GET", path + "x"),
    ):
        answers.append(await rest.request(method, other, headers=person.headers))
    wire = await wires.tcp(server.url)
    await wire.send(f"GET {path} HTTP/9.9\r\nHost: localhost\r\n\r\n".encode())
    assert secret.encode() not in await wire.read_to_end()
    await rest.delete(f"/api/calendars/{made['id']}", headers=person.headers)
    answers.append(await rest.get(path))
    assert answers[-1].status_code == 404
    assert not [each for each in answers if secret in each.text + str(each.headers)]
    assert secret not in (await rest.get("/metrics")).text
    line = " GET /api/calendars/{secret}.ics 404 "
    await live.until(lambda: line in server.log)
    assert secret not in server.log


async def test_access_tokens_are_short_lived(server: NodeProcess, rest: httpx.AsyncClient) -> None:
    account = {"email": "short@example.org", "password": "a long enough password"}
    await rest.post("/api/auth/signup", json=account)
    tokens = (await rest.post("/api/auth/login", json=account)).json()
    server.secrets |= {tokens["accessToken"], tokens["refreshToken"], account["password"]}
    claims = jwt.decode(tokens["accessToken"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == tokens["expiresIn"] == 15 * 60


async def test_a_refresh_cookie_opens_no_socket_and_is_in_no_log_line(
    server: NodeProcess, connect: Connect, rest: httpx.AsyncClient
) -> None:
    account = {"email": "cookie@example.org", "password": "a long enough password"}
    await rest.post("/api/auth/signup", json=account)
    answer = await rest.post("/api/auth/login", json=account | {"cookie": True})
    token = answer.cookies["useby_refresh"]
    server.secrets |= {token, answer.json()["accessToken"], account["password"]}
    cookie = {"Cookie": f"useby_refresh={token}"}

    client = await connect(server.socket_url(), cookie)
    assert await until_closed(client) == ([], Ended(1008, "Access token required"))
    assert (await rest.get("/api/me", headers=cookie)).status_code == 401
    assert (await rest.post("/api/auth/refresh", json={"cookie": True})).status_code == 200, (
        "the client sends it there by itself"
    )
    rest.cookies.clear()
    assert token not in server.log


async def test_a_ticket_may_stand_in_access_token(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    client = await connect(server.socket_url(await ticket(server, rest, person)))
    assert (await take(client, 1))[0]["userId"] == person.id
    posted = await live.post(rest, person, "by a ticket as by a token")
    assert (await take(client, 1))[0]["id"] == posted["id"]


async def test_a_ticket_is_of_one_use(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    made = await ticket(server, rest, person)
    await take(await connect(server.socket_url(made)), 1)
    assert await until_closed(await connect(server.socket_url(made))) == INVALID


async def test_a_ticket_is_opaque_and_no_two_are_alike(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient
) -> None:
    made = [await ticket(server, rest, person) for _ in range(5)]
    assert len(set(made)) == 5
    assert all("." not in each and person.id not in each and len(each) > 32 for each in made)


async def test_a_ticket_is_good_for_30_seconds(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient
) -> None:
    answer = await rest.post("/api/ws/ticket", headers=person.headers)
    server.secrets.add(answer.json()["ticket"])
    assert answer.json()["expiresIn"] == 30


async def test_a_ticket_that_is_too_old_is_1008_invalid_access_token(
    brief: NodeProcess, everyone: list[Connect]
) -> None:
    """Good for a second here; a token of the same moment, good for two, marks its end."""
    person = brief.person()
    async with brief.rest() as rest:
        made = [await ticket(brief, rest, person) for _ in everyone]
    token = brief.token(person.id, person.session_id, seconds=2)
    assert (await until_closed(await everyone[0](brief.socket_url(token))))[1].code == 1008
    for connect, old in zip(everyone, made, strict=True):
        assert await until_closed(await connect(brief.socket_url(old))) == INVALID


async def test_a_ticket_of_a_session_that_was_signed_out_opens_nothing(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    made = await ticket(server, rest, person)
    await rest.post("/api/auth/logout-all", headers=person.headers)
    client = await connect(server.socket_url(made))
    assert await until_closed(client) == ([], Ended(1008, "Access revoked"))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
async def test_no_ticket_without_a_token(
    server: NodeProcess, rest: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await rest.post("/api/ws/ticket", headers=headers)).status_code == 401
