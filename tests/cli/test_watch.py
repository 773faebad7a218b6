"""The live view."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from tests.support import process_node as live
from tests.support.cli_result import Useby
from tests.support.terminal import terminal
from tests.support.time_limits import HANG_TIMEOUT

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
    result = capsys.readouterr()
    assert result.out.endswith("warning  Organic Milk expires in 2 days  (Organic Milk)\n")
    assert result.err == "useby: connected\n"


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
    result = capsys.readouterr().out
    assert "\x1b" not in result
    assert result.count("\n") == 1


LONG = "the cold chain of this delivery was interrupted for more than two hours, so check it, "


def test_the_screen_begins_with_a_whole_message() -> None:
    console = Console(file=io.StringIO(), width=60, height=9, force_terminal=True)
    screen = _Screen(console)
    for number in range(20):
        screen.add(replace(NOTIFICATION, message=f"{number} {LONG}"))
    shown = Console(file=io.StringIO(), width=60)
    shown.print(screen._render())
    rows = shown.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(rows) <= 9
    assert "warning  1" in rows[1]
    assert rows[-1] == "connecting · 20 shown · Ctrl-C ends"


async def test_the_newest_message_and_the_state_stay_on_a_terminal_of_80_by_24(
    tmp_path: Path,
) -> None:
    with live.serving(tmp_path) as server, terminal(80, 24) as screen:
        person = server.person()
        server.notify(person, [f"{number} {LONG}" for number in range(30)])
        server.notify(person, [f"{number}{'冷蔵庫の牛乳は明日まで。' * 5}" for number in range(30)])
        server.notify(person, ["The newest message"])
        environment = {name: os.environ[name] for name in live.PASSED_ON if name in os.environ}
        watch = subprocess.Popen(
            [sys.executable, "-m", "useby", "watch", "--url", server.url],
            env=environment | {"TERM": "xterm", "USEBY_TOKEN": person.token},
            cwd=tmp_path,
            stdin=screen.program_end,
            stdout=screen.program_end,
            stderr=screen.program_end,
        )
        with watch:
            try:
                await live.until(lambda: screen.shows("The newest message", "connected · 61 shown"))
                assert "29冷蔵庫の牛乳は明日まで。" in screen.text
                assert screen.rows[0].split() == ["time", "type", "message", "product"]
                assert not screen.has_scrolled

                screen.resize(44, 10)
                await live.until(lambda: screen.shows("The newest message", "connected · 61 shown"))
                server.notify(person, [f"{'とても' * 9} after the resize"])
                await live.until(lambda: screen.shows("the resize", "connected · 62 shown"))
                assert not screen.has_scrolled

                watch.send_signal(signal.SIGINT)
                assert await asyncio.to_thread(watch.wait, HANG_TIMEOUT) == 0
                await live.until(lambda: screen.shows("the resize", " · 62 shown"))
            finally:
                watch.kill()


def test_the_token_may_come_from_the_environment(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_TOKEN", "x")
    assert "--url" in useby("watch", "--url", "nothing://").err


@pytest.mark.parametrize("url", ["nothing://", "http://", "ws://x/?access_token=eyJ"])
def test_an_address_of_no_node_is_refused(useby: Useby, url: str) -> None:
    refused = useby("watch", "--url", url, "--token", "x")
    assert "--url" in refused.err
    assert "eyJ" not in refused.err


def test_a_token_that_is_refused_ends_it_with_the_nodes_reason(
    useby: Useby, tmp_path: Path
) -> None:
    with live.serving(tmp_path) as server:
        refused = useby("watch", "--url", server.url, "--token", "forged")
    assert "Invalid access token" in refused.err


def test_the_state_of_the_connection_is_shown_in_words() -> None:
    assert _words(State("connected")) == "connected"
    lost = State("waiting", 1012, "Service \x1brestart", 0.52)
    assert _words(lost) == "not connected (1012 Service \x1brestart); again in 0.5 s"


def test_a_close_reason_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _Lines(as_json=False).state("1012 Service \x1brestart")
    assert capsys.readouterr().err == "useby: 1012 Service \\x1brestart\n"
