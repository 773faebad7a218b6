"""Fixtures of the faults' tests: bare connections, and a node's REST API."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support import raw_websocket as wire
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    """Connections made by hand."""
    async with wire.wires() as wires:
        yield wires


@pytest.fixture
async def rest(server: NodeProcess) -> AsyncIterator[httpx.AsyncClient]:
    """The REST API of the module's ``server``."""
    async with server.rest() as rest:
        yield rest


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the cost of each fault to a bystander and the node: figures for people to judge."""
    for report in terminalreporter.getreports("passed"):
        found = dict(report.user_properties)
        if "bystander_p99_ms" in found:
            terminalreporter.write_line(
                f"{found['bystander_p99_ms']:>7} ms p99 of {found['bystander_notes']:>3} notes, "
                f"{found.get('cpu_seconds', '-'):>5} s CPU, {found.get('peak_mib', '-'):>6} MiB: "
                f"{report.nodeid.rpartition('/')[2]}"
            )
