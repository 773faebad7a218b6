"""Finding commands, and refusing in one line.

covers: useby.cli.database, useby.cli.options, useby.cli.usage
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.support.cli_result import Useby

from useby import cli
from useby.auth.rate_limits import RateLimiter
from useby.auth.tokens import Verifier
from useby.cli.options import CommandError, read_settings
from useby.settings import Settings
from useby.store.url import URL_HELP


def test_help_names_every_command(useby: Useby) -> None:
    result = useby("--help")
    assert result.status == 0
    assert [name for name in cli.COMMANDS if f" {name} " not in result.out] == []


def test_every_file_that_is_a_command_is_called_by_its_name() -> None:
    folder = Path(cli.__file__).parent
    commands = {path.stem for path in folder.glob("*.py") if "\napp = typer" in path.read_text()}
    assert commands - {"__init__"} == set(cli.COMMANDS)


def test_the_line_of_each_command_is_the_beginning_of_its_help() -> None:
    for name, line in cli.COMMANDS.items():
        command = typer.main.get_command(import_module(f"useby.cli.{name}").app)
        assert " ".join((command.help or "").split()).startswith(line.rstrip(".")), name


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = (
        "import json, sys; from useby.cli import main; main(['--help']);"
        " print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(json.loads(done.stderr))
    assert {each for each in loaded if each.startswith("useby")} == {"useby", "useby.cli"}
    assert not loaded & {"pydantic", "sqlalchemy", "rich", "asyncio"}


@pytest.mark.parametrize(
    "words",
    [
        ["nix"],
        ["token"],
        ["serve", "--port", "70000"],
        ["token", "a@b.c", "--expires-in", "0"],
        ["user", "add", "nobody"],
        ["user", "add", "a@b.c", "--time-zone", "Mars/Base"],
        ["notify", "a@b.c", "x", "--type", "loud"],
        ["notify", "a@b.c", "nul \0 in it"],
        ["product", "import", "nowhere.csv", "--user", "a@b.c"],
        ["watch"],
        ["watch", "--token", "x", "--url", "ftp://example.org"],
    ],
)
def test_a_wrong_command_line_prints_one_line_and_exits_with_2(
    useby: Useby, words: list[str]
) -> None:
    result = useby(*words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("useby: ")
    assert result.err.count("\n") == 1


LIBRARIES_WORDS = (
    "Input should",
    "Value error",
    "Invalid value",
    "No such",
    "requires an argument",
)


def commands(command: Any = None, *path: str) -> Iterator[tuple[list[str], Any]]:
    """Yield each command of the parser with the words that call it, the program included."""
    command = command or typer.main.get_command(cli.app)
    yield list(path), command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(typer.Context(command)):
            found = command.get_command(typer.Context(command), name)
            yield from commands(found, *path, name)


def wrong_lines(path: list[str], command: Any) -> Iterator[tuple[list[str], str]]:
    """Yield wrong command lines, each with what the refusal must name."""
    first_missing = None
    for each in command.params:
        if each.param_type_name == "argument":
            first_missing = first_missing or each.metavar or each.name.upper()
            continue
        name = each.opts[0]
        if each.is_flag:
            yield [*path, f"{name}=3"], name
            continue
        yield [*path, name], name
        if each.type_descriptor.annotation is not str and not each.multiple:  # those are texts
            for wrong in ("", "x", "-1", "99999999999999999999"):
                yield [*path, name, wrong], name
    if first_missing and command.params[0].required:
        yield path, first_missing
    yield [*path, "--nonsense"], "--nonsense"
    if hasattr(command, "list_commands"):
        yield path, f"`{' '.join(['useby', *path])} --help`"
        yield [*path, "nonsense"], "nonsense"
    elif any(each.required and each.param_type_name == "option" for each in command.params):
        first = {"import": "FILE", "invite": "ROLE", "role": "ROLE"}.get(path[-1], "is missing")
        yield [*path, *["a"] * 9], first
    else:
        yield [*path, *["a"] * 9], f"`{' '.join(['useby', *path])}` takes"


def test_the_refusal_of_every_option_of_every_command_names_it_with_an_example(
    useby: Useby,
) -> None:
    tried = [line for path, command in commands() for line in wrong_lines(path, command)]
    bad = []
    for words, name in tried:
        result = useby(*words)
        exampled = (
            "e.g. " in result.err or "it has " in result.err or "the nearest is " in result.err
        )
        good = result.status == 2 and not result.out and result.err.startswith("useby: ")
        own = not any(each in result.err for each in LIBRARIES_WORDS)
        named = name in result.err and result.err.count("\n") == 1
        if not (good and own and named and (exampled or "--help" in name)):
            bad.append((words, result))
    assert bad == []
    assert len(tried) > 150


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["serve", "--port", "70000"],
            "--port has a wrong value; expected: Port, 0 to 65535, e.g. 8000; 0 is any",
        ),
        (
            ["notify", "a@b.c", "x", "--type", "loud"],
            "--type has a wrong value; expected: info, warning or error, e.g. error",
        ),
        (
            ["notify", "a@b.c"],
            "MESSAGE is missing; expected: Text of the notification, e.g. 'Tea is ready'",
        ),
        (["notfy"], "`useby` has no command notfy; the nearest is notify"),
        (["serve", "--prot", "1"], "`useby serve` has no option --prot; the nearest is --port"),
        (
            ["serve", "extra"],
            "`useby serve` takes options only: quote a text with spaces, e.g. 'Organic Milk'",
        ),
        (
            ["user", "list", "--database", "mysql://x"],
            f"--database: {URL_HELP}",
        ),
        (
            ["product", "import", "nowhere.csv", "--user", "a@b.c"],
            "FILE must be a file that can be read, e.g. fridge.csv; nowhere.csv is not",
        ),
    ],
)
def test_a_refusal_is_in_our_own_words(useby: Useby, words: list[str], line: str) -> None:
    assert useby(*words).err == f"useby: {line}\n"


WRONG_TEXTS = {
    "host": "",
    "database_url": "mysql://x",
    "nats_url": "x",
    "secret_key": "x",
    "secret_key_previous": "x",
    "allowed_origins": "x",
    "trusted_proxies": "x",
    "root_path": "x",
    "login_rate": "x",
    "signup_rate": "x",
    "jwt_secret": "x",
    "jwt_algorithms": "none",
    "jwt_jwks_url": "x",
    "jwt_public_key": "x",
}
FREE_TEXTS = {
    *("nats_credentials", "nats_ca", "allowed_hosts"),
    *("jwt_issuer", "jwt_audience", "jwt_user_claim"),
}
"""Settings that take any text, or of which the system refuses some when they are used."""


@pytest.mark.parametrize("name", sorted(Settings.model_fields.keys() - FREE_TEXTS))
def test_the_refusal_of_every_setting_names_it_with_an_example(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "jwt_algorithms":
        monkeypatch.setenv("USEBY_JWT_JWKS_URL", "https://issuer.example/keys")
    largest = [each.le for each in Settings.model_fields[name].metadata if hasattr(each, "le")]
    beyond = [str(each + 1) for each in largest]
    for wrong in [WRONG_TEXTS[name]] if name in WRONG_TEXTS else ["x", "-1", *beyond]:
        monkeypatch.setenv(f"USEBY_{name.upper()}", wrong)
        with pytest.raises((CommandError, ValueError)) as refused:
            used(read_settings())
        line = str(refused.value)
        assert line.startswith(f"USEBY_{name.upper()}"), wrong
        assert "e.g. " in line, wrong
        assert not any(each in line for each in LIBRARIES_WORDS), wrong


def used(settings: Settings) -> None:
    """Use the settings as a node and ``useby doctor`` do."""
    RateLimiter(settings)
    Verifier(settings, b"")


@pytest.mark.parametrize(
    "words",
    [
        ["user", "list"],
        ["token", "a@b.c"],
        ["user", "disable", "a@b.c"],
        ["user", "list", "--database", "mysql://elsewhere/x"],
        ["user", "list", "--database", "postgresql://u:half/other-half@h/x"],
        ["user", "list", "--database", "sqlite:///no-database.txt"],
        ["migrate", "--database", "sqlite:///no-database.txt"],
        ["serve", "--database", "sqlite:///no-database.txt"],
        ["serve", "--host", "0.0.0.0", "--port", "0"],
        ["serve", "--host", "192.0.2.1", "--port", "0", "--database", "sqlite:///:memory:"],
    ],
)
def test_a_command_that_fails_prints_one_line_and_exits_with_1(
    useby: Useby, folder: Path, words: list[str]
) -> None:
    (folder / "no-database.txt").write_text("something else altogether " * 100)
    result = useby(*words)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("useby: ")
    assert result.err.count("\n") == 1


def test_a_wrong_setting_is_named_as_the_environment_names_it(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_PORT", "high")
    monkeypatch.setenv("USEBY_SECRET_KEY", "short and secret")
    result = useby("user", "list")
    assert result.status == 1
    assert "USEBY_PORT must be a whole number, e.g. 7" in result.err
    assert "short and secret" not in result.err


def test_a_setting_may_stand_in_env_and_a_flag_wins(useby: Useby, folder: Path) -> None:
    (folder / ".env").write_text("USEBY_DATABASE_URL=sqlite:///from-env.db\n")
    assert "from-env.db" in useby("migrate").out
    assert "flag.db" in useby("migrate", "--database", "sqlite:///flag.db").out


def test_the_unexpected_is_one_line_without_secrets(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("access_token=abc.def")

    monkeypatch.setattr("useby.store.migrate.revision", fail)
    result = useby("migrate")
    assert result.status == 1
    assert result.err.count("\n") == 1
    assert "LookupError: access_token=[redacted]" in result.err
    monkeypatch.setenv("USEBY_LOG_LEVEL", "DEBUG")
    result = useby("migrate")
    assert "Traceback" in result.err
    assert "abc.def" not in result.err


def test_a_stop_is_no_error(useby: Useby, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("useby.store.migrate.revision", stop)
    result = useby("migrate")
    assert (result.status, result.err) == (130, "useby: stopped\n")


NOT_FOR_NOTIFY = {
    *(
        "alembic",
        "asyncpg",
        "cryptography",
        "fastapi",
        "httptools",
        "httpx",
        "jwt",
        "limits",
        "nats",
    ),
    *("prometheus_client", "pwdlib", "rich", "starlette", "structlog", "uvicorn", "websockets"),
}
"""Every library of ours but those that parse a command, read settings and write to SQLite."""


def test_notify_imports_only_what_it_needs(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    code = (
        "import json, sys; from useby.cli import main;"
        " status = main(['notify', 'ada@example.org', 'Milk expires today']);"
        " print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(json.loads(done.stderr))
    ours = {each for each in loaded if each.startswith("useby.")}
    packages = {each.split(".")[1] for each in ours}
    ours_too = {"domain", "schemas", "settings", "store", "text"}
    assert packages == {"actions", "auth", "cli"} | ours_too
    assert not loaded & NOT_FOR_NOTIFY
    assert "sqlalchemy.ext.asyncio" not in loaded
    assert len(ours) <= 90  # with the tables of channels, quiet hours, languages and households
    assert len(loaded) <= 553  # 548 with Python 3.11


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "useby", "--version"], capture_output=True, check=True, text=True
    )
    assert done.stdout.startswith("0.")


def test_an_invalid_value_is_named_by_its_option(useby: Useby) -> None:
    result = useby("user", "add", "a@b.c", "--time-zone", "Mars/Base")
    message = "must be an IANA time zone, e.g. Europe/Berlin"
    assert result.err == f"useby: --time-zone {message}\n"
