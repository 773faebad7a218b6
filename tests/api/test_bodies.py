"""Bounds on bodies, large bodies in turns, and errors that stay small."""

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from tests.support.rest_app import MILK, Rest

from useby.api import bodies
from useby.api.bodies import most_of, parse
from useby.schemas.fields import BATCH_LIMIT, MANY_KEYS

MIB = 1024 * 1024
JSON = {"content-type": "application/json"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text over 400 characters is parsed in turns."""
    monkeypatch.setattr(bodies, "PIECE", 400)


# parsing in turns


@given(
    st.dictionaries(st.text(max_size=20), values | st.lists(values, max_size=40), max_size=8),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_an_object_parsed_in_turns_equals_the_result_of_json(
    value: dict[str, Any], indent: int | str | None, ascii_only: bool
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "PIECE", 400)
        try:
            found = asyncio.run(parse(body))
        except HTTPException:  # a piece is longer than that
            assume(False)
    assert found == json.loads(body)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2}',
        '{"a" 1}',
        '{"a": 1,}',
        '{"a": [1,]}',
        "{1: 2}",
        '{"a": 1} x',
        '{"a": [1 2]}',
        '{"a": tru}',
        "{",
        '{"a": [',
        '{"a": "\n"}',
    ],
)
@pytest.mark.usefixtures("small_pieces")
async def test_text_that_is_no_json_is_refused_in_turns_too(text: str) -> None:
    padded = " " * 1000 + text
    with pytest.raises(json.JSONDecodeError):
        json.loads(padded)
    with pytest.raises(json.JSONDecodeError):
        await parse(padded.encode())


async def test_a_large_batch_is_parsed_while_the_loop_does_other_things(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = itertools.count(step=bodies.TURN_SECONDS / 10)  # each look at it, a tenth of a turn
    monkeypatch.setattr(bodies, "perf_counter", lambda: next(clock))
    body = json.dumps({"items": [MILK | {"notes": "x" * 1900}] * 1000}).encode()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert len((await parse(body))["items"]) == 1000
    counting.cancel()
    assert turns >= 1000 // 12


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [' + b"1," * MIB + b"1]}",
        b"{" + b",".join(b'"%d":1' % n for n in range(190_000)) + b"}",
        b'{"items": [' + b"[]," * MIB + b"x",
    ],
    ids=["elements", "members", "no JSON at its end"],
)
async def test_of_too_many_elements_or_members_few_are_parsed(body: bytes) -> None:
    found = await parse(body)
    assert len(found.get("items", ())) <= BATCH_LIMIT + 1
    assert len(found) <= MANY_KEYS + 1


@pytest.mark.parametrize(
    "item", [b'"' + b"x" * MIB + b'"', b"{" + b'"a":1,' * 100_000 + b'"b":1}', b"{" + b" " * MIB]
)
async def test_an_item_that_is_too_large_is_413(ada: httpx.AsyncClient, item: bytes) -> None:
    answer = await ada.post(
        "/api/products/batch", content=b'{"items": [' + item + b", 1]}", headers=JSON
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("item", [b"[" * MIB, b"9" * MIB], ids=["nested", "number"])
async def test_an_item_that_no_parser_takes_is_400(ada: httpx.AsyncClient, item: bytes) -> None:
    answer = await ada.post(
        "/api/products/batch", content=b'{"items": [' + item + b", 1]}", headers=JSON
    )
    assert answer.status_code == 400


# bounds


def test_a_body_is_bounded_by_its_path_and_by_the_setting() -> None:
    assert most_of("/api/auth/login", 2 * MIB) == 4096
    assert most_of("/api/products/x/consume", 2 * MIB) == most_of("/api/products", 2 * MIB)
    assert most_of("/api/products/batch", 2 * MIB) == 2 * MIB
    assert most_of("/api/products", 1024) == 1024


async def test_the_largest_account_and_product_that_there_may_be_fit(
    ada: httpx.AsyncClient,
) -> None:
    letter = "\u00fc"  # six bytes as JSON escapes it
    policy = {"leadDays": list(range(3000, 3016)), "alertTime": "09:00"}
    categories = {f"{n:03}{letter * 97}": policy for n in range(100)}
    answer = await ada.patch("/api/me", json={"categories": categories})
    assert answer.status_code == 200, answer.text
    content = json.dumps(MILK | {"name": letter * 200, "notes": letter * 2000}).encode()
    assert (await ada.post("/api/products", content=content, headers=JSON)).status_code == 201


# errors


async def test_twenty_errors_are_listed_and_no_key_at_length(rest: Rest) -> None:
    given = {f"{n}{'k' * 120}": 1 for n in range(25)}
    answer = await rest.client().post("/api/auth/login", json=given)
    body = answer.json()
    assert answer.status_code == 422
    assert len(body["errors"]) == 20
    assert "first 20" in body["detail"]
    assert "k" * 64 not in answer.text


async def test_a_key_that_no_answer_can_carry_is_no_error_of_ours(rest: Rest) -> None:
    answer = await rest.client().post("/api/auth/login", content=b'{"\\ud800": 1}', headers=JSON)
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/api/products/batch", "/api/notifications/batch"])
async def test_the_errors_of_a_batch_are_64_kib_at_most_and_each_first_one_comes_first(
    ada: httpx.AsyncClient, path: str
) -> None:
    key = "k" * 40
    items: list[Any] = [{f"{key}{n}": 1 for n in range(30)} for _ in range(300)]
    answer = await ada.post(path, json={"items": items})
    assert answer.status_code == 200
    listed = [each["errors"] for each in answer.json()["results"]]
    assert {each["status"] for each in answer.json()["results"]} == {422}
    assert min(map(len, listed)) >= max(map(len, listed)) - 1 >= 1
    assert len(json.dumps(listed, separators=(",", ":"))) < 66 * 1024


@pytest.mark.parametrize("path", ["/api/products/batch", "/api/notifications/batch"])
async def test_a_large_batch_without_a_good_token_is_401_before_it_is_parsed(
    rest: Rest, path: str
) -> None:
    answer = await rest.client().post(path, content=b"x" * MIB, headers=JSON)
    assert answer.status_code == 401
