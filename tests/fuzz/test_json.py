"""Whatever JSON is sent to a node over REST, the answer is small and no error of its own."""

import contextlib
import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.http_streams import bodies
from tests.fuzz.streams import damage, damaged
from tests.support import process_node as live
from tests.support.process_node import NodeProcess, Person
from tests.support.time_limits import HANG_TIMEOUT

ROUTES = [
    ("POST", "/api/auth/signup"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    ("PATCH", "/api/me"),
    ("POST", "/api/products"),
    ("POST", "/api/notifications"),
    ("POST", "/api/notifications/batch"),
]
ANSWERS = {200, 201, 204, 207, 400, 401, 404, 405, 409, 413, 415, 422}
LARGEST = 256 * 1024
"""Bytes of an answer: that of a batch has a result for each of a thousand items."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node whose log must be without a traceback in the end."""
    with live.serving(tmp_path_factory.mktemp("json")) as server:
        yield server


@pytest.fixture(scope="module")
def person(server: NodeProcess) -> Person:
    return server.person()


@settings(max_examples=100, deadline=None)
@given(route=st.sampled_from(ROUTES), body=bodies(), edits=damage())
def test_any_body_gets_a_short_documented_answer(
    route: tuple[str, str],
    body: bytes,
    edits: list[tuple[str, int, int]],
    server: NodeProcess,
    person: Person,
) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=HANG_TIMEOUT)
    headers = person.headers | {"Content-Type": "application/json"}
    try:
        with contextlib.suppress(ConnectionError):  # answered before all of it was sent
            connection.request(*route, damaged(body, edits), headers)
        answer = connection.getresponse()
        assert answer.status in ANSWERS
        assert len(answer.read()) <= LARGEST
    except ConnectionError:
        assert len(body) > 1024, "a small body is answered, whatever it is"
    finally:
        connection.close()
