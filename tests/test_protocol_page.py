"""The protocol page has the sections, the closes and the frames that the node has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from useby.realtime import closes
from useby.schemas import frames

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference" / "protocol.md").read_text()
SHOWN = re.findall(r"^\{.+\}$|(?<=`)\{.+?\}(?=`)", PAGE, re.MULTILINE)
"""Frames in JSON: lines of blocks, and code in the cells of tables."""


def test_the_sections_of_the_page_have_tests_of_the_same_number() -> None:
    sections = set(re.findall(r"^## (\d)\. ", PAGE, re.MULTILINE))
    tests = {each.name[5] for each in (ROOT / "tests" / "contract").glob("test_[0-9]_*.py")}
    assert sections == tests == set("123456789")


def test_the_page_explains_every_close_and_whether_a_retry_can_succeed() -> None:
    explained = {}
    for code, reasons, _, then in re.findall(
        r"^\| (\d{4}) \| (.*?) ?\| (.+) \| (.+) \|$", PAGE, re.MULTILINE
    ):
        for reason in re.findall(r"`([^`]+)`", reasons) or [""]:
            explained[int(code), reason] = then.startswith(("yes", "later"))
    assert explained == {(each.code, each.reason): each.retryable for each in closes.ALL}


@pytest.mark.parametrize(
    "shape",
    dict.fromkeys((*frames.EXTENDED, *frames.EXTENDED_ACTIONS)),
    ids=lambda shape: shape.__name__,
)
def test_the_page_shows_every_frame_with_all_its_keys(shape: type) -> None:
    examples = [example(text) for text in SHOWN]
    assert any(
        list(each) == list(shape.__annotations__) and is_valid(shape, each) for each in examples
    )


def example(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text.replace('"product":{…}', '"product":{}'))
    return value


def is_valid(shape: type, value: dict[str, Any]) -> bool:
    try:
        TypeAdapter(shape).validate_python(value)
    except ValueError:
        return False
    return True
