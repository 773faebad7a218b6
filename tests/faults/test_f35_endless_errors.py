"""F35: bodies that cost more to refuse than to send: unknown keys, nesting, lengths, numbers."""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import Wires

KIB, MIB = 1024, 1024 * 1024
LARGEST_ANSWER = 64 * KIB
UNKNOWN = b"{" + b",".join(b'"%06d":1' % n for n in range(190_000)) + b"}"
FEW = b"{" + b",".join(b'"%03d":1' % n for n in range(300)) + b"}"
PRODUCT = b'{"name":"Milk","expiryDate":"2026-03-04"'
REFUSED = {400, 401, 413, 422}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(
        tmp_path_factory.mktemp("f35"), login_rate="10000/minute", signup_rate="10000/minute"
    ) as server:
        yield server


def bodies() -> Iterator[tuple[str, str, bytes, bool]]:
    """Method, path, body, and whether a good token comes with it."""
    for path in ("/api/auth/login", "/api/auth/signup", "/api/auth/refresh", "/api/auth/logout"):
        for body in (UNKNOWN, FEW, b"[" * 4000, b'"' + b"x" * MIB + b'"', b"9" * 4000):
            yield "POST", path, body, False
    policies = b",".join(b'"%d":%s' % (n, FEW) for n in range(100))
    for body in (
        b'{"categories":' + UNKNOWN + b"}",
        b'{"categories":' + FEW + b"}",
        b'{"categories":{' + b",".join(b'"%d":1' % n for n in range(9000)) + b"}}",
        b'{"categories":{' + policies + b"}}",
        b'{"leadDays":[' + b'"x",' * 20_000 + b'"x"]}',
    ):
        yield "PATCH", "/api/me", body, True
    for path in ("/api/products", "/api/notifications"):
        yield "POST", path, UNKNOWN, True
        yield "POST", path, FEW, True
        yield "POST", path, PRODUCT + b',"quantity":' + b"9" * 4000 + b"}", True
        for items in (
            UNKNOWN,
            FEW,
            b",".join([FEW] * 700),
            b"[" * MIB,
            b"1," * MIB + b"1",
            PRODUCT + b',"notes":"' + b"x" * MIB + b'"}',
            b'"' + b"x" * (2 * MIB - 100) + b'"',
        ):
            yield "POST", f"{path}/batch", b'{"items":[' + items + b"]}", True
        yield "POST", f"{path}/batch", UNKNOWN, True
        yield "POST", f"{path}/batch", UNKNOWN, False


async def test_bodies_full_of_errors_are_refused_briefly_and_delay_no_other_client(
    server: NodeProcess, record_property: live.Record
) -> None:
    person: Person = server.person()
    largest = 0

    async def attack(_: Wires) -> None:
        nonlocal largest
        async with server.rest() as rest:
            for method, path, body, known in bodies():
                headers = {"content-type": "application/json"} | (person.headers if known else {})
                try:
                    answer = await rest.request(method, path, content=body, headers=headers)
                except httpx.TransportError:  # the 413 closed the connection before its end
                    assert len(body) > 2 * MIB
                    continue
                is_batch = path.endswith("/batch") and answer.status_code == 200
                assert answer.status_code in REFUSED or is_batch, (path, body[:40], answer.text)
                if is_batch:
                    results = answer.json()["results"]
                    assert {each["status"] for each in results} == {422}
                    errors = [each["errors"] for each in results]
                    size = len(json.dumps(errors, separators=(",", ":")))
                else:
                    size = len(answer.content)
                    assert len(answer.json().get("errors", [])) <= 20
                largest = max(largest, size)

    await unharmed(server, record_property, attack, person=person)
    record_property("largest_answer", largest)
    assert largest <= LARGEST_ANSWER + 4 * KIB
