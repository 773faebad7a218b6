"""The OpenAPI document as its readers take it: a validator, two generators, a person who tries it.

covers: useby.schemas.fields, useby.schemas.accounts, useby.schemas.products
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.support.rest_app import Rest, added
from tests.support.shared_households import join
from tests.support.time_limits import HANG_TIMEOUT

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / ".venv" / "openapi"
NODE_TOOLS: Final = ROOT / "tests" / "js" / "node_modules"
FULL: Final = {
    "name": "Organic Milk",
    "expiryDate": "2026-03-04",
    "category": "Dairy",
    "barcode": "4012345678901",
    "quantity": "2.5",
    "unit": "l",
    "location": "Fridge",
    "notes": "Opened on Monday",
    "dateKind": "use_by",
    "leadDays": [5, 1],
    "externalId": "fridge-17",
}
ONE_USE: Final = {"acceptInvitation", "refresh", "resetPassword"}
"""Operations whose body is a secret that works once; they have no example."""
OF_SERVICES: Final = {"postToUser"}
"""Operations that take a service key alone."""
OF_MAIL: Final = {"forgotPassword"}
"""Operations of a node that sends mail (``test_password_links``)."""
NAMES: Final = {"external_id": "shelf/7", "scope": "location", "key": "shelf/7"}
"""Keys in paths that a client chooses."""
PROGRAM: Final = """
import type { components } from "./types";
type Schemas = components["schemas"];
export const product: Schemas["ProductIn"] = { name: "Milk", expiryDate: "2026-03-04" };
export const change: Schemas["ProductChange"] = { name: "Oat Milk" };
export const me: Schemas["MeChange"] = { alertTime: "08:30" };
// @ts-expect-error: there is no such field
export const misspelt: Schemas["ProductChange"] = { nmae: "Oat Milk" };
"""


@pytest.fixture
async def document(rest: Rest) -> dict[str, Any]:
    found: dict[str, Any] = (await rest.client().get("/api/openapi.json")).json()
    return found


def run(*command: str | Path, folder: Path, python_path: Path | None = None) -> None:
    """Run a program, whose output is the message if it fails."""
    environment = os.environ | ({"PYTHONPATH": str(python_path)} if python_path else {})
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_python_tool(name: str, *arguments: str, folder: Path) -> None:
    assert TOOLS.is_dir(), "make .venv/openapi.stamp"
    run(sys.executable, "-m", name, *arguments, folder=folder, python_path=TOOLS)


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of each operation with a JSON body."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                yield method, path, operation


def schema_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a body, in which a model that may be left out is one of two."""
    (content,) = operation["requestBody"]["content"].values()
    shape = content["schema"]
    assert "default" not in shape, operation["operationId"]
    reference = shape.get("$ref") or shape["anyOf"][0]["$ref"]
    found: dict[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def test_openapi_spec_validator_accepts_the_document(
    document: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    run_python_tool("openapi_spec_validator", "openapi.json", folder=tmp_path)


def test_no_body_of_a_request_has_a_default(document: dict[str, Any]) -> None:
    checked = set()
    for _, _, operation in bodies(document):
        for place, schema in nested(document, schema_of(document, operation)):
            checked.add(place)
            assert "default" not in schema, f"{operation['operationId']}: {place}"
    assert len(checked) > 30
    assert ".categories.alertTime" in checked


def nested(
    document: dict[str, Any], schema: dict[str, Any], place: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and those within it, each with the names of the fields that lead there."""
    yield place, schema
    if reference := schema.get("$ref"):
        found = document["components"]["schemas"][reference.rpartition("/")[2]]
        yield from nested(document, found, place)
    for part in (
        *(schema.get(key) for key in ("items", "additionalProperties")),
        *(each for key in ("anyOf", "allOf", "oneOf") for each in schema.get(key, ())),
    ):
        if isinstance(part, dict):
            yield from nested(document, part, place)
    for name, field in schema.get("properties", {}).items():
        yield from nested(document, field, f"{place}.{name}")


async def test_a_client_of_openapi_python_client_changes_one_field_and_nothing_else(
    rest: Rest, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ada = await rest.person()
    product = await added(ada, **FULL)
    assert {name: product[name] for name in FULL} == FULL
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "settings.yaml").write_text("post_hooks: []\n")
    options = "--meta=none", "--fail-on-warning", "--config=settings.yaml"
    where = "--path=openapi.json", "--output-path=generated_for_useby"
    run_python_tool("openapi_python_client", "generate", *where, *options, folder=tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    generated = importlib.import_module("generated_for_useby")
    models = importlib.import_module("generated_for_useby.models")
    route = importlib.import_module("generated_for_useby.api.products.change_product")
    client = generated.AuthenticatedClient(
        base_url="http://useby.test",
        token=ada.headers["authorization"].removeprefix("Bearer "),
        httpx_args={"transport": rest._transport},
    )

    changed = await route.asyncio(
        product["id"], client=client, body=models.ProductChange(name="Oat Milk")
    )

    assert changed.name == "Oat Milk"
    now = (await ada.get(f"/api/products/{product['id']}")).json()
    assert now == product | {"name": "Oat Milk", "updatedAt": now["updatedAt"]}


def test_the_types_of_openapi_typescript_require_only_what_the_node_requires(
    document: dict[str, Any], tmp_path: Path
) -> None:
    assert (NODE_TOOLS / "openapi-typescript").is_dir(), "npm ci in tests/js"
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "program.ts").write_text(PROGRAM)
    tools = NODE_TOOLS / ".bin"
    run(tools / "openapi-typescript", "openapi.json", "--output=types.ts", folder=tmp_path)
    run(tools / "tsc", "--strict", "--noEmit", "program.ts", folder=tmp_path)


async def test_every_example_of_a_body_works_twice(rest: Rest, document: dict[str, Any]) -> None:
    tried = set()
    for method, path, operation in bodies(document):
        name = operation["operationId"]
        if name in ONE_USE | OF_SERVICES | OF_MAIL:
            continue
        user, ada = await rest.person()
        names = NAMES | {"household_id": user.id}
        if "{household_id}" in path:
            guest, client = await rest.person()
            await join(ada, user.id, client, "viewer")
            names["user_id"] = guest.id
        product = await added(ada, quantity="2")
        (lot,) = (await ada.get(f"/api/products/{product['id']}/lots")).json()["items"]
        received = (await ada.post("/api/notifications", json={"message": "Tea"})).json()
        hook = {"kind": "webhook", "name": "Hook", "url": "https://app.example/"}
        channel = (await ada.post("/api/channels", json=hook)).json()
        ids = {"product": product, "lot": lot, "notification": received, "channel": channel}
        at = path.format(**{f"{each}_id": row["id"] for each, row in ids.items()}, **names)
        if name == "thawLot":
            await ada.post(f"/api/lots/{lot['id']}/freeze")
        if name == "login":
            (account,) = schema_of(document, operation)["examples"]
            await ada.post("/api/auth/signup", json=account)
        for _ in range(2):
            if name == "reopenProduct":
                await ada.post(f"/api/products/{product['id']}/consume")
            answer = await ada.request(method, at, json=example_of(document, operation))
            assert answer.is_success, f"{name}: {answer.text}"
            assert not errors_in(answer), f"{name}: {answer.text}"
            if name == "deleteMe":
                break
        tried.add(name)
    assert {"signup", "login", "addProduct", "addProducts", "changeProduct", "changeMe"} <= tried


def example_of(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    """Return the only example of a body, or what Swagger UI makes of a text without one."""
    schema = schema_of(document, operation)
    if operation["operationId"] in ("logout", "deleteMe"):
        return dict.fromkeys(schema["properties"], "string")
    (example,) = schema["examples"]
    return example


def errors_in(answer: httpx.Response) -> list[Any]:
    """Return the failed results of the answer to a batch."""
    if answer.status_code == HTTPStatus.NO_CONTENT:
        return []
    return [each for each in answer.json().get("results", []) if each["status"] != 201]
