"""Misconfiguration is found, and named.

covers: useby.store.health
"""

import asyncio
import json
import resource
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.mail_server import FROM, PUBLIC_URL, served_mail

from useby.auth.key import key_id
from useby.auth.tokens import FOR_ANYBODY
from useby.cli import doctor
from useby.delivery import senders
from useby.store import signing_keys
from useby.store.health import has_wal_reset_bug
from useby.store.lock import serving_lock
from useby.store.open import open_database
from useby.store.sqlite import sqlite_engine


@pytest.fixture(autouse=True)
def _any_port(useby: Useby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USEBY_PORT", "0")


def _findings(useby: Useby) -> dict[str, tuple[str, str]]:
    result = useby("doctor", "--json")
    found = {each["what"]: (each["verdict"], each["says"]) for each in json.loads(result.out)}
    problems = [what for what, (verdict, _) in found.items() if verdict == "problem"]
    assert result.status == (1 if problems else 0)
    return found


def _problems(useby: Useby) -> dict[str, str]:
    found = _findings(useby)
    return {what: says for what, (verdict, says) in found.items() if verdict == "problem"}


def _execute(folder: Path, statement: str) -> None:
    engine = sqlite_engine(folder / "useby.db", writes=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_an_empty_folder_is_healthy_and_stays_empty(useby: Useby, folder: Path) -> None:
    assert _problems(useby) == {}
    assert list(folder.iterdir()) == []


def test_a_database_in_use_is_healthy(useby: Useby, folder: Path) -> None:
    useby("user", "add", "ada@example.org")
    found = _findings(useby)
    assert _problems(useby) == {}
    assert found["database"][1].startswith("useby.db is intact")
    assert found["durability"][1] == "journal_mode=wal synchronous=FULL"
    assert set(found) >= {"settings", "signing key", "folder", "clock", "SQLite", "port"}


def test_the_doctor_prints_a_table(useby: Useby) -> None:
    result = useby("doctor")
    assert result.status == 0
    assert "signing key" in result.out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USEBY_PORT", "high"),
        ("USEBY_SECRET_KEY", "short"),
        ("USEBY_DATABASE_URL", "mysql://x/y"),
        ("USEBY_LOGIN_RATE", "often"),
        ("USEBY_JWT_PUBLIC_KEY", "/no/such/file.pem"),
        ("USEBY_JWT_JWKS_URL", "http://example.org/keys"),
    ],
)
def test_a_setting_that_can_not_be_used_is_a_problem(
    useby: Useby, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert set(_problems(useby)) == {"settings"}


def test_a_key_that_others_can_read_is_a_problem(useby: Useby, folder: Path) -> None:
    (folder / "useby.key").write_text("k" * 43)
    (folder / "useby.key").chmod(0o644)
    assert "chmod 600" in _problems(useby)["signing key"]


def _a_node_signs_with(key: bytes) -> None:
    async def node_starts() -> None:
        database = open_database("sqlite:///useby.db")
        await signing_keys.record(database, key_id(key))
        await database.close()

    asyncio.run(node_starts())


def test_another_key_than_the_nodes_is_a_problem_and_one_that_replaces_it_is_none(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    useby("user", "add", "ada@example.org")
    _a_node_signs_with(b"n" * 32)
    assert "there is no" in _problems(useby)["node's key"]
    monkeypatch.setenv("USEBY_SECRET_KEY", "x" * 32)
    assert "signs with another key" in _problems(useby)["node's key"]
    monkeypatch.setenv("USEBY_SECRET_KEY_PREVIOUS", "n" * 32)
    assert _problems(useby) == {}
    _a_node_signs_with(b"x" * 32)
    assert _findings(useby)["node's key"] == ("ok", "the node signs with this key")


def test_no_key_on_an_address_that_others_reach_is_a_problem(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_HOST", "0.0.0.0")
    assert "USEBY_SECRET_KEY" in _problems(useby)["signing key"]


def test_a_database_that_is_not_migrated_is_a_problem(useby: Useby, folder: Path) -> None:
    useby("migrate")
    _execute(folder, "UPDATE alembic_version SET version_num = '0000'")
    assert "run `useby migrate`" in _problems(useby)["database"]


def test_a_file_that_is_no_database_is_a_problem(useby: Useby, folder: Path) -> None:
    (folder / "useby.db").write_text("not a database at all " * 100)
    assert "can't be read" in _problems(useby)["database"]


def test_a_damaged_database_is_a_problem(useby: Useby, folder: Path) -> None:
    useby("migrate")
    engine = sqlite_engine(folder / "useby.db", writes=True)
    raw = engine.raw_connection()
    raw.cursor().execute("PRAGMA foreign_keys = OFF")
    raw.cursor().execute(
        "INSERT INTO sessions (user_id, id, created_at, expires_at) VALUES"
        " ('nobody', 's', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z')"
    )
    raw.close()
    engine.dispose()
    assert "a row of sessions has lost its users" in _problems(useby)["database"]


def test_a_clock_that_went_back_is_a_problem(useby: Useby, folder: Path) -> None:
    useby("user", "add", "ada@example.org")
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    _execute(folder, f"UPDATE users SET created_at = '{later}'")
    assert "is before the newest entry" in _problems(useby)["clock"]


def test_a_clock_before_this_programs_time_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EARLIEST", datetime.now(UTC) + timedelta(days=1))
    assert doctor._clock(None).verdict is doctor.Level.PROBLEM


def test_a_zone_that_is_not_known_any_more_is_a_problem(useby: Useby, folder: Path) -> None:
    useby("user", "add", "ada@example.org")
    _execute(folder, "UPDATE users SET time_zone = 'Mars/Base'")
    assert "Mars/Base" in str(json.loads(useby("doctor", "--json").out))
    assert useby("doctor").status == 1


def test_a_port_that_is_taken_is_a_problem_unless_by_this_databases_node(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    useby("migrate")
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("USEBY_PORT", str(other.getsockname()[1]))
        assert "is in use by another program" in _problems(useby)["port"]
        with serving_lock(folder / "useby.db"):
            assert "is served by another node already" in _findings(useby)["port"][1]
            assert _problems(useby) == {}


def test_a_small_file_limit_and_a_full_disk_are_problems(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(doctor, "DISK_WANTED", 2**70)
    assert set(_problems(useby)) == {"file limit", "folder"}


@pytest.mark.parametrize(
    ("version", "has"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_the_releases_with_the_wal_reset_bug_are_known(version: tuple[int, ...], has: bool) -> None:
    assert has_wal_reset_bug(version) is has


@pytest.mark.parametrize("checks", [None, "USEBY_JWT_ISSUER", "USEBY_JWT_AUDIENCE"])
def test_a_secret_of_a_backend_without_an_issuer_or_audience_is_noted(
    useby: Useby, monkeypatch: pytest.MonkeyPatch, checks: str | None
) -> None:
    assert "tokens" not in _findings(useby)
    monkeypatch.setenv("USEBY_JWT_SECRET", "a secret that a backend shares with us")
    if checks is not None:
        monkeypatch.setenv(checks, "shop")
    noted = _findings(useby).get("tokens")
    assert noted == (("note", FOR_ANYBODY) if checks is None else None)


def test_a_server_that_push_services_cannot_reach_is_noted(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    level, text = _findings(useby)["Web Push"]
    assert (level, "USEBY_PUSH_CONTACT" in text) == ("note", True)
    monkeypatch.setenv("USEBY_PUSH_CONTACT", "mailto:ada@useby.example")
    text = "push services can reach you at mailto:ada@useby.example"
    assert _findings(useby)["Web Push"] == ("ok", text)


def test_enabled_channels_that_this_machine_cannot_send_to_are_a_problem(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    useby("user", "add", "ada@example.org")
    assert {"email channels", "apprise channels"}.isdisjoint(_findings(useby))
    columns = "user_id, id, kind, name, created_at, target, enabled, minimum_severity"
    columns += ", after_seconds, only_when_away, state, confirmed_at"
    for number, (kind, enabled, confirmed) in enumerate(
        [
            *(("email", 1, "'2026-03-02'"), ("email", 0, "'2026-03-02'"), ("email", 1, "NULL")),
            *(("apprise", 1, "NULL"), ("apprise", 1, "NULL"), ("webhook", 1, "NULL")),
        ]
    ):
        values = f"id, '{number}', '{kind}', '', '2026-03-02', '', {enabled}, 'info', 0, 0, 'ok'"
        _execute(
            folder, f"INSERT INTO channels ({columns}) SELECT {values}, {confirmed} FROM users"
        )
    text = "1 of kind email cannot deliver from here: set USEBY_SMTP_URL"
    assert _problems(useby) == {"email channels": text}
    monkeypatch.setattr(senders, "LIBRARY", "no_such_library")
    found = _findings(useby)
    assert found["apprise channels"] == (
        "problem",
        "2 of kind apprise cannot deliver from here: run pip install 'useby[channels]'",
    )
    assert found["Apprise"][1].startswith("not installed")


def test_channels_that_cannot_deliver_are_noted_with_the_command_that_lists_them(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", "ada@example.org")
    assert "channels" not in _findings(useby)
    columns = "user_id, id, kind, name, created_at, target, enabled, minimum_severity"
    columns += ", after_seconds, only_when_away, state, error, error_at"
    at = "'2026-03-02T12:00:00.000000Z'"
    values = f"id, '1', 'webhook', '', {at}, '', 1, 'info', 0, 0, 'retrying', 'no answer', {at}"
    _execute(folder, f"INSERT INTO channels ({columns}) SELECT {values} FROM users")
    level, text = _findings(useby)["channels"]
    assert (level, text.partition(" ")[0]) == ("note", "1")
    command = text.split("`")[1].split()
    assert "no answer" in useby(*command[1:]).out


def test_the_mail_server_is_checked_without_a_mail(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _findings(useby)["mail"] == ("ok", "none is sent: USEBY_SMTP_URL is not set")
    monkeypatch.setenv("USEBY_MAIL_FROM", FROM)
    monkeypatch.setenv("USEBY_PUBLIC_URL", PUBLIC_URL)
    with served_mail() as receiver:
        where = f"127.0.0.1:{receiver.port}"
        monkeypatch.setenv("USEBY_SMTP_URL", f"smtp://{where}")
        text = f"{where} accepts mail without sign-in, encryption: none"
        assert _findings(useby)["mail"] == ("ok", text)
        monkeypatch.setenv("USEBY_SMTP_URL", f"smtp://useby:hunter2@{where}")
        says = _problems(useby)["mail"]
        assert says.startswith(f"{where}: the mail server accepts no user name and password")
        assert "hunter2" not in says
        assert receiver.mails == []
    assert _problems(useby)["mail"] == f"{where}: the mail server cannot be reached"


def test_a_mail_server_that_does_not_answer_is_a_problem(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ATTEMPT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("USEBY_SMTP_URL", f"smtp://127.0.0.1:{port}")
        monkeypatch.setenv("USEBY_MAIL_FROM", FROM)
        monkeypatch.setenv("USEBY_PUBLIC_URL", PUBLIC_URL)
        assert "does not answer within" in _problems(useby)["mail"]
