"""docs/reference/commands.md has the help of every command."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import typer

from useby.cli import COMMANDS, app

ROOT = Path(__file__).parent.parent
MADE: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))


@pytest.fixture
def text() -> str:
    made: str = MADE["page"]()
    return made


def test_the_page_has_the_help_of_the_commands(text: str) -> None:
    assert (ROOT / "docs" / "reference" / "commands.md").read_text() == text, "run: make docs"


def test_each_command_and_each_command_below_it_has_a_section_with_its_usage(text: str) -> None:
    headings = {line.lstrip("# ") for line in text.splitlines() if line.startswith("##")}
    root: Any = typer.main.get_command(app)
    context = typer.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        below = getattr(command, "commands", {})
        assert {f"useby {name}", *(f"useby {name} {each}" for each in below)} <= headings
        for path in [f"useby {name} {each}" for each in below] or [f"useby {name}"]:
            assert f"\n```\n{path} " in text, path


def test_each_option_of_a_command_has_a_sentence(text: str) -> None:
    silent = [
        line for line in text.splitlines() if line.startswith("| `") and line.endswith("|  |")
    ]
    assert silent == []
