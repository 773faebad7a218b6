"""The packages of a release, installed into empty environments and started there."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.support.time_limits import HANG_TIMEOUT

import useby

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "src" / "useby"
PAGE: Final = SOURCE / "web"
CLIENT: Final = ROOT / "clients" / "js"
LISTENING: Final = re.compile(r"useby is listening on (\S+)")
NOT_PACKED: Final = {"__pycache__", ".mypy_cache"}

IMPORTS_THE_CLIENT: Final = """
import { Notifications, MemoryCursor } from "@useby/client";
const WebSocket = globalThis.WebSocket ?? class {};  // Node.js has none before version 22
const notifications = new Notifications("http://127.0.0.1:9", { token: "none", WebSocket });
await notifications.close();
console.log(typeof Notifications, typeof MemoryCursor);
"""


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Run a program to its end and return its output; it must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of the folders that it links to."""
    for parent, _, names in os.walk(folder, followlinks=True):
        yield from (Path(parent, name) for name in names)


def pip(*arguments: str | Path, folder: Path) -> str:
    """Run the development environment's pip; it has no network, and no settings of the machine."""
    return run(
        sys.executable, "-m", "pip", *arguments, folder=folder,
        PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1",
    )  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a new wheel and sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--directory", folder, folder=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(packages: Path) -> Path:
    (path,) = packages.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(packages: Path) -> Path:
    (path,) = packages.glob("*.tar.gz")
    return path


def requirements(wheel: Path) -> list[Requirement]:
    """Read the dependencies from the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    return [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]


def applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def closure(
    direct: list[Requirement], extra: str = ""
) -> dict[str, importlib.metadata.Distribution]:
    """Return all distributions that an installer adds for these requirements, with an extra."""
    chosen: dict[str, importlib.metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    pending = [requirement for requirement in direct if applies(requirement, extra)]
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        chosen[name] = importlib.metadata.distribution(name)
        for own in {"", *requirement.extras}:
            if (name, own) not in seen:
                seen.add((name, own))
                needs = [Requirement(line) for line in chosen[name].requires or []]
                pending += [need for need in needs if applies(need, own)]
    return chosen


def environment(folder: Path, wheel: Path) -> Path:
    """Make an environment with the wheel and what its metadata names, and nothing else.

    The dependencies are links to the development environment's: this takes no download and little
    time. ``pip check`` refuses a missing one, or one of a wrong version.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=ROOT)
    python = folder / "bin" / "python"
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for distribution in closure(requirements(wheel)).values():
        tops = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))
    pip("--python", python, "install", "--quiet", "--no-deps", wheel, folder=folder)
    pip("--python", python, "check", folder=folder)
    return folder / "bin"


def check_the_demo(folder: Path, programs: Path) -> None:
    """Start the demo from an environment, and fetch the page and what it loads."""
    process = subprocess.Popen(
        [programs / "useby", "demo"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "USEBY_PORT": "0", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while not (listening := LISTENING.search(lines[-1] if lines else "")):
            lines.append(process.stdout.readline())
            assert lines[-1], f"the demo ended early:\n{''.join(lines)}"
        with httpx.Client(base_url=listening[1], timeout=HANG_TIMEOUT) as http:
            assert http.get("/").raise_for_status().content == (PAGE / "index.html").read_bytes()
            for path in files_below(PAGE):
                name = path.relative_to(PAGE)
                if str(name) != "index.html":
                    assert http.get(f"/web/{name}").content == path.read_bytes(), path
            assert http.get("/api/openapi.json").json()["info"]["version"] == useby.__version__
    finally:
        process.terminate()
        with process.stdout as rest:
            lines += rest
        status = process.wait(HANG_TIMEOUT)
    assert status == 0, "".join(lines)


def test_the_packages_have_one_version() -> None:
    package = json.loads((CLIENT / "package.json").read_text())
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    kustomization = (ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text()
    assert package["version"] == useby.__version__
    assert lock["version"] == lock["packages"][""]["version"] == useby.__version__
    assert f'newTag: "{useby.__version__}"' in kustomization


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    source = {
        str(path.relative_to(SOURCE.parent)): path.read_bytes()
        for path in files_below(SOURCE)
        if NOT_PACKED.isdisjoint(path.parts)
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.startswith("useby/")} == set(source)
        changed = [name for name, content in source.items() if archive.read(name) != content]
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    assert changed == []
    assert licences
    assert {
        *("useby/py.typed", "useby/store/migrations/env.py", "useby/web/index.html"),
        *("useby/web/client.js", "useby/web/client/inbox.js"),  # links in the repository
    } <= set(source)


def test_the_sdist_holds_files_and_no_links(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        links = [member.name for member in archive if not (member.isfile() or member.isdir())]
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert links == [], "name the files they lead to in pyproject.toml, [tool.hatch…sdist]"
    assert {"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "pyproject.toml"} <= names
    assert not any(name.startswith("tests/") for name in names)


def test_the_wheel_requires_every_package_that_the_sources_import(wheel: Path) -> None:
    providers = importlib.metadata.packages_distributions()
    imported: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    imported -= {*sys.stdlib_module_names, "useby"}
    required = set(closure(requirements(wheel), extra="channels"))
    missing = {
        name
        for name in imported
        if required.isdisjoint(canonicalize_name(provider) for provider in providers[name])
    }
    assert {"fastapi", "asyncpg", "nats"} <= imported
    assert missing == set()


def test_the_wheel_starts_the_demo_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    programs = environment(tmp_path / "environment", wheel)
    where = run(programs / "python", "-c", "import useby; print(useby.__file__)", folder=tmp_path)
    assert where.startswith(str(tmp_path))
    check_the_demo(tmp_path, programs)


def test_the_sdist_builds_the_wheel_that_starts_the_demo(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    pip(
        "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, sdist,
        folder=tmp_path,
    )  # fmt: skip
    (built,) = tmp_path.glob("*.whl")
    assert built.name == wheel.name
    assert content(built) == content(wheel)


def content(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel by their names, with the metadata from which it is installed."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_node_imports_the_npm_package_in_an_empty_folder(tmp_path: Path) -> None:
    assert (CLIENT / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    run("npm", "pack", CLIENT, "--pack-destination", tmp_path, "--silent", folder=ROOT)
    (package,) = tmp_path.glob("*.tgz")
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"type": "module"}')
    (project / "main.js").write_text(IMPORTS_THE_CLIENT)
    run("npm", "install", "--offline", "--no-audit", "--no-fund", package, folder=project)
    assert run("node", "main.js", folder=project) == "function function\n"
    installed = {path.name for path in (project / "node_modules/@useby/client").iterdir()}
    assert installed == {"LICENSE", "README.md", "client.js", "client", "types", "package.json"}
