"""Makes docs/watch.svg: `useby watch` on a real `useby demo`, drawn by Rich."""

import asyncio
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from useby.cli.watch import _Screen
from useby.client import Notifications

PICTURE = Path(__file__).parent / "watch.svg"
SHOWN = 22


async def main() -> None:
    """Follow the demo until enough has been said, and draw the screen."""
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.Popen(  # noqa: ASYNC220 - one line is read before anything else runs
            [sys.executable, "-m", "useby", "demo"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert demo.stdout is not None  # noqa: S101
            for line in demo.stdout:
                found = re.search(r"watch --url (\S+) --token (\S+)", line)
                if found:
                    break
            else:
                raise SystemExit("the demo did not start")
            console = Console(record=True, width=92, height=SHOWN + 6, file=StringIO())
            screen = _Screen(console)
            url, token = found.groups()
            screen.state("connected")
            async with Notifications(url, token=token) as notifications:
                count = 0
                async for notification in notifications:
                    screen.add(notification)
                    count += 1
                    if count == SHOWN:
                        break
            console.print(screen._render())  # noqa: SLF001
            # Rich's template fetches its font from a CDN; a reader's own fixed-width one will do.
            drawing = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
            console.save_svg(str(PICTURE), title="useby watch", code_format=drawing)
        finally:
            demo.terminate()
            demo.wait()


if __name__ == "__main__":
    asyncio.run(main())
