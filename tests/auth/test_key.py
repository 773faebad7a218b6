"""The key that signs our tokens."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from tests.support.settings import SettingsWithoutFile

from useby.auth.key import (
    KEY_BYTES,
    SettingsError,
    key_id,
    key_path,
    signing_key,
    signing_keys,
)
from useby.settings import Settings

SECRET = "a secret of quite enough characters"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "fridge.db"


def settings(**values: Any) -> Settings:
    return SettingsWithoutFile(**values)


def test_a_key_of_the_settings_is_used_and_no_file_is_made(database: Path) -> None:
    assert signing_key(settings(secret_key=SECRET), database) == SECRET.encode()
    assert not key_path(database).exists()


def test_a_key_is_made_once_and_kept_beside_the_database(database: Path) -> None:
    key = signing_key(settings(), database)
    assert len(key) >= KEY_BYTES
    assert signing_key(settings(), database) == key
    assert [path.name for path in database.parent.iterdir()] == ["fridge.key"]
    assert key_path(database).read_bytes() == key


def test_two_databases_have_two_keys(database: Path) -> None:
    other = database.with_name("other.db")
    assert signing_key(settings(), database) != signing_key(settings(), other)


def test_only_its_owner_can_read_the_kept_key(database: Path) -> None:
    before = os.umask(0)
    try:
        signing_key(settings(), database)
    finally:
        os.umask(before)
    assert key_path(database).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_kept_key_that_others_can_reach_is_refused(database: Path, mode: int) -> None:
    signing_key(settings(), database)
    key_path(database).chmod(mode)
    with pytest.raises(SettingsError, match=f"mode {mode:o}.: chmod 600 it"):
        signing_key(settings(), database)


def test_a_kept_key_that_is_too_short_is_refused(database: Path) -> None:
    signing_key(settings(), database)
    key_path(database).write_text("x" * (KEY_BYTES - 1) + "\n")
    with pytest.raises(SettingsError, match="holds no key of 32 bytes or more: delete it"):
        signing_key(settings(), database)


def test_threads_that_start_at_once_agree_on_one_key(database: Path) -> None:
    together = Barrier(16)

    def start(_: int) -> bytes:
        together.wait()
        return signing_key(settings(), database)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(start, range(16)))) == 1
    assert [path.name for path in database.parent.iterdir()] == ["fridge.key"]


def test_processes_that_start_at_once_agree_on_one_key(database: Path) -> None:
    script = """
import sys
from pathlib import Path
from useby.auth.key import signing_key
from useby.settings import Settings
sys.stdin.read()
print(signing_key(Settings(_env_file=None), Path(sys.argv[1])).decode())
"""
    command = [sys.executable, "-c", script, str(database)]
    ready, go = os.pipe()
    started = [
        subprocess.Popen(command, stdin=ready, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    os.close(ready)
    os.close(go)  # each reads the end of its input and goes
    keys = {process.communicate()[0] for process in started}
    assert len(keys) == 1
    assert all(process.returncode == 0 for process in started)


def test_the_signing_key_comes_first_and_an_id_shows_nothing_of_its_key(database: Path) -> None:
    keys = signing_keys(settings(secret_key=SECRET, secret_key_previous=SECRET[::-1]), database)
    assert list(keys.by_id.values()) == [SECRET.encode(), SECRET[::-1].encode()]
    assert list(keys.by_id) == [keys.signing_id, key_id(SECRET[::-1].encode())]
    assert {len(each) for each in keys.by_id} == {22}
    assert list(signing_keys(settings(secret_key=SECRET), database).by_id) == [keys.signing_id]


def test_a_previous_key_that_is_too_short_is_refused_and_not_printed() -> None:
    with pytest.raises(ValueError, match="USEBY_SECRET_KEY_PREVIOUS has 5 bytes") as caught:
        settings(secret_key=SECRET, secret_key_previous="short")
    assert "short" not in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "fridge.example"])
def test_a_node_on_a_public_address_requires_a_key(database: Path, host: str) -> None:
    with pytest.raises(
        SettingsError, match=r"USEBY_SECRET_KEY must be set to serve on .* Make one with: python3"
    ):
        signing_key(settings(host=host), database)
    assert not database.parent.exists(), "nothing is made"
    assert signing_key(settings(host=host, secret_key=SECRET), database) == SECRET.encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_a_node_on_this_machine_alone_makes_its_key(database: Path, host: str) -> None:
    assert signing_key(settings(host=host), database)
