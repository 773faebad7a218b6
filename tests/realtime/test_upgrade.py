"""Credentials of an upgrade request.

covers: useby.realtime.upgrade
"""

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from useby.realtime.upgrade import PATH, upgrade_request_of

PARTS = [
    "access_token",
    "access%5Ftoken",
    "since",
    "a",
    "%41",
    "%ff",
    "%",
    "+",
    "=",
    "&",
    "&&",
    ";",
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
@example("access_token=a&access_token=b")
@example("access%5Ftoken=%41+%")
def test_the_tokens_of_a_query_are_those_that_parse_qsl_finds(query: str) -> None:
    fields = parse_qsl(query, keep_blank_values=True, errors="replace")
    expected = dict.fromkeys(value for name, value in fields if name == "access_token" and value)
    assert upgrade_request_of(PATH + b"?" + query.encode(), {}).tokens == tuple(expected)


@pytest.mark.parametrize(
    ("header", "tokens"),
    [(b"Bearer one", ("one",)), (b"bearer  two ", ("two",)), (b"Basic one", ()), (b"Bearer ", ())],
)
def test_a_bearer_token_of_the_header_counts(header: bytes, tokens: tuple[str, ...]) -> None:
    assert upgrade_request_of(PATH, {b"authorization": [header]}).tokens == tokens
