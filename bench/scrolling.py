"""Scroll a list of 5,000 lots in Chromium, and count the frames that are dropped.

The list is scrolled from a script at 3,000 pixels a second, on the size of a phone: down, while it
loads its pages and lays out its rows for the first time, and up again. A frame is dropped if it
would have fallen into the time between two frames that were drawn.
"""

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright
from tests.support.chromium import launched
from tests.support.pages import COUNTS_REQUESTS, a_window, opened, settled, sign_up
from tests.support.process_node import serving

from bench.rows import Target

LOTS: Final = 5_000
BATCH: Final = 1_000
SPEED: Final = 3_000
"""Pixels a second: three to four heights of a phone, as a quick finger does."""
MOST_DROPPED: Final = 5.0
"""Maximum share of the frames that are dropped, in percent."""
SCROLL: Final = """([speed, down]) => new Promise((done) => {
    const times = [];
    const list = document.scrollingElement;
    let still = 0;
    const frame = (now) => {
      const passed = times.length ? now - times.at(-1) : 0;
      times.push(now);
      const before = list.scrollTop;
      list.scrollBy({ top: (down ? speed : -speed) * passed / 1000, behavior: 'instant' });
      still = passed && list.scrollTop === before ? still + 1 : 0;
      if (still < 30) requestAnimationFrame(frame);
      else done(times.slice(0, -30));
    };
    requestAnimationFrame(frame);
})"""
"""Script that scrolls until the end of the list; returns the times of the frames, milliseconds."""
NO_FRAMES: Final = """(seconds) => new Promise((done) => {
    const times = [];
    const frame = (now) => {
      times.push(now);
      if (now - times[0] < seconds * 1000) requestAnimationFrame(frame);
      else done(times);
    };
    requestAnimationFrame(frame);
})"""


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


def counted(times: list[float], length: float) -> Scroll:
    """Count the frames of a scroll.

    Args:
        times: Times of the frames, milliseconds.
        length: Time between two frames on a page that does nothing, milliseconds.
    """
    gaps = [after - before for before, after in itertools.pairwise(times)]
    dropped = sum(max(0, round(gap / length) - 1) for gap in gaps)
    return Scroll(len(times), dropped, max(gaps, default=0))


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
                await context.add_init_script(COUNTS_REQUESTS)
                page = await opened(context, server)
                await settled(page)
                length = await _frame_length(page)
                for way in ("down", "up"):
                    times = await page.evaluate(SCROLL, [SPEED, way == "down"])
                    found = counted(times, length)
                    lines.append(
                        f"{LOTS:,} lots {way}: {found.frames:,} frames drawn, {found.dropped:,}"
                        f" dropped, the longest took {found.longest:.0f} ms"
                    )
                    words = f"percent of the frames that were dropped scrolling {way}"
                    targets.append(Target(words, found.percent, MOST_DROPPED))
            await browser.close()
    return lines, targets


async def _frame_length(page: Page) -> float:
    """Return the median time between two frames of a page that does nothing, milliseconds."""
    times = await page.evaluate(NO_FRAMES, 1)
    gaps = sorted(after - before for before, after in itertools.pairwise(times))
    return float(gaps[len(gaps) // 2])
