"""The demo, run as a stranger runs it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.cli_result import Useby
from tests.support.time_limits import HANG_TIMEOUT

from useby.cli.demo import _time_zone
from useby.store.lock import serving_lock

USEBY = [sys.executable, "-m", "useby"]


@pytest.fixture
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*USEBY, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"USEBY_PORT": "0"},
    )
    with process:
        yield process
        process.kill()


def _first_output(demo: subprocess.Popen[str]) -> str:
    """All that it prints until the line for a third terminal."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if " notify --database " in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_the_demo_prints_a_login_and_two_commands_that_work(demo: subprocess.Popen[str]) -> None:
    result = _first_output(demo)
    url = re.search(r"useby is listening on (http://\S+)", result)
    login = re.search(r"login +(\S+) +password +(\S+)", result)
    line = re.search(r" (watch --url \S+ --token \S+)\n", result)
    assert url
    assert login
    assert line
    post = re.search(r" (notify --database .*)\n", result)
    assert post
    page = re.search(r"page +(http\S+)", result)
    assert page
    assert "<title>useby</title>" in httpx.get(page[1], trust_env=False, timeout=HANG_TIMEOUT).text
    config = httpx.get(f"{page[1]}api/config", trust_env=False, timeout=HANG_TIMEOUT).json()
    assert config["demo"] is True
    answer = httpx.post(
        f"{url[1]}/api/auth/login",
        json={"email": login[1], "password": login[2]},
        trust_env=False,
        timeout=HANG_TIMEOUT,
    )
    assert answer.status_code == 200
    assert subprocess.run([*USEBY, *shlex.split(post[1])], check=False).returncode == 0
    unread = httpx.get(
        f"{url[1]}/api/notifications",
        params={"unread": "true", "limit": "500"},
        headers={"Authorization": f"Bearer {answer.json()['accessToken']}"},
        trust_env=False,
        timeout=HANG_TIMEOUT,
    )
    assert "Tea is ready" in [each["message"] for each in unread.json()["items"]]
    with subprocess.Popen(
        [*USEBY, *shlex.split(line[1]), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as watch:
        assert watch.stdout is not None
        first = json.loads(watch.stdout.readline())
        assert list(first) == ["id", "message", "type", "productName", "created_at"]
        watch.send_signal(signal.SIGINT)
        assert watch.wait(HANG_TIMEOUT) == 0
    demo.send_signal(signal.SIGINT)
    assert demo.wait(HANG_TIMEOUT) == 0


def test_a_demo_that_runs_is_left_alone(useby: Useby, folder: Path) -> None:
    (folder / "useby-demo.db").write_text("mine")
    with serving_lock(folder / "useby-demo.db"):
        result = useby("demo")
    assert result.status == 1
    assert "is served by another node already" in result.err
    assert (folder / "useby-demo.db").read_text() == "mine"


def test_the_zone_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Path, "resolve", lambda _: Path("/usr/share/zoneinfo/America/Argentina/Ushuaia")
    )
    assert _time_zone() == "America/Argentina/Ushuaia"
    monkeypatch.setattr(Path, "resolve", lambda _: Path("/etc/localtime"))
    assert _time_zone() == "UTC"
