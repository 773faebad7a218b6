"""The bench runs: every scenario that this machine needs nothing more for, at its smallest."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench import catalogue, publish
from tests.support.time_limits import HANG_TIMEOUT

from useby.cli.catalogue_file import Dump

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


@pytest.mark.timeout(6 * HANG_TIMEOUT)
def test_the_bench_of_lots_compares_with_the_code_before_lots_and_stores_each_target(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.stock", "--into", str(tmp_path), "--rounds", "1"),
            *("--stored", "300", "--imported", "10", "--migrated", "250"),
            *("--loaded", "1000", "--dump", "products.csv.gz"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=5 * HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / "latest.json").read_text())["stock"]
    assert all(all(row["figures"].values()) for row in kept["rows"])
    cases = list(dict.fromkeys(row["case"] for row in kept["rows"]))
    assert cases == [
        "Consuming from a product",
        "A list of 50 products",
        "Migration of 250 products",
        "Importing a file",
        "Loading a catalogue",
        "Alerts that are due",
    ]
    assert len(kept["targets"]) == 14
    assert done.stdout.count("met: ") + done.stdout.count("MISSED: ") == 14


def test_the_command_reads_each_dump_that_the_bench_writes(tmp_path: Path) -> None:
    for name, write in catalogue.DUMPS.items():
        write(tmp_path / name, 20)
        with (tmp_path / name).open("rb") as file:
            dump = Dump(file, name)
            codes = {entry.code for entries in dump.slices(100) for entry in entries}
        assert (len(codes), dump.broken, dump.left_out) == (20, 0, 0), name


@pytest.mark.timeout(6 * HANG_TIMEOUT)
def test_the_bench_of_channels_measures_each_target(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.outbox", "--into", str(tmp_path), "--rounds", "1"),
            *("--posted", "100", "--wait", "100", "--sent", "100"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=5 * HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / "latest.json").read_text())["channels"]
    assert all(all(row["figures"].values()) for row in kept["rows"])
    assert kept["failures"] == []
    cases = dict.fromkeys(row["case"] for row in kept["rows"])
    assert list(cases) == ["Posts", "A live push", "Alerts", "Webhooks"]
    assert done.stdout.count("met: ") + done.stdout.count("MISSED: ") == len(kept["targets"]) == 6


@pytest.mark.parametrize(
    ("module", "options", "targets"),
    [
        ("households", ("--stored", "100", "--shared", "2", "--each", "5"), 1),
        ("policy_change", ("--stored", "100"), 4),
    ],
)
def test_a_bench_of_households_prints_each_target(
    module: str, options: tuple[str, ...], targets: int
) -> None:
    done = subprocess.run(
        [*(sys.executable, "-m", f"bench.{module}", "--rounds", "1"), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("met: ") + done.stdout.count("MISSED: ") == targets


def test_publishing_one_scenario_keeps_the_others_and_may_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("performance.md", "performance.json"):
        shutil.copy(ROOT / "docs" / name, tmp_path)
    figures = json.loads((tmp_path / "performance.json").read_text())
    (tmp_path / "latest.json").write_text(json.dumps({"stock": figures["stock"]}))
    for name in ("DOCS", "RESULTS"):
        monkeypatch.setattr(publish, name, tmp_path)
    monkeypatch.setattr(publish, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(publish, "FIGURES", tmp_path / "performance.json")
    for _ in range(2):
        publish.main()
        assert json.loads((tmp_path / "performance.json").read_text()) == figures
        for name in ("performance.md", "performance.json"):
            assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text()
