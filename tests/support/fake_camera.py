"""Chromium with a camera that sees barcodes: a video of one picture, in place of a device."""

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright

ROOT: Final = Path(__file__).parents[2]
CHROMIUM: Final = Path("/usr/bin/chromium")
WIDTH: Final = 640
HEIGHT: Final = 480
_MODULE: Final = 4
"""Pixels for a module of a barcode."""
_QUIET: Final = 40
"""Pixels of white between two barcodes."""
_DARK, _LIGHT, _GREY = b"\x10", b"\xeb", b"\x80"
"""Values of a pixel's brightness and colour in a video (ITU-R BT.601)."""

Code = tuple[str, str]
"""Symbology by the name that bwip-js has for it, and text."""


@asynccontextmanager
async def chromium(
    *codes: Code, folder: Path, flags: tuple[str, ...] = ()
) -> AsyncIterator[Browser]:
    """A Chromium whose camera sees the codes below each other, and nothing without codes."""
    video = folder / "camera.y4m"
    video.write_bytes(_video(_picture(codes)))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={video}",
                *flags,
            ],
        )
        yield browser
        await browser.close()


def _picture(codes: tuple[Code, ...]) -> list[bytearray]:
    """Return the brightness of each pixel, in rows."""
    picture = [bytearray(_LIGHT * WIDTH) for _ in range(HEIGHT)]
    words = [word for code in codes for word in code]
    node = ["node", "barcode.mjs", *words]
    done = subprocess.run(
        node, cwd=ROOT / "tests" / "js", capture_output=True, text=True, check=True
    )
    top = _QUIET
    for code in json.loads(done.stdout):
        left = (WIDTH - len(code[0]) * _MODULE) // 2
        assert left > _QUIET, "the barcode is too wide"
        for modules in code:
            row = b"".join((_DARK if module else _LIGHT) * _MODULE for module in modules)
            for line in picture[top : top + _MODULE]:
                line[left : left + len(row)] = row
            top += _MODULE
        top += _QUIET
    assert top <= HEIGHT, "the barcodes are too high"
    return picture


def _video(picture: list[bytearray]) -> bytes:
    """Return a video of one picture, as YUV4MPEG2."""
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg\nFRAME\n".encode()
    return head + b"".join(picture) + _GREY * (WIDTH * HEIGHT // 2)
