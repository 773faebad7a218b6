"""The files of ``deploy/`` pass their own checkers, and agree with the program and each other."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from pydantic import SecretStr
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import HANG_TIMEOUT

import useby
from useby.metrics import connections
from useby.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.name != ".env")
EXPOSURE = 15
"""Of the unit, in tenths, at most: what ``systemd-analyze security`` calls OK ends at 4.9."""


def output_of(*command: str | Path, **environment: str) -> str:
    """Return the output of a checker, which must have passed."""
    where = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | environment
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, env=where, timeout=HANG_TIMEOUT
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def program(name: str) -> Path:
    """A checker that the ``dev`` extra has brought."""
    return Path(sys.executable).parent / name


def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    assert found, "the unit is checked by systemd-analyze; on Debian: apt-get install systemd"
    return found


@cache
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


@cache
def kubernetes() -> dict[str, Any]:
    """Return the objects of the base, by kind."""
    made = output_of(program("kubectl"), "kustomize", DEPLOY / "kubernetes")
    return {each["kind"]: each for each in yaml.safe_load_all(made)}


@cache
def container() -> list[list[str]]:
    """The Containerfile's instructions, in words."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    return [line.split() for line in text.replace("\\\n", " ").splitlines() if line]


def instruction(name: str) -> list[str]:
    """The words after the last instruction of a name."""
    return [words[1:] for words in container() if words[0] == name][-1]


def unit(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (DEPLOY / "useby.service").read_text(), re.MULTILINE)


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service["environment"].items()}


def seconds(duration: str) -> int:
    return int(str(duration).removesuffix("s"))


NODES = ("node-1", "node-2")
NATS = ("nats-1", "nats-2", "nats-3")
QUOTED = {"NATS_PASSWORD": '"3k"', "NATS_ROUTES": '["nats-route://route:3k@nats-1:6222"]'}


# by their own checkers


def test_hadolint_accepts_the_containerfile() -> None:
    assert (
        output_of(program("hadolint"), "--failure-threshold", "style", DEPLOY / "Containerfile")
        == ""
    )


@pytest.mark.parametrize("name", ["compose.yaml", "single.yaml"])
def test_a_compose_file_fits_its_schema(name: str) -> None:
    schema = "vendor.compose-spec"
    output_of(program("check-jsonschema"), "--builtin-schema", schema, DEPLOY / name)


def test_the_single_node_stores_its_data_in_a_volume_and_listens_on_this_machine_only() -> None:
    service = yaml.safe_load((DEPLOY / "single.yaml").read_text())["services"]["node"]
    (volume,) = service["volumes"]
    assert volume.endswith(":/var/lib/useby")
    assert f"VOLUME {volume.partition(':')[2]}" in (DEPLOY / "Containerfile").read_text()
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert "USEBY_SECRET_KEY" in service["environment"]  # a node on 0.0.0.0 starts with it only


def test_the_kustomize_base_is_built_and_each_part_fits_its_schema(tmp_path: Path) -> None:
    made = tmp_path / "made.yaml"
    made.write_text(yaml.safe_dump_all(kubernetes().values()))
    checked = output_of(program("kubernetes-validate"), "--strict", made)
    assert len(re.findall("passed for resource", checked)) == len(kubernetes())
    assert set(kubernetes()) == {
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
    }


def test_caddy_takes_its_file_and_finds_it_well_formed() -> None:
    place = {"SITE": "localhost", "NODES": "node-1:8000 node-2:8000"}
    output_of(program("caddy"), "adapt", "--validate", "--config", DEPLOY / "Caddyfile", **place)
    output_of(program("caddy"), "fmt", "--diff", DEPLOY / "Caddyfile")


def test_nats_takes_its_file_with_a_password_that_begins_with_a_digit() -> None:
    output_of(program("nats-server"), "-t", "-c", DEPLOY / "nats.conf", **QUOTED)
    for name in NATS:
        given = environment(compose()["services"][name])
        filled = {key: re.sub(r"\$\{.*?\}", "3k", value) for key, value in given.items()}
        assert filled["NATS_PASSWORD"] == QUOTED["NATS_PASSWORD"]
        output_of(program("nats-server"), "-t", "-c", DEPLOY / "nats.conf", **filled)


def test_systemd_accepts_the_unit_and_rates_its_exposure_low(tmp_path: Path) -> None:
    here = tmp_path / "useby.service"
    text = (DEPLOY / "useby.service").read_text()
    here.write_text(text.replace("/opt/useby/bin/useby", str(program("useby"))))
    plain = ("--man=no", "--recursive-errors=no")
    assert output_of(systemd_analyze(), "verify", *plain, here) == ""
    output_of(systemd_analyze(), "security", "--offline=true", f"--threshold={EXPOSURE}", here)


# with the program


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_variable_of_the_deployment_is_a_setting(path: Path) -> None:
    known = {f"USEBY_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bUSEBY_[A-Z_]+\b", path.read_text())) - known == set()


def test_the_image_runs_the_python_that_its_requirements_were_pinned_for() -> None:
    bases = {words[1] for words in container() if words[0] == "FROM"}
    (version,) = {re.search(r"python:(\d+\.\d+)-slim", base)[1] for base in bases}  # type: ignore[index]
    pinned = re.search(r"with Python (\d+\.\d+)", (ROOT / "requirements/run.txt").read_text())
    assert pinned
    assert version == pinned[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"{version}.0" in SpecifierSet(project["requires-python"])
    assert f'licenses="{project["license"]}"' in (DEPLOY / "Containerfile").read_text()


def test_the_image_is_built_from_pinned_packages_and_from_files_that_reach_the_build() -> None:
    installs = re.findall(r"pip install ([^&]*)", " ".join(map(" ".join, container())))
    assert len(installs) == 3
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    rules = (DEPLOY / "Containerfile.dockerignore").read_text().split("\n")
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    assert "*" in rules
    sources = [word for words in container() if words[0] == "COPY" for word in words[1:-1]]
    wanted = {word for word in sources if not word.startswith(("/", "--"))}
    assert wanted == set(let_in)
    assert all((ROOT / each).exists() for each in wanted)


def test_the_image_runs_as_nobody_and_stops_by_sigterm_which_its_program_gets() -> None:
    assert instruction("USER") == ["10001:10001"]
    assert instruction("STOPSIGNAL") == ["SIGTERM"]
    assert instruction("ENTRYPOINT") == ['["useby"]']
    assert shlex.split(" ".join(instruction("CMD")).strip("[]").replace(",", " ")) == [
        "serve",
        "--host",
        "0.0.0.0",
    ]
    assert instruction("VOLUME") == ["/var/lib/useby"] == instruction("WORKDIR")


def test_the_base_names_this_version_and_a_metric_that_nodes_have() -> None:
    (node,) = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert node["image"] == f"useby:{useby.__version__}"
    (metric,) = kubernetes()["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == next(iter(connections.collect())).name


# with itself


def test_the_port_is_the_same_everywhere() -> None:
    port = str(Settings.model_fields["port"].default)
    assert instruction("EXPOSE") == [port]
    assert f"127.0.0.1:{port}/api/health/live" in " ".join(instruction("CMD")) + " ".join(
        instruction("HEALTHCHECK")
    )
    assert environment(compose()["services"]["caddy"])["NODES"].split() == [
        f"{name}:{port}" for name in NODES
    ]
    spec = kubernetes()["Deployment"]["spec"]["template"]
    (node,) = spec["spec"]["containers"]
    assert [str(each["containerPort"]) for each in node["ports"]] == [port]
    assert spec["metadata"]["annotations"]["prometheus.io/port"] == port


def test_every_deployment_waits_longer_than_a_node_drains() -> None:
    more = 10.0  # the last peer's answer to its Close, and what is under way
    for name in NODES:
        service = compose()["services"][name]
        drain = seconds(environment(service)["USEBY_DRAIN_SECONDS"])
        assert seconds(service["stop_grace_period"]) >= drain + more
    drains = [each for each in unit("Environment") if each.startswith("USEBY_DRAIN_SECONDS=")]
    (stop,) = unit("TimeoutStopSec")
    assert seconds(stop) >= seconds(drains[0].partition("=")[2]) + more
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    waits = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = seconds(kubernetes()["ConfigMap"]["data"]["USEBY_DRAIN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] >= waits + drain + more


def test_probes_ask_what_the_node_answers() -> None:
    (node,) = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"]
    asked = {name: probe["httpGet"]["path"] for name, probe in node.items() if "Probe" in name}
    assert asked == {
        "startupProbe": "/api/health/live",
        "livenessProbe": "/api/health/live",
        "readinessProbe": "/api/health/ready",
    }
    assert "health_uri /api/health/ready" in (DEPLOY / "Caddyfile").read_text()


def test_every_selector_of_the_base_finds_its_pods() -> None:
    base = kubernetes()
    labels = base["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        base["Deployment"]["spec"]["selector"]["matchLabels"],
        base["Service"]["spec"]["selector"],
        base["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        base["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(each and each.items() <= labels.items() for each in selectors)
    target = base["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (
        "Deployment",
        base["Deployment"]["metadata"]["name"],
    )


def test_the_root_is_read_only_and_no_more_rights_are_had_than_needed() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else []), name
        assert "privileged" not in service
        assert service["security_opt"] == ["no-new-privileges:true"], name
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    (node,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert str(pod["securityContext"]["runAsUser"]) == instruction("USER")[0].partition(":")[0]
    assert node["securityContext"]["readOnlyRootFilesystem"]
    assert node["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_only_caddy_is_within_reach_and_nodes_believe_its_network_alone() -> None:
    services = compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    assert [name for name in services if "front" in services[name]["networks"]] == [*NODES, "caddy"]
    assert compose()["networks"]["back"] == {"internal": True}
    (front,) = compose()["networks"]["front"]["ipam"]["config"]
    for name in NODES:
        assert environment(services[name])["USEBY_TRUSTED_PROXIES"] == front["subnet"]


# secrets


def test_the_example_names_what_the_compose_file_asks_for_and_gives_no_value() -> None:
    lines = (DEPLOY / "example.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert set(given) == asked
    assert {value for name, value in given.items() if name != "SITE"} == {"change-me"}
    with pytest.raises(ValueError, match="at least 32"):  # so nobody runs it unchanged
        SettingsWithoutFile(secret_key=SecretStr("change-me"))


def test_no_secret_stands_in_a_file() -> None:
    (node,) = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert "Secret" not in kubernetes()
    assert {"secretRef": {"name": "useby"}} in node["envFrom"]
    assert "env" not in node
    secret = re.compile(r"(?:PASSWORD|SECRET_KEY|password)\s*[=:](?!\?)\s*(\S+)")
    placeholder = ("change-me", "$*", "'\"${*")
    for path in FILES:
        for value in secret.findall(path.read_text()):
            assert any(fnmatch(value, each) for each in placeholder), f"{path}: {value}"
        assert not re.search(r"://[\w-]+:(?!\$\{)[^/\s]+@", path.read_text()), path
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_commands_beside_the_unit_have_its_user_its_folder_and_its_environment() -> None:
    guide = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    (shown,) = re.findall(r"^exec systemd-run (.*?)\n```", guide, re.MULTILINE | re.DOTALL)
    words = shlex.split(shown.replace("\\\n", " "))
    assert words[-2:] == [unit("ExecStart")[0].split()[0], "$@"]
    given = dict(
        word.removeprefix("--property=").split("=", 1) for word in words if "property" in word
    )
    assert given.pop("User") == "useby", (
        "the name of the unit, which DynamicUser takes for its user"
    )
    assert given.pop("WorkingDirectory") == unit("WorkingDirectory")[0].replace("%S", "/var/lib")
    for key, value in given.items():
        assert value in unit(key), f"{key}={value} is not in the unit"


def test_services_that_the_guide_runs_commands_in_exist() -> None:
    guide = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    services = re.findall(r"compose\.yaml exec (?:-T )?(\S+) useby", guide)
    assert services
    assert set(services) <= set(NODES)
    (name,) = set(re.findall(r"kubectl exec (?:-it )?deployment/(\S+) -- useby", guide))
    assert name == kubernetes()["Deployment"]["metadata"]["name"]
