"""F37: names and messages that would steer the terminal of the operator who reads them.

covers: useby.cli.terminal, useby.domain.visible
"""

import io
import json
import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from tests.support.cli_result import logging_put_back
from tests.support.settings import SettingsWithoutFile

from useby import logs
from useby.cli import main, terminal
from useby.domain.visible import visible

HOSTILE = {
    "escape sequence": "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "eight-bit sequence": "\x9b2J",
    "line end": "Ada\nroot@useby.example  Root  UTC  2026-01-01\rEve",
    "other line ends": "a\x0bb\x0cc\x85d\u2028e\u2029f",
    "direction override": "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "nothing to be seen": "a\u200bb\ufeffc\u00add",
    "markup": "[red]Ada[/red] [link=https://evil.example]x[/link] :smile:",
    "tags": "\U000e0041\U000e0042",
}
STEERS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
CLI = Path(terminal.__file__).parent


@given(st.text())
def test_no_text_steers_a_terminal_once_it_is_visible(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert not STEERS.search(shown)
    assert visible(shown) == shown
    assert text != shown or text.isprintable()


@given(st.text(), st.dictionaries(st.text(), st.lists(st.text())))
def test_json_of_the_terminal_has_the_same_value_and_steers_nothing(text: str, more: Any) -> None:
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal, "typer", SimpleNamespace(echo=written.write))
        terminal.print_json({"text": text, "more": more})
    assert json.loads(written.getvalue()) == {"text": text, "more": more}
    assert not STEERS.search(written.getvalue())


@given(st.text())
def test_a_cell_is_one_line_of_a_table_and_no_markup(text: str) -> None:
    table = Table(box=None, show_header=False)
    table.add_row(terminal.cell(text), terminal.cell("end"))
    console = terminal.console()
    console.file = written = io.StringIO()
    console.width = 100_000
    console.print(table)
    assert not STEERS.search(written.getvalue())
    assert written.getvalue().rstrip().endswith("end")
    assert written.getvalue().count("\n") == 1


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_list_of_users_is_a_line_a_user_whatever_they_are_called(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    with logging_put_back():
        assert main(["user", "add", "ada@useby.example", "--name", name]) == 0
        assert main(["user", "add", "eve@useby.example", "--name", "Eve"]) == 0
        capsys.readouterr()
        assert main(["user", "list"]) == 0
        shown = capsys.readouterr().out
        assert main(["user", "list", "--json"]) == 0
        as_json = capsys.readouterr().out
    assert len(shown.splitlines()) == 3
    assert not STEERS.search(shown + as_json)
    assert visible(name) in shown
    assert json.loads(as_json)[0]["name"] == name.strip()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_each_bad_row_of_a_file_is_reported_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"name": "Milk", "expiryDate": "2026-03-04", name: 1, "externalId": name}, {name: name}]
    (tmp_path / "goods.json").write_text(json.dumps(rows))
    with logging_put_back():
        assert main(["product", "import", "goods.json", "--user", f"{name}@useby.example"]) == 1
        assert main(["user", "disable", f"{name}@useby.example"]) == 1
    answer = capsys.readouterr()
    assert not STEERS.search(answer.out + answer.err)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_log_line_and_its_traceback_steer_nothing(text: str) -> None:
    stream = io.StringIO()
    with logging_put_back():
        logs.configure(SettingsWithoutFile(), stream)
        log = logging.getLogger("useby.test")
        log.warning("a name: %s", text, extra={"name_of_a_user": text})
        log.error("it failed", exc_info=ValueError(text))
    assert not STEERS.search(stream.getvalue())


def test_commands_write_to_the_terminal_by_one_module_only() -> None:
    others = re.compile(
        r"typer\.secho|typer\.echo\((?!__version__)|(?<!\.)\bprint\(|Console\(|std(?:out|err)\.write"
    )
    found = {
        path.name: hits
        for path in CLI.glob("*.py")
        if path.name != "terminal.py" and (hits := others.findall(path.read_text()))
    }
    assert found == {}
