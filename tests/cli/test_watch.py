"""The live view."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from tests.support import process_node as live
from tests.support.cli_result import Useby

from useby.cli.watch import _Lines, _Screen, _words
from useby.client import Notification, State

NOTIFICATION = Notification(
    "n1",
    "Organic Milk expires in 2 days",
    "warning",
    "Organic Milk",
    datetime(2026, 3, 4, 10, 30, tzinfo=UTC),
)


def test_a_pipe_gets_a_line_a_notification(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines(as_json=False)
    lines.state("connected")
    lines.add(NOTIFICATION)
    said = capsys.readouterr()
    assert said.out.endswith("warning  Organic Milk expires in 2 days  (Organic Milk)\n")
    assert said.err == "useby: connected\n"


def test_a_program_gets_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    _Lines(as_json=True).add(NOTIFICATION)
    assert json.loads(capsys.readouterr().out) == {
        "id": "n1",
        "message": "Organic Milk expires in 2 days",
        "type": "warning",
        "productName": "Organic Milk",
        "created_at": "2026-03-04T10:30:00Z",
    }


def test_a_message_can_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    steering = replace(NOTIFICATION, message="\x1b[2Jall is well\nno")
    _Lines(as_json=False).add(steering)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert said.count("\n") == 1


def test_the_screen_shows_the_newest_and_how_the_connection_is() -> None:
    console = Console(file=io.StringIO(), width=100, height=9, force_terminal=True)
    screen = _Screen(console)
    with screen:
        screen.state("connected")
        for number in range(20):
            screen.add(replace(NOTIFICATION, message=f"message {number}"))
        shown = Console(file=io.StringIO(), width=100)
        shown.print(screen._render())
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "message 19" in text
    assert "message 3 " not in text
    assert "connected · 20 shown" in text


def test_the_token_may_come_from_the_environment(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_TOKEN", "x")
    assert "--url" in useby("watch", "--url", "nothing://").err


@pytest.mark.parametrize("url", ["nothing://", "http://", "ws://x/?access_token=eyJ"])
def test_what_is_no_nodes_address_is_refused(useby: Useby, url: str) -> None:
    refused = useby("watch", "--url", url, "--token", "x")
    assert "--url" in refused.err
    assert "eyJ" not in refused.err


def test_a_token_that_is_refused_ends_it_with_the_nodes_reason(
    useby: Useby, tmp_path: Path
) -> None:
    with live.serving(tmp_path) as server:
        refused = useby("watch", "--url", server.url, "--token", "forged")
    assert "Invalid access token" in refused.err


def test_how_the_connection_is_is_said_in_words() -> None:
    assert _words(State("connected")) == "connected"
    lost = State("waiting", 1012, "Service \x1brestart", 0.52)
    assert _words(lost) == "not connected (1012 Service \x1brestart); again in 0.5 s"


def test_a_close_reason_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _Lines(as_json=False).state("1012 Service \x1brestart")
    assert capsys.readouterr().err == "useby: 1012 Service \\x1brestart\n"
