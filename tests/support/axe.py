"""axe-core on a view of the page: the rules of accessibility that it breaks."""

from pathlib import Path
from typing import Final

from playwright.async_api import Page

AXE: Final = Path(__file__).parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return the rules of WCAG 2.2 AA that the view breaks, each with the elements."""
    assert AXE.exists(), "run `make test` once: it installs tests/js"
    if not await page.evaluate("'axe' in window"):
        # The content security policy refuses a script element; this is evaluated by the driver.
        await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        "runOnly => axe.run({ runOnly, resultTypes: ['violations'] })"
        ".then(({ violations }) => violations)",
        RULES,
    )
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
