"""Misspelt settings."""

from pathlib import Path

import pytest
from tests.support.cli_result import Useby

from useby.cli.setting_names import SETTINGS, misspelt

NO_FILE = Path("none")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("USEBY_SIGNPU", "USEBY_SIGNUP"),
        ("USEBY_DATABASE", "USEBY_DATABASE_URL"),
        ("USEBY_SECRETKEY", "USEBY_SECRET_KEY"),
        ("useby_signpu", "USEBY_SIGNUP"),
        ("USBEY_SIGNUP", "USEBY_SIGNUP"),
        ("USEBUY_SIGNPU", "USEBY_SIGNUP"),
        ("USEBYSIGNUP", "USEBY_SIGNUP"),
        ("USEBY-SIGNUP", "USEBY_SIGNUP"),
        ("useby.signup", "USEBY_SIGNUP"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest_right_one(name: str, right: str) -> None:
    assert misspelt({name: "hunter2"}, NO_FILE) == [
        f"{name} is not a setting; the nearest is {right}"
    ]


def test_a_name_near_to_none_is_answered_with_the_page_that_has_them_all() -> None:
    (sentence,) = misspelt({"USEBY_XYZZY": "1"}, NO_FILE)
    assert sentence.endswith("docs/reference/settings.md has them all")


def test_settings_in_any_case_and_names_of_other_programs_are_left_alone() -> None:
    others = ["USER", "USER_HOST", "USE_BY", "SIGNUP", "SECRET_KEY", "USEBY", "MY_USEBY_SIGNPU"]
    examples = ["USEBY_URL", "USEBY_EMAIL", "USEBY_PASSWORD", "USEBY_TOKEN"]
    names = [*SETTINGS, *map(str.lower, SETTINGS), *others, *examples]
    assert misspelt(dict.fromkeys(names, "1"), NO_FILE) == []


def test_a_line_of_the_file_that_sets_nothing_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# USEBY_SIGNPU=false is a comment\n"
        "SITE=localhost\n"
        "USEBY_PORT=8000\n"
        "  export useby_host = 127.0.0.1\n"
        "USEBY_SIGNPU=false\n"
        "USEBY_SIGNUP false\n"
        "USEBY-SIGNUP=false\n"
        'USEBY_JWT_PUBLIC_KEY="-----BEGIN PUBLIC KEY-----\n'
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A==\n"
        '-----END PUBLIC KEY-----"\n'
    )
    assert misspelt({}, file) == [
        f"{file}, line 5: USEBY_SIGNPU is not a setting; the nearest is USEBY_SIGNUP",
        f"{file}, line 6: USEBY_SIGNUP has no value; write USEBY_SIGNUP=VALUE",
        f"{file}, line 7: USEBY-SIGNUP is not a setting; the nearest is USEBY_SIGNUP",
    ]


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["user", "list"], ["migrate"]])
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_misspelt_setting_ends_a_command_and_prints_no_value(
    useby: Useby, folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], where: str
) -> None:
    if where == ".env":
        (folder / ".env").write_text("USEBY_SIGNPU=hunter2\n")
    else:
        monkeypatch.setenv("USEBY_SIGNPU", "hunter2")
    result = useby(*command)
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith("USEBY_SIGNPU is not a setting; the nearest is USEBY_SIGNUP\n")
    assert "hunter2" not in result.err
    assert not (folder / "useby.db").exists()


def test_doctor_reports_a_misspelt_setting_and_goes_on(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_SIGNPU", "false")
    monkeypatch.setenv("USEBY_PORT", "0")
    result = useby("doctor")
    assert result.status == 1
    assert "the nearest is USEBY_SIGNUP" in result.out
    assert "signing key" in result.out
