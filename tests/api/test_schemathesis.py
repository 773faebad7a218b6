"""schemathesis against a real node: no 5xx, and no answer that the document does not have."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support import process_node as live
from tests.support.in_process_node import InProcessNode, serving
from tests.support.node_fixtures import house, start, wall
from tests.support.time_limits import HANG_TIMEOUT

__all__ = ["house", "start", "wall"]

DIRECT = "postNotification", "postNotifications", "markRead", "markAllRead"
"""Operations that a node answers without the framework, if their heads are as usual."""
ENDING = "logoutAll", "deleteMe"
"""They end the access that they are tried with, so each has a person of its own."""
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection,"
    "missing_required_header,unsupported_method"
)
CONFIGURATION = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 429, 431]
"""
"""A cursor that makes the URL too long is refused for that: 414 is a refusal, too."""
OPERATION = """
[[operations]]
include-operation-id = "{name}"
headers = {{ Authorization = "Bearer {token}" }}
"""
"""Configuration of an operation with a token of its own."""


def run(folder: Path, *arguments: str, tokens: Mapping[str, str] | None = None) -> None:
    """Run it in a folder; ``tokens`` are those of operations that have their own."""
    own = [OPERATION.format(name=name, token=each) for name, each in (tokens or {}).items()]
    (folder / "schemathesis.toml").write_text(CONFIGURATION + "".join(own))
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        *arguments,
        f"--checks={CHECKS}",
        f"--wait-for-schema={HANG_TIMEOUT}",  # a busy node takes longer than 10 s to make it
        "--generation-deterministic",
        "--suppress-health-check=all",
        "--warnings=off",
        "--no-color",
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=5 * HANG_TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.timeout(20 * HANG_TIMEOUT)
def test_every_answer_of_every_operation_is_as_documented(tmp_path: Path) -> None:
    rates = "100000/minute"
    with live.serving(tmp_path, login_rate=rates, signup_rate=rates, log_level="INFO") as server:
        person = server.person()
        url = f"{server.url}/api/openapi.json"
        token = f"--header=Authorization: Bearer {person.token}"
        tokens = {name: server.person().token for name in ENDING}
        phases = "--phases=coverage,fuzzing", "--max-examples=3"
        run(tmp_path, url, token, *phases, tokens=tokens)


@pytest.mark.timeout(20 * HANG_TIMEOUT)
async def test_the_framework_answers_the_operations_of_direct_routes_as_documented(
    house: InProcessNode, tmp_path: Path
) -> None:
    token = f"--header=Authorization: Bearer {await house.token(await house.add_user())}"
    only = [f"--include-operation-id={name}" for name in DIRECT]
    async with serving(house, match=lambda _: None) as port:
        url = f"http://127.0.0.1:{port}/api/openapi.json"
        await asyncio.to_thread(run, tmp_path, url, token, "--phases=coverage", *only)
