"""Lines of the Python client, each made wrong in a copy: a test that is named must notice.

``make mutants`` runs it; each mutant is a process of its own, which is too slow for every run.
The tests of a mutant run on the copy, put before the real one on the path.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = "src/useby/client/"
PURE = "tests/clients/test_pure.py::"
LINE = "tests/clients/test_line.py::"
MUTANTS = [
    # file, what stands there, what takes its place, the test that has to fail
    ("timing.py", "min(self.cap, self.base *", "(self.base *",
     PURE + "test_each_wait_may_be_twice_the_one_before_until_the_cap"),
    ("timing.py", "return chance * min(", "return min(",
     PURE + "test_a_wait_is_any_part_of_its_longest_by_chance"),
    ("seen.py", "            return False\n", "            return True\n",
     LINE + "test_a_frame_that_is_repeated_is_handed_over_once"),
    ("marks.py", "self._noted = self._under_way | self._noted", "self._noted = self._noted",
     LINE + "test_marks_whose_pong_never_came_are_sent_again_on_the_next_line"),
    ("line.py", "await self._ping(self._lot_is_durable)", "self._lot_is_durable()",
     LINE + "test_marks_are_not_settled_before_the_pong_behind_them"),
    ("notifications.py", "(replacing and not end.greeted)", "False",
     LINE + "test_a_fresh_token_that_is_refused_as_well_is_the_end"),
    ("notifications.py", "end.stood >= self._timing.stable", "end.stood >= 0",
     LINE + "test_a_connection_that_did_not_stand_long_does_not_reset_the_backoff"),
    ("line.py", "if now >= due:", "if False:",
     LINE + "test_a_peer_that_answers_no_ping_is_dropped"),
    ("notifications.py", "socket_url(self._url, self._received)", "socket_url(self._url)",
     LINE + "test_it_comes_back_for_what_is_newer_than_the_newest_received"),
    ("notifications.py", "len(self._arrived) < self._buffer", "True",
     LINE + "test_what_the_application_does_not_take_is_not_read"),
    ("verdicts.py", '        "Invalid access token",\n', "",
     PURE + "test_every_close_of_the_server_is_taken_as_it_is_meant"),
]  # fmt: skip


def _run(path: Path, test: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:randomly",
         "-p", "no:cacheprovider", "--tb=short", "--timeout", "20", test],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "right", "wrong", "test"),
    MUTANTS,
    ids=[f"{file}: {wrong.strip() or 'gone'}" for file, _, wrong, _ in MUTANTS],
)
def test_a_line_that_is_made_wrong_is_noticed(
    tmp_path: Path, file: str, right: str, wrong: str, test: str
) -> None:
    shutil.copytree(ROOT / "src" / "useby", tmp_path / "useby")
    mutant = tmp_path / "useby" / "client" / file
    text = mutant.read_text()
    assert text.count(right) == 1, "the line is not there as it was"
    mutant.write_text(text.replace(right, wrong))
    ran = _run(tmp_path, test)
    assert ran.returncode == 1, f"nobody noticed: {ran.stdout}{ran.stderr}"


def test_the_tests_that_are_to_fail_pass_on_a_copy_that_is_right(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src" / "useby", tmp_path / "useby")
    tests = {test for _, _, _, test in MUTANTS}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:randomly",
         "-p", "no:cacheprovider", *sorted(tests)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert f"{tmp_path}" in _where(tmp_path)


def _where(path: Path) -> str:
    """Which client a process with this path imports."""
    return subprocess.run(
        [sys.executable, "-c", "import useby.client; print(useby.client.__file__)"],
        env=os.environ | {"PYTHONPATH": str(path)}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
