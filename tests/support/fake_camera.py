"""Chromium with a camera that sees barcodes: a video of one picture, in place of a device."""

import json
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
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


class Camera:
    """The camera of a Chromium that is started with its flags; it sees nothing at first."""

    def __init__(self, video: Path) -> None:
        self._video = video
        self.show()

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags with which Chromium has this camera, and lets each page use it."""
        return (
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={self._video}",
        )

    def show(self, *codes: Code) -> None:
        """Show these codes below each other to the page that opens the camera next."""
        following = self._video.with_suffix(".next")
        following.write_bytes(_video(_picture(codes)))
        following.replace(self._video)


def _picture(codes: tuple[Code, ...]) -> list[bytearray]:
    """Return the brightness of each pixel, in rows."""
    picture = [bytearray(_LIGHT * WIDTH) for _ in range(HEIGHT)]
    if not codes:
        return picture
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
