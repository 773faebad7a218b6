"""The Makefile's targets, and the two scripts through which it installs."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from tests.support.time_limits import HANG_TIMEOUT

ROOT: Final = Path(__file__).parent.parent
MAKEFILE: Final = (ROOT / "Makefile").read_text()

LISTING: Final = r"""
:env:.cert='/etc/certificates.pem'
:env:.find-links='/wheels'
freeze.all='true'
global.extra-index-url='\nfile:///one/simple\nfile:///two/simple'
global.find-links='/other'
global.index-url='https://mirror.example/simple'
install.index-url='https://inner.example/simple'
global.timeout='60'
global.trusted-host='mirror.example inner.example'
"""


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "install", ROOT / "requirements" / "install.py"
    )
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def programs(folder: Path, **scripts: str) -> Path:
    """Make a folder of shell scripts, the only programs on PATH except the shell's own."""
    folder.mkdir()
    for name, script in scripts.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return folder


def system(path: Path, *needs: str | Path) -> subprocess.CompletedProcess[str]:
    """Run requirements/system.sh with these programs only."""
    return subprocess.run(
        ["/bin/sh", ROOT / "requirements" / "system.sh", "make test", *needs],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )


def test_make_help_lists_every_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    output = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=True,
    ).stdout
    listed = re.findall(r"^make ([a-z-]+) +\S.*$", output, re.MULTILINE)
    assert len(listed) == output.count("\n")
    assert set(listed) == targets == set(phony.split())
    assert len(listed) == len(targets)


def test_every_command_in_the_docs_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("clients/js/*.md")]
    named = {
        name
        for page in pages
        for name in re.findall(r"(?:^|`|^ +)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert {"run", "test", "dist"} <= named
    assert named - targets == set()


def test_pip_settings_reach_uv(installer: ModuleType) -> None:
    pip = installer.settings(LISTING)
    assert "all" not in pip
    environment = installer.environment(pip, {"PATH": "/bin", "UV_HTTP_TIMEOUT": "5"})
    assert environment == {
        "PATH": "/bin",
        "SSL_CERT_FILE": "/etc/certificates.pem",
        "UV_DEFAULT_INDEX": "https://inner.example/simple",
        "UV_FIND_LINKS": "/wheels",
        "UV_HTTP_TIMEOUT": "5",
        "UV_INDEX": "file:///one/simple file:///two/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "mirror.example inner.example",
    }


@pytest.mark.parametrize(
    ("inside", "script", "expected"),
    [
        (True, "exit 1", "inside"),
        (False, "exit 0", "outside"),
        (False, "exit 1", "ensured"),
    ],
)
def test_a_pip_is_found_for_an_environment_that_has_none(
    installer: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inside: bool,
    script: str,
    expected: str,
) -> None:
    outside = programs(tmp_path / "bin", python=script) / "python"
    python = programs(tmp_path / "environment", python='echo "$*" >"$0.calls"') / "python"
    monkeypatch.setattr(installer.sys, "executable", str(python))
    monkeypatch.setattr(installer, "OUTSIDE", outside)
    monkeypatch.setattr(installer.importlib.util, "find_spec", lambda name: inside or None)
    command = installer.pip()
    ensured = (tmp_path / "environment" / "python.calls").exists()
    assert command[0] == str(outside if expected == "outside" else python)
    assert ("--python" in command) == (expected == "outside")
    assert ensured == (expected == "ensured")


def test_pip_installs_where_uv_fails(
    installer: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    uv, pip = (programs(tmp_path / name, **{name: script}) / name for name, script in (
        ("uv", "echo no such platform >&2; exit 2"),
        ("pip", 'echo "pip $*"'),
    ))  # fmt: skip
    monkeypatch.setattr(installer, "UV", uv)
    monkeypatch.setattr(installer, "pip", lambda: [str(pip)])
    monkeypatch.setattr(installer, "settings", lambda listing: {})
    assert installer.main(["-r", "run.txt"]) == 0
    output, errors = capfd.readouterr()
    assert output == "pip install --no-build-isolation -r run.txt\n"
    assert "no such platform" in errors
    assert "trying pip" in errors


def test_missing_system_packages_are_named_in_one_message(tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", chromium="exit 0", id="echo 1000")
    present, missing = tmp_path / "bin" / "chromium", tmp_path / "none"
    done = system(path, "chromium", present, "analyze=systemd", f"{missing}=module")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"make test needs analyze, {missing}; on Debian or Ubuntu: "
        "sudo apt-get install systemd module\n"
    )
    assert system(path, "chromium", present).returncode == 0


def test_root_installs_missing_system_packages_with_apt_get(tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", id="echo 0", apt_get='echo "$*" >>"$0.calls"')
    done = system(path, "id", "chromium", "analyze=systemd")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "installing chromium systemd ...\n"
    assert (path / "apt-get.calls").read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends chromium systemd",
    ]
