"""The page of the client libraries agrees with the server, the scenarios and the code."""

import ast
import dataclasses
import re
from pathlib import Path

import yaml

from useby.client import Notifications, Timing
from useby.realtime import closes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "clients.md").read_text()
JAVASCRIPT = (ROOT / "clients" / "js" / "client" / "timing.js").read_text()
SCENARIOS = (ROOT / "tests" / "clients" / "scenarios.yaml").read_text()
ROWS = re.findall(r"^\| (\d{4}) \| `([^`]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)


def test_the_page_explains_every_close_that_has_a_reason() -> None:
    answer = {(int(code), reason): then for code, reason, then in ROWS}
    meant = {
        (each.code, each.reason): (
            "backoff"
            if each.retryable
            else "one fresh token, at once; see below"
            if each is closes.TOKEN_EXPIRED
            else "the end"
        )
        for each in closes.ALL
        if each.reason
    }
    assert answer == meant


def test_both_libraries_have_a_scenario_for_every_1008() -> None:
    """So each library's own table is held against the server's."""
    played = {
        reason
        for scenario in yaml.safe_load(SCENARIOS)
        if "only" not in scenario
        for reason in re.findall("|".join(each.reason for each in closes.ALL if each.reason),
                                 str(scenario))
    }  # fmt: skip
    assert {each.reason for each in closes.ALL if each.code == 1008} <= played


def test_the_page_has_the_real_defaults() -> None:
    events = {
        name.strip("`"): float(value)
        for names, values in re.findall(r"^\| (`[a-z_`, ]+`) \| ([\d., ]+) \|", PAGE, re.MULTILINE)
        for name, value in zip(names.split(", "), values.split(", "), strict=True)
        if name.strip("`") != "buffer"
    }
    assert events == dataclasses.asdict(Timing())
    in_javascript = dict(re.findall(r"^  (\w+): ([\d.]+),$", JAVASCRIPT, re.MULTILINE))
    assert {name: float(value) for name, value in in_javascript.items()} == {
        re.sub(r"_(\w)", lambda letter: letter[1].upper(), name): value
        for name, value in events.items()
    }
    assert "| `buffer` | `buffer` | 1000 |" in PAGE
    assert (Notifications.__init__.__kwdefaults__ or {})["buffer"] == 1000


def test_the_python_examples_of_the_page_can_be_parsed() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        ast.parse("async def _():\n" + re.sub("^", "    ", block, flags=re.MULTILINE))


def test_the_names_on_the_page_exist_in_the_client() -> None:
    import useby.client
    from useby.client import Api, Product

    own = Api("http://127.0.0.1:8000")
    found = re.findall(r"`([a-z_]+)`", PAGE.split("## REST, in Python")[1].split("A script")[0])
    for name in found:
        known = any(
            hasattr(each, name)
            for each in (own, own.lots, own.stock, own.policies, own.households, Product)
        )
        assert known or name in ("retry_after", "if_match", "account"), name
    for name in (
        "State",
        "Read",
        "ProductChanged",
        "ConnectionRejected",
        "FlushInterrupted",
        "FileCursor",
    ):
        assert f"`{name}" in PAGE
        assert hasattr(useby.client, name)
