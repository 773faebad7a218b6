"""The page's files, as they are served: from the source tree, and from a wheel."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest
from tests.support.rest_app import Rest

ROOT: Final = Path(__file__).parents[2]
CLIENT: Final = ROOT / "clients" / "js"
MODULES: Final = {
    f"/web/{path.relative_to(CLIENT)}": path.read_bytes()
    for path in (CLIENT / "client.js", *(CLIENT / "client").iterdir())
}
"""The JavaScript client by the paths under which a node serves it."""
WEB: Final = ROOT / "src" / "useby" / "web"
FILES: Final = sorted(
    {f"/web/{path.name}" for path in WEB.iterdir() if path.is_file()} | MODULES.keys()
)
FROM_A_WHEEL: Final = """
import asyncio, json, sys, httpx
from fastapi import FastAPI
from useby.api import page

async def main():
    api = FastAPI()
    page.install(api)
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://useby.test") as client:
        print(page.__file__)
        for path in sys.argv[1:]:
            print(json.dumps((await client.get(path)).text))

asyncio.run(main())
"""


async def test_the_root_is_the_page(rest: Rest) -> None:
    client = rest.client()
    answer = await client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>useby</title>" in answer.text
    assert (await client.head("/")).headers["content-length"] == answer.headers["content-length"]
    assert (await client.post("/")).status_code == 405


async def test_every_address_in_the_page_is_served_and_relative(rest: Rest) -> None:
    client = rest.client()
    page = (await client.get("/")).text
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) > 4
    for address in named:
        assert not re.match(r"[a-z]+:|/", address), "relative, so that it may be below a path"
        assert (await client.get(f"/{address}")).status_code == 200, address
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page), "inline"


@pytest.mark.parametrize("path", ["/", *FILES])
async def test_each_file_has_a_strict_content_security_policy(rest: Rest, path: str) -> None:
    client = rest.client()
    answer = await client.get(path)
    assert answer.status_code == 200
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";")
    )
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert set(policy.values()) <= {"'self'", "'none'"}
    assert {"base-uri", "form-action", "frame-ancestors"} <= policy.keys()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/none.js",
        "/web/../settings.py",
        "/web/%2e%2e/settings.py",
        "/web/%00",
        "/web/client/",
        "/web/client/../../package.json",
        "/web/client/%2e%2e/%2e%2e/package.json",
        "/web/package.json",
    ],
)
async def test_a_path_outside_the_page_is_not_served(rest: Rest, path: str) -> None:
    assert (await rest.client().get(path)).status_code == 404


@pytest.mark.parametrize("path", MODULES)
async def test_the_client_library_is_the_one_of_the_source_tree(rest: Rest, path: str) -> None:
    answer = await rest.client().get(path)
    assert answer.content == MODULES[path]
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_the_page_preloads_each_module_of_the_client_library(rest: Rest) -> None:
    """Otherwise a browser finds them one level of imports after the other."""
    page = (await rest.client().get("/")).text
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    assert sorted(f"/{address}" for address in preloaded) == sorted(MODULES)


def test_the_client_library_is_in_a_wheel_too(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    served = subprocess.run(
        [sys.executable, "-c", FROM_A_WHEEL, *MODULES],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    where, *modules = served.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert [json.loads(text).encode() for text in modules] == list(MODULES.values())
    assert not [each for each in (tmp_path / "installed").rglob("*") if each.is_symlink()]
