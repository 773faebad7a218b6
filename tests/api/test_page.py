"""The page's files, as they are served: from the source tree, and from a wheel."""

import json
import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from tests.support.rest_app import Rest

from useby.api import page

ROOT: Final = Path(__file__).parents[2]
CLIENT: Final = ROOT / "clients" / "js"
MODULES: Final = {
    f"/web/{path.relative_to(CLIENT)}": path.read_bytes()
    for path in (CLIENT / "client.js", *(CLIENT / "client").iterdir())
}
"""The JavaScript client by the paths under which a node serves it."""
WEB: Final = ROOT / "src" / "useby" / "web"
FILES: Final = sorted(f"/web/{name}" for name in page.paths())


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


async def test_each_file_has_a_strict_content_security_policy(rest: Rest) -> None:
    client = rest.client()
    for path in ("/", *FILES):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        check_headers(path, answer.headers)
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path


def check_headers(path: str, headers: httpx.Headers) -> None:
    """Compare the headers of a file with those that each has."""
    policy = dict(
        each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";")
    )
    assert policy.pop("default-src") == "'none'", path
    assert policy.pop("require-trusted-types-for") == "'script'", path
    assert policy.pop("trusted-types") == "useby", path
    if path == "/web/scan_worker.js":
        assert policy.pop("script-src") == "'self' 'wasm-unsafe-eval'", "of this worker alone"
    assert set(policy.values()) <= {"'self'", "'none'"}, path
    assert {"base-uri", "form-action", "frame-ancestors"} <= policy.keys(), path
    assert {"worker-src", "manifest-src", "connect-src"} <= policy.keys(), path
    assert headers["permissions-policy"].startswith("camera=(self)"), path
    assert headers["x-content-type-options"] == "nosniff", path
    assert headers["referrer-policy"] == "no-referrer", path
    assert headers["cache-control"] == "no-cache", path


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/none.js",
        "/web/../settings.py",
        "/web/%2e%2e/settings.py",
        "/web/%00",
        "/web/client/",
        "/web//client.js",
        "/web/..%2f..%2fsettings.py",
        "/web/..\\settings.py",
        "/web/%2fetc/passwd",
        "/web//etc/passwd",
        "/web/" + "a" * 5000,
        "/web/\N{LATIN SMALL LETTER E WITH ACUTE}.js",
        "/web/client/../../package.json",
        "/web/client/%2e%2e/%2e%2e/package.json",
        "/web/package.json",
    ],
)
async def test_a_path_outside_the_page_is_not_served(rest: Rest, path: str) -> None:
    assert (await rest.client().get(path)).status_code == 404


async def test_the_client_library_is_the_one_of_the_source_tree(rest: Rest) -> None:
    client = rest.client()
    for path, content in MODULES.items():
        answer = await client.get(path)
        assert answer.content == content, path
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8", path


def test_every_file_below_the_folder_is_served_with_a_type_of_the_table() -> None:
    names = {
        str(path.relative_to(WEB))
        for pattern in ("*", "*/*", "client/**/*")
        for path in WEB.glob(pattern)
        if path.is_file()
    }
    assert names <= page.paths().keys()
    assert MODULES.keys() <= set(FILES)
    assert {path.suffix for path in page.paths().values()} <= page.MEDIA_TYPES.keys()


async def test_a_file_is_compressed_for_a_client_that_accepts_gzip(rest: Rest) -> None:
    client = rest.client()
    for path in ("/", *FILES):
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        small = await client.get(path, headers={"Accept-Encoding": "br, gzip"})
        check_compressed(path, plain, small)


def check_compressed(path: str, plain: httpx.Response, small: httpx.Response) -> None:
    """Compare the answers without and with gzip."""
    assert "content-encoding" not in plain.headers, path
    assert small.content == plain.content, f"the client decodes {path}"
    assert plain.headers["vary"] == small.headers["vary"] == "Accept-Encoding", path
    if "content-encoding" in small.headers:
        assert small.headers["content-encoding"] == "gzip", path
        assert int(small.headers["content-length"]) < int(plain.headers["content-length"]), path
        assert small.headers["etag"] != plain.headers["etag"], "a strong tag is of the bytes sent"
    for answer in (plain, small):
        assert re.fullmatch(r'"[0-9a-f]{32}(-gzip)?"', answer.headers["etag"]), path


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("deflate, gzip;q=1.0, *;q=0", True),
        ("*;q=0, gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
        (",;q=,=", False),
    ],
)
async def test_the_weights_of_encodings_count(
    rest: Rest, accepted: str, *, is_compressed: bool
) -> None:
    answer = await rest.client().get("/web/client.js", headers={"Accept-Encoding": accepted})

    assert ("content-encoding" in answer.headers) is is_compressed


async def test_a_tag_of_either_form_answers_its_own_form_only(rest: Rest) -> None:
    client = rest.client()
    tag = (await client.get("/", headers={"Accept-Encoding": "gzip"})).headers["etag"]

    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        headers = {"If-None-Match": given, "Accept-Encoding": "gzip"}
        answer = await client.get("/", headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    headers = {"If-None-Match": tag, "Accept-Encoding": "identity"}
    assert (await client.get("/", headers=headers)).status_code == 200


async def test_an_edited_file_is_read_again(
    rest: Rest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = tmp_path / "client.js"
    edited.write_text("1")
    monkeypatch.setattr(page, "paths", lambda: {"index.html": edited, "client.js": edited})
    api = FastAPI()
    page.install(api)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://useby.test")
    before = await client.get("/web/client.js")
    edited.write_text("2")
    os.utime(edited, ns=(1, 1))

    after = await client.get("/web/client.js")
    edited.unlink()
    gone = await client.get("/web/client.js")
    await client.aclose()

    assert (before.text, after.text, gone.status_code) == ("1", "2", 404)
    assert before.headers["etag"] != after.headers["etag"]


async def test_a_service_worker_may_control_the_page_above_its_folder(
    rest: Rest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "sw.js"
    worker.write_text("")
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    api = FastAPI()
    (tmp_path / "index.html").write_text("")
    page.install(api)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://useby.test"
    ) as client:
        answer = await client.get("/web/sw.js")
        assert "service-worker-allowed" not in (await client.get("/")).headers

    assert answer.headers["service-worker-allowed"] == "../"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "service-worker-allowed" not in (await rest.client().get("/web/client.js")).headers


async def test_the_list_for_the_service_worker_names_every_file_of_the_page(rest: Rest) -> None:
    client = rest.client()
    answer = await client.get("/web/files.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    listed = json.loads(answer.text.removeprefix("globalThis.FILES = ").removesuffix(";\n"))
    html = (await client.get("/")).text
    assert set(re.findall(r'(?:src|href)="web/([^"]+)"', html)) <= set(listed["paths"])
    assert {"offline.js", "views/insights.js", "vendor/icons.js"} <= set(listed["paths"])
    assert not {"sw.js", "files.js", "index.html"} & set(listed["paths"])
    assert not [each for each in listed["paths"] if each.endswith((".d.ts", ".LICENSE"))]
    for path in listed["paths"]:
        assert (await client.get(f"/web/{path}")).status_code == 200
    again = await client.get("/web/files.js", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_the_stylesheets_are_one_file_which_changes_with_each_of_them(
    rest: Rest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = rest.client()
    html = (await client.get("/")).text
    assert re.findall(r'rel="stylesheet" href="([^"]+)"', html) == ["web/styles.css"]
    answer = await client.get("/web/styles.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    for sheet in WEB.glob("*.css"):
        assert answer.text.count(sheet.read_text()) == 1, sheet
    tag = answer.headers["etag"]
    again = await client.get("/web/styles.css", headers={"If-None-Match": tag})
    assert again.status_code == 304

    edited = tmp_path / "add.css"
    edited.write_text("a {}")
    monkeypatch.setattr(page, "paths", lambda: {"index.html": edited, "add.css": edited})
    api = FastAPI()
    page.install(api)
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://useby.test") as client:
        assert (await client.get("/web/styles.css")).text == "a {}"
        edited.write_text("b {}")
        os.utime(edited, ns=(1, 1))
        assert (await client.get("/web/styles.css")).text == "b {}"
        edited.unlink()
        assert (await client.get("/web/styles.css")).text == ""


@pytest.mark.parametrize("name", ["index.html", "sw.js", "a.js", "a.png"])
async def test_the_version_of_the_list_differs_if_a_file_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for each in ("index.html", "sw.js", "a.js", "a.png"):
        (tmp_path / each).write_text("1")
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    api = FastAPI()
    page.install(api)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://useby.test"
    ) as client:
        before = (await client.get("/web/files.js")).text
        assert (await client.get("/web/files.js")).text == before
        (tmp_path / name).write_text("2")
        os.utime(tmp_path / name, ns=(1, 1))
        assert (await client.get("/web/files.js")).text != before


async def test_the_page_preloads_each_module_that_it_imports(rest: Rest) -> None:
    """Otherwise a browser finds them one level of imports after the other."""
    html = (await rest.client().get("/")).text
    scripts = [f"/{each}" for each in re.findall(r'<script type="module" src="([^"]+)"', html)]
    found: set[str] = set()
    queue = [*scripts]
    while queue:
        module = queue.pop()
        text = (await rest.client().get(module)).text
        imported = re.findall(r'^(?:import|export|\}) [^"(]*"(\.[^"]+)";', text, re.MULTILINE)
        imported += re.findall(r'^import "(\.[^"]+)";', text, re.MULTILINE)
        queue += {urljoin(module, each) for each in imported} - found - set(queue)
        found.add(module)
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)"', html)
    assert "/web/state.js" in found
    assert {f"/{address}" for address in preloaded} == found - {*scripts}
    assert len(preloaded) == len(set(preloaded))
