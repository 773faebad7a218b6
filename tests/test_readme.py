"""The README's example runs, and its links and commands exist."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from tests.support import process_node
from tests.support.time_limits import HANG_TIMEOUT

import useby

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RENEWALS = 2
"""A token is renewed at half of its life at the earliest, so then the first one has ended."""


async def renewed(rest: httpx.AsyncClient, times: int) -> bool:
    """True if a refresh token was exchanged so many times."""
    name = "useby_http_request_duration_seconds_count"
    labels = {"route": "/api/auth/refresh", "status": "200"}
    return await process_node.metric(rest, name, **labels) >= times


async def test_the_readmes_example_still_prints_after_its_first_token_has_ended(
    tmp_path: Path,
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    account = {"email": "you@example.org", "password": "the quick brown fox"}
    with process_node.serving(tmp_path, access_token_seconds=8) as server:
        async with server.rest() as rest:
            await rest.post("/api/auth/signup", json=account)
            await server.command("notify", account["email"], "Milk expires today")
            await server.command("notify", account["email"], "Tea is ready")
            program = tmp_path / "device.py"
            program.write_text(example.replace("http://127.0.0.1:8000", server.url))
            run = await asyncio.create_subprocess_exec(
                *(sys.executable, str(program)),
                env=os.environ | {"USEBY_PASSWORD": account["password"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert run.stdout
            assert run.stderr
            try:
                async with asyncio.timeout(HANG_TIMEOUT):
                    lines = [await run.stdout.readline() for _ in range(2)]
                    await process_node.until(lambda: renewed(rest, RENEWALS), every=0.1)
                    await server.command("notify", account["email"], "Coffee is ready")
                    lines.append(await run.stdout.readline())
                    run.send_signal(signal.SIGINT)
                    assert (await run.stderr.read(), await run.wait()) == (b"", 0)
            finally:
                if run.returncode is None:
                    run.kill()
                    await run.wait()
    assert b"".join(lines).decode().splitlines() == [
        "info: Milk expires today",
        "info: Tea is ready",
        "info: Coffee is ready",
    ]


def test_the_readmes_commands_add_products_to_an_account_of_ones_own(tmp_path: Path) -> None:
    (table,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    (activate, *commands, serve) = _block("user add").splitlines()
    assert activate.startswith(". .venv/bin/activate ")
    assert serve == "useby serve"
    (tmp_path / "fridge.csv").write_text(table)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(commands)],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("USEBY_")}
        | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_TIMEOUT,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[1:] == [
        "Organic Milk was added; its first alert is due now: a running node sends it at once",
        "1 product added, 0 changed, 0 unchanged",
    ]


def test_the_readme_names_what_each_command_needs() -> None:
    products = README.index("## Add your products")
    assert products < README.index("## Connect a device")
    assert products < README.index("Stop the demo with Ctrl-C first") < README.index("user add")
    assert _block("pip install").startswith("python3 -m venv .venv\n")
    assert _block("USEBY_PASSWORD=").endswith(" .venv/bin/python device.py\n")
    assert _block("useby watch") == 'useby watch --token "$(useby token you@example.org)"\n'


def _block(part: str) -> str:
    """Return the README's only block of commands with this part."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    (block,) = [block for block in blocks if part in block]
    return str(block)


def test_the_readme_states_that_nothing_is_published_and_what_builds_each_package() -> None:
    assert "Nothing is published yet" in README
    release = (ROOT / "docs/how-to/release.md").read_text()
    assert "publish dist/useby-" in release
    assert "No image is\npublished" in release
    version = useby.__version__
    for built in (f"useby-{version}-py3-none-any.whl", f"useby-client-{version}.tgz"):
        assert built in README
        assert built in release
    assert "build:" in (ROOT / "deploy/single.yaml").read_text()


def test_the_readmes_links_lead_to_files() -> None:
    pages = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(pages) > 5
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_the_readme_shows_the_two_main_targets_of_the_makefile() -> None:
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first
    targets = re.findall(r"^make (\w+)", first[1], re.MULTILINE)
    assert targets == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}: " in makefile for target in targets)
