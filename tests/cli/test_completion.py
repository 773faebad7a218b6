"""Completion in the shells that ``useby --install-completion`` supports: bash, zsh, fish."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from tests.support.time_limits import HANG_TIMEOUT

CASES: Final = {"us": "user", "user in": "invite", "user add --pass": "--password-stdin"}
"""Words after ``useby``, of which the last is incomplete, and what completes it."""

BASH: Final = """
eval "$(useby --show-completion)"
for words in "$@"; do
  COMP_WORDS=(useby $words)
  COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
  _useby_completion useby
  printf '%s\\n' "${COMPREPLY[*]}"
done
"""
ZSH: Final = """
autoload -Uz compinit && compinit -u -D
eval "$(useby --show-completion)"
show() { print -r -- "line=[$BUFFER]"; BUFFER= }
zle -N show
bindkey '^I' complete-word
bindkey '^X' show
print READY
"""
"""Ctrl-X prints the line as it is typed and completed so far."""
FISH: Final = """
useby --show-completion | source
for words in $argv; complete --do-complete "useby $words"; end
"""


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """An environment with ``useby`` on the path, and without files of the user's own."""
    program = folder / "useby"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m useby "$@"\n')
    program.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "HOME": str(folder), "TERM": "xterm"}


def output(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=HANG_TIMEOUT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_bash_completes_commands_and_options(environment: dict[str, str]) -> None:
    printed = output(environment, "bash", "-c", BASH, "bash", *CASES)
    assert printed.splitlines() == [*CASES.values()]


def test_fish_completes_commands_and_options(environment: dict[str, str]) -> None:
    printed = output(environment, "fish", "-c", FISH, *CASES)
    assert [line.split("\t")[0] for line in printed.splitlines()] == [*CASES.values()]


def test_zsh_completes_commands_and_options(environment: dict[str, str], folder: Path) -> None:
    (folder / "setup.zsh").write_text(ZSH)
    ours, its = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"], env=environment, stdin=its, stdout=its, stderr=its, close_fds=True
    )
    os.close(its)
    try:
        os.write(ours, b"source setup.zsh\n")
        read_until(ours, "READY\r\n")
        for words, expected in CASES.items():
            os.write(ours, f"useby {words}\t\x18".encode())
            complete = f"{words.rpartition(' ')[0]} {expected}".strip()
            read_until(ours, f"line=[useby {complete} ]")
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def test_each_shell_gets_the_files_that_the_guide_names(
    environment: dict[str, str], folder: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/run-a-node.md").read_text()
    (item,) = re.findall(r"- \*\*Completion\*\*(.*?)\n- ", page, re.DOTALL)
    for shell in ("bash", "zsh", "fish"):
        output(environment, shell, "-c", "useby --install-completion; true")
        assert shell in item
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written - {"useby"} == set(re.findall(r"`~/(\S+)`", item))


def read_until(terminal: int, text: str) -> None:
    """Read what a terminal shows until it shows the text."""
    shown, ends = "", time.monotonic() + HANG_TIMEOUT
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, ends - time.monotonic()))
        assert ready, f"{text!r} is not in {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")
