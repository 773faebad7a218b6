"""Scroll a list of 5,000 lots in Chromium, and count the frames that are dropped.

The list is scrolled from a script at 8,000 pixels a second, on the size of a phone: down, while it
loads its pages and lays out its rows for the first time, and up again. A frame is dropped if it
would have fallen into the time between two frames that were drawn.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from playwright.async_api import async_playwright, expect
from tests.support.chromium import launched
from tests.support.pages import a_window, opened, sign_up
from tests.support.process_node import serving

from bench.results import Target

LOTS: Final = 5_000
BATCH: Final = 1_000
SPEED: Final = 8_000
"""Pixels a second: nine heights of a phone, faster than a person reads names."""
MOST_DROPPED: Final = 5.0
"""Maximum share of the frames that are dropped, in percent."""
SCROLL: Final = """([speed, down]) => new Promise((done) => {
    const gaps = [];
    const list = document.scrollingElement;
    let last = 0;
    let still = 0;
    let moved = false;
    const frame = (now) => {
      const passed = last ? now - last : 0;
      if (moved) gaps.push(passed);
      last = now;
      const before = list.scrollTop;
      list.scrollBy({ top: (down ? speed : -speed) * passed / 1000, behavior: 'instant' });
      moved = list.scrollTop !== before;
      still = moved ? 0 : still + 1;
      const mayGoOn = down && document.querySelector('.sentinel');
      if (still < 30 || mayGoOn) requestAnimationFrame(frame);
      else done(gaps);
    };
    requestAnimationFrame(frame);
})"""
"""Script that scrolls to the end of the list; returns the time between any two frames between
which the list moved, milliseconds."""
IDLE: Final = """() => new Promise((done) => {
    const gaps = [];
    let last = performance.now();
    const frame = (now) => {
      gaps.push(now - last);
      last = now;
      if (gaps.length < 60) requestAnimationFrame(frame);
      else done(gaps);
    };
    requestAnimationFrame(frame);
})"""
"""Script that returns the times between frames of a page that does nothing, milliseconds."""


@dataclass(frozen=True)
class Scroll:
    """Frames of one way through the list."""

    frames: int
    """Number of frames that were drawn."""
    dropped: int
    longest: float
    """Longest time between two frames, milliseconds."""

    @property
    def percent(self) -> float:
        """Share of the frames that were dropped, in percent."""
        return 100 * self.dropped / max(1, self.frames + self.dropped)


def counted(gaps: list[float], length: float) -> Scroll:
    """Count the frames of a scroll.

    Args:
        gaps: Times between two frames, milliseconds.
        length: The same on a page that does nothing.
    """
    dropped = sum(max(0, round(gap / length) - 1) for gap in gaps)
    return Scroll(len(gaps), dropped, max(gaps, default=0))


async def scrolled() -> tuple[list[str], list[Target]]:
    """Scroll the list down and up; return the figures and the targets."""
    lines, targets = [], []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        async with server.rest() as rest, async_playwright() as playwright:
            await sign_up(rest)
            for first in range(0, LOTS, BATCH):
                items = [
                    {"name": f"Box {number:04}", "expiryDate": "2099-01-01"}
                    for number in range(first, first + BATCH)
                ]
                answer = await rest.post("/api/products/batch", json={"items": items})
                answer.raise_for_status()
            browser = await launched(playwright)
            async with a_window(browser) as context:
                page = await opened(context, server)
                await expect(page.locator(".lot").first).to_be_visible()
                length = median(await page.evaluate(IDLE))
                for way in ("down", "up"):
                    gaps = await page.evaluate(SCROLL, [SPEED, way == "down"])
                    found = counted(gaps, length)
                    lines.append(
                        f"{LOTS:,} lots {way}: {found.frames:,} frames drawn, {found.dropped:,}"
                        f" dropped, the longest took {found.longest:.0f} ms"
                    )
                    words = f"percent of the frames that were dropped scrolling {way}"
                    targets.append(Target(words, found.percent, MOST_DROPPED))
            await browser.close()
    return lines, targets
