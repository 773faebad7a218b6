"""The live view."""

import io
import json

import pytest
import typer
from rich.console import Console

from shell import Useby
from useby.cli.watch import _Lines, _Screen, socket_url

NOTIFICATION = {
    "id": "n1",
    "message": "Organic Milk expires in 2 days",
    "type": "warning",
    "productName": "Organic Milk",
    "created_at": "2026-03-04T10:30:00Z",
}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/api/ws/notification"),
        ("https://useby.example/", "wss://useby.example/api/ws/notification"),
        ("localhost:8000", "ws://localhost:8000/api/ws/notification"),
        ("ws://[::1]:1/api/ws/notification", "ws://[::1]:1/api/ws/notification"),
        ("https://useby.example/under/here", "wss://useby.example/under/here"),
    ],
)
def test_a_nodes_address_is_understood_as_it_is_written(given: str, url: str) -> None:
    assert socket_url(given) == url


@pytest.mark.parametrize("given", ["ftp://x", "http://", "ws://x/?access_token=eyJ"])
def test_what_is_no_nodes_address_is_refused(given: str) -> None:
    with pytest.raises(typer.BadParameter):
        socket_url(given)


def test_a_pipe_gets_a_line_a_notification(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines(as_json=False)
    lines.state("connected")
    lines.add(NOTIFICATION)
    said = capsys.readouterr()
    assert said.out.endswith("warning  Organic Milk expires in 2 days  (Organic Milk)\n")
    assert said.err == "useby: connected\n"


def test_a_program_gets_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    _Lines(as_json=True).add(NOTIFICATION)
    assert json.loads(capsys.readouterr().out) == NOTIFICATION


def test_a_message_can_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    steering = NOTIFICATION | {"message": "\x1b[2Jall is well\nno", "created_at": "never"}
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
            screen.add(NOTIFICATION | {"message": f"message {number}"})
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
