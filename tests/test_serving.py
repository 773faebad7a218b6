"""A node as a process of its own (the command is tested in ``cli/test_serve.py``)."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.time_limits import HANG_TIMEOUT

PROGRAM = """
import sys
from useby.serving import serve
from useby.settings import Settings

settings = Settings(port=0, drain_seconds=0, _env_file=None)
sys.exit(serve(settings, lambda url: print(url, flush=True), share_port="shared" in sys.argv))
"""


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a node in ``folder``; yield its process and the URL that it reports."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def is_live(url: str) -> bool:
    response = httpx.get(f"{url}/api/health/live", trust_env=False, timeout=HANG_TIMEOUT)
    return response.status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_with_its_own_port_outlives_its_standard_input_and_a_signal_ends_it_with_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    with served(tmp_path) as (process, url):
        assert is_live(url), "when it reports its URL"
        assert process.stdin is not None
        process.stdin.close()
        assert is_live(url)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(HANG_TIMEOUT) == 0


def test_a_node_that_shares_its_port_ends_with_its_parents_pipe(tmp_path: Path) -> None:
    with served(tmp_path, "shared") as (process, url):
        assert is_live(url)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(HANG_TIMEOUT) == 0
