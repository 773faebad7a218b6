"""Write docs/watch.svg: the screen of ``useby watch`` beside a real ``useby demo``."""

import asyncio
import re
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from running_demo import running_demo

from useby.cli.watch import _Screen
from useby.client import Notifications

PICTURE = Path(__file__).parent / "watch.svg"
SHOWN = 8
"""Notifications that are shown. The demo has one of 17 alerts, and another every few seconds."""


async def main() -> None:
    """Follow the demo until the screen is full of notifications, and draw it."""
    with running_demo() as demo:
        console = Console(record=True, width=92, height=SHOWN + 6, file=StringIO())
        screen = _Screen(console)
        screen.state("connected")
        async with Notifications(demo.url, token=demo.token) as notifications:
            count = 0
            async for notification in notifications:
                screen.add(notification)
                count += 1
                if count == SHOWN:
                    break
        console.print(screen._render())  # noqa: SLF001
        # Rich's template loads its font from a CDN; a font of the viewer's own is enough.
        drawing = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        console.save_svg(str(PICTURE), title="useby watch", code_format=drawing)


if __name__ == "__main__":
    asyncio.run(main())
