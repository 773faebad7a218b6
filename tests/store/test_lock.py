"""One node a database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from useby.store.lock import AlreadyServed, serving_lock

HOLD = """
import sys
from pathlib import Path
from useby.store.lock import serving_lock
with serving_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_node_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "useby.db"
    with (
        serving_lock(path),
        pytest.raises(AlreadyServed, match=str(os.getpid())),
        serving_lock(path),
    ):
        pass
    with serving_lock(path):
        pass


def test_a_node_that_was_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "useby.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyServed, match=str(other.pid)), serving_lock(path):
            pass
        other.kill()
        other.wait()
    with serving_lock(path):
        pass
