"""The bench runs: every scenario that this machine needs nothing more for, at its smallest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.time_limits import HANG_TIMEOUT

ROOT = Path(__file__).parent.parent
SCENARIOS = ("idle", "push", "fanout", "durable", "storm", "wave", "latency")


@pytest.mark.timeout(6 * HANG_TIMEOUT)
def test_every_scenario_measures_a_real_node_and_stores_its_results(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", *SCENARIOS),
            *("--peers", "useby", "--connections", "70", "--pushes", "100", "--rounds", "1"),
            *("--into", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=5 * HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / "latest.json").read_text())
    assert tuple(kept) == SCENARIOS
    for scenario in kept.values():
        assert {row["peer"] for row in scenario["rows"]} >= {"useby"}
        assert all(all(row["figures"].values()) for row in scenario["rows"])
        assert scenario["failures"] == []
    assert (tmp_path / "latest.svg").read_text().startswith("<svg")
