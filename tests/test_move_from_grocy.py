"""The page about Grocy works as it is written, on data in the shape of Grocy's demo."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.cli.conftest import folder, useby
from tests.support.cli_result import Useby
from tests.support.grocy_demo import DEMO, demo_sqlite
from tests.support.time_limits import HANG_TIMEOUT

__all__ = ["folder", "useby"]

PAGE = (Path(__file__).parent.parent / "docs/how-to/move-from-grocy.md").read_text()
EMAIL = "ada@example.org"


class Grocy(BaseHTTPRequestHandler):
    """The objects of Grocy's API."""

    def do_GET(self) -> None:
        name = self.path.removeprefix("/api/objects/")
        allowed = self.headers["GROCY-API-KEY"] == "key" and name in DEMO
        body = json.dumps(DEMO[name] if allowed else {}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def grocy_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Grocy)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


def commands() -> list[list[str]]:
    """The commands of the page that import a file."""
    return [
        line.split()[1:] for line in re.findall(r"^useby product import.*$", PAGE, re.MULTILINE)
    ]


def test_the_pages_program_saves_what_useby_imports(
    useby: Useby, folder: Path, grocy_url: str
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "grocy.db").write_bytes(demo_sqlite())
    environment = {"GROCY_URL": grocy_url, "GROCY_API_KEY": "key", "PATH": os.environ["PATH"]}
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        check=True,
        timeout=HANG_TIMEOUT,
    )
    useby("user", "add", EMAIL)

    results = [useby(*words) for words in commands()]

    assert [(each.status, each.err) for each in results] == [(0, "")] * 3
    lots = len(DEMO["stock"])
    assert [each.out.splitlines()[-1] for each in results] == [
        f"{lots} lots would be added, 0 changed, 0 unchanged",
        f"{lots} lots added, 0 changed, 0 unchanged",
        f"0 products would be added, 0 changed, {lots} unchanged",
    ], "the database and the API have the same stock"
