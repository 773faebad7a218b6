"""Lighthouse on the view `Due`: the audits that do not depend on time."""

import pytest
from tests.support.lighthouse import audited_page
from tests.support.pages import add, sign_up
from tests.support.process_node import NodeProcess

NOT_OURS = {"bf-cache"}
"""Audits that a browser under test fails by itself."""


@pytest.mark.asyncio
async def test_lighthouse_finds_nothing_against_accessibility_and_best_practices(
    server: NodeProcess,
) -> None:
    async with server.rest() as rest:
        await sign_up(rest)
        for name, days in (("Ham", -1), ("Milk", 0), ("Jam", 7), ("Salt", None)):
            await add(rest, name, days)
    async with audited_page(server.url) as opened:
        audit = await opened.audit(f"{server.url}/#/due", ("accessibility", "best-practices"))
    assert audit.scores == {"accessibility": 100, "best-practices": 100}, audit.failed
    assert audit.failed.keys() <= NOT_OURS, audit.failed
