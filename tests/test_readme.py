"""The README's example runs, and its links and commands exist."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support import process_node

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_readmes_example_prints_unread_notifications(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    with process_node.serving(tmp_path) as server:
        person = server.person()
        server.say(person, ["Milk expires today", "Tea is ready"])
        program = example.replace("…", person.token).replace(
            "127.0.0.1:8000", server.url.removeprefix("http://")
        )
        run = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert run.stdout
        with run:
            lines = [run.stdout.readline().decode().strip() for _ in range(2)]
            run.terminate()
    assert lines == ["info: Milk expires today", "info: Tea is ready"]


def test_the_readmes_links_lead_to_files() -> None:
    pages = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(pages) > 5
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_the_readme_shows_the_two_main_targets_of_the_makefile() -> None:
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first
    targets = re.findall(r"^make (\w+)", first[1], re.MULTILINE)
    assert targets == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}: " in makefile for target in targets)
