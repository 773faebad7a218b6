"""The command line as a person has it: words in; status, stdout and stderr out."""

import io
import os
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.cli_result import CliResult, Useby, logging_put_back
from tests.support.migrated_files import new_file
from tests.support.settings import SettingsWithoutFile
from tests.support.shelf import EMAIL, NOW, Shelf

from useby.auth.key import signing_key
from useby.cli import (
    lot,
    lot_actions,
    lot_change,
    main,
    product,
    product_add,
    product_lots,
    product_show,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with no settings but those of the test."""
    for name in [name for name in os.environ if name.startswith("USEBY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database_file(folder: Path) -> Path:
    """An empty database in the folder, for tests of commands that are not about making one."""
    path = folder / "useby.db"
    new_file(path)
    return path


@pytest.fixture
def useby(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Useby:
    """Call a command in this process."""

    def call(*words: str, stdin: str = "") -> CliResult:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with logging_put_back():
            status = main(words)
        result = capsys.readouterr()
        return CliResult(status, result.out, result.err)

    return call


@pytest.fixture
def shelf(useby: Useby, database_file: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The stock of an account in UTC; its commands run on the day and at the time of ``NOW``."""
    assert useby("user", "add", EMAIL).status == 0
    clock = type("Clock", (datetime,), {"now": classmethod(lambda _, zone: NOW.astimezone(zone))})
    for module in (lot, lot_actions, lot_change, product, product_add, product_lots, product_show):
        monkeypatch.setattr(module, "datetime", clock)
    return Shelf(useby)


@pytest.fixture
def nodes_key(database_file: Path) -> bytes:
    """The key of a node that has served the folder's database."""
    return signing_key(SettingsWithoutFile(), database_file)


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """A command that is over has left no signal blocked: children of this process would inherit."""
    yield
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
