"""Lines of the Python client, each made wrong in a copy: a test that is named must notice.

Each mutant is a fork of a process that has imported pytest with the few plugins that its one test
needs. The tests run on the copy, put before the real one on the path.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.time_limits import HANG_TIMEOUT

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "useby"
PROGRAM = ROOT / "tests" / "support" / "programs" / "forking_pytest.py"
MUTANTS = [
    # file, what stands there, what takes its place, the test that has to fail
    ("timing.py", "min(self.backoff_max, self.backoff_base *", "(self.backoff_base *",
     "pure_parts", "test_the_longest_wait_doubles_up_to_the_limit"),
    ("timing.py", "return chance * min(", "return min(",
     "pure_parts", "test_a_wait_is_a_random_part_of_the_longest"),
    ("close_policy.py", '        "Invalid access token",\n', "",
     "pure_parts", "test_every_close_of_the_server_has_the_right_reaction"),
    ("notifications.py", " or notification.id in self._inbox.seen", "",
     "connection", "test_a_repeated_frame_is_handed_over_once"),
    ("reconnector.py", ", self._inbox.newest)", ")",
     "connection", "test_a_reconnect_requests_what_is_newer_than_the_newest_received"),
    ("reconnector.py", "end.lasted >= self._timing.stable_after", "end.lasted >= 0",
     "connection", "test_a_short_connection_does_not_reset_the_backoff"),
    ("marks.py", "self._queued = self._in_flight | self._queued", "self._queued = self._queued",
     "connection", "test_marks_without_a_pong_are_sent_again_on_the_next_connection"),
    ("connection.py", "await self._ping(self._on_batch_durable)", "self._on_batch_durable()",
     "connection", "test_a_flush_waits_for_the_pong_behind_the_marks"),
    ("connection.py", "if now >= due:", "if False:",
     "connection", "test_a_peer_that_answers_no_ping_is_dropped"),
    ("inbox.py", "len(self._kept) < self._size", "True",
     "buffer", "test_a_client_reads_no_more_than_its_buffer_holds"),
    ("inbox.py", "return not self._missed and ", "return ",
     "buffer", "test_notifications_after_a_dropped_one_are_dropped_too"),
    ("notifications.py", "self._wake()\n            self._resume_dropped()", "self._wake()",
     "buffer", "test_dropped_notifications_are_requested_although_nothing_more_is_sent"),
    ("notifications.py", "if not is_id(notification_id):", "if False:",
     "cursor", "test_only_ids_can_be_marked_read"),
    ("notifications.py", "Position.parse(cursor.load())", "Position()",
     "cursor", "test_a_mark_before_the_first_step_keeps_the_stored_position"),
    ("reconnector.py", " is Reconnect.BACKOFF and not self.closing", " is Reconnect.BACKOFF",
     "close", "test_a_connection_lost_during_a_close_is_not_opened_again"),
    ("reconnector.py", " and self._task is not asyncio.current_task()", "",
     "close", "test_the_token_function_may_close_it"),
    ("reconnector.py", "(token_expired and not end.greeted)", "False",
     "tokens", "test_a_fresh_token_that_is_refused_too_ends_the_client"),
    ("connection.py", "await self._until_token_ends(bearer)", "await asyncio.Event().wait()",
     "tokens", "test_a_plain_session_reconnects_with_a_fresh_token_before_its_own_ends"),
    ("connection.py", "if not await self._authenticate(fresh):", "if False:",
     "tokens", "test_an_extended_session_continues_with_a_fresh_token"),
    ("connection.py", "return await self._authenticated", "return True",
     "tokens", "test_a_fresh_token_that_is_refused_or_not_answered_makes_a_new_connection"),
    ("connection.py", "if fresh == bearer:", "if False:",
     "tokens", "test_a_token_function_that_returns_the_same_token_has_no_fresh_one"),
    ("connection.py", "if self._renewals.allow(asyncio.get_running_loop().time()):", "if True:",
     "tokens", "test_a_renewal_before_a_reconnect_counts_after_it"),
    ("blocking.py",
     "            ended.wait()  # The next call must not find the coroutine running.\n", "",
     "blocking", "test_running_work_has_ended_when_ctrl_c_is_raised"),
]  # fmt: skip


def _copied(folder: Path) -> Path:
    """A client of its own in that folder, beside all else that a test imports of ``useby``."""
    (folder / "useby").mkdir()
    for each in SOURCE.iterdir():
        if each.name not in ("client", "__pycache__"):
            (folder / "useby" / each.name).symlink_to(each)
    return shutil.copytree(SOURCE / "client", folder / "useby" / "client")


class ForkingPytest:
    """Runs tests on a copy of the client, each time in a fork of one process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            cwd=ROOT, env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, text=True,
        )  # fmt: skip

    def run(self, folder: Path, seconds: int, *tests: str) -> tuple[int, str]:
        """Run tests that have so many seconds each; return pytest's status and output."""
        arguments = [
            "-q", "-x", "--noconftest", "-o", "addopts=", "--import-mode=importlib",
            "-p", "no:cacheprovider", "--tb=short", f"--timeout={seconds}",
            "-o", "timeout_func_only=true", *tests,  # a report may take longer
        ]  # fmt: skip
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([str(folder), *arguments]) + "\n")
        process.stdin.flush()
        status, output = json.loads(process.stdout.readline())
        return status, output

    def end(self) -> None:
        """End the process."""
        with self._process as process:
            process.kill()


@pytest.fixture(scope="module")
def forking() -> Iterator[ForkingPytest]:
    forking = ForkingPytest()
    yield forking
    forking.end()


def _path(file: str, test: str) -> str:
    return f"tests/clients/test_{file}.py::{test}"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "where", "test"),
    MUTANTS,
    ids=[f"{file}: {right.strip()} -> {wrong.strip()}" for file, right, wrong, *_ in MUTANTS],
)
def test_a_mutant_fails_its_test(
    forking: ForkingPytest,
    tmp_path: Path,
    file: str,
    right: str,
    wrong: str,
    where: str,
    test: str,
) -> None:
    mutant = _copied(tmp_path) / file
    text = mutant.read_text()
    assert text.count(right) == 1, "the line is not there as it was"
    mutant.write_text(text.replace(right, wrong))
    status, output = forking.run(tmp_path, 2, _path(where, test))
    assert status == 1, f"nobody noticed: {output}"


def test_the_tests_of_all_mutants_pass_on_an_unchanged_copy(
    forking: ForkingPytest, tmp_path: Path
) -> None:
    _copied(tmp_path)
    tests = sorted({_path(where, test) for *_, where, test in MUTANTS})
    status, output = forking.run(tmp_path, int(HANG_TIMEOUT), *tests)
    assert status == 0, output
