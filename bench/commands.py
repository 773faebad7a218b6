"""A command of useby in a process of its own, with its times and its memory.

The memory is ``VmHWM`` of proc(5). ``ru_maxrss`` would be at least the bench's own resident size,
which Linux passes on to a process that it starts.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROGRAM: Final = """
import sys, time
from useby.cli import main
status = main(sys.argv[1:])
with open("/proc/self/status") as figures:
    (size,) = (line.split()[1] for line in figures if line.startswith("VmHWM:"))
print(time.process_time(), size, file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True)
class Used:
    """Figures of one command."""

    seconds: float
    """Elapsed time, with the start of the process."""
    mebibytes: float
    """Largest resident size of the process."""
    processor: float
    """CPU time of the process in seconds, which other programs hardly change."""


def run(*words: str, folder: Path | None = None) -> Used:
    """Run ``useby`` with these words, in a folder if one is given.

    Raises:
        RuntimeError: The command failed; the message contains its standard error.
    """
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", _PROGRAM, *words],
        check=False,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"USEBY_LOG_LEVEL": "WARNING"},
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"useby {words[0]} failed: {done.stderr[-4000:]}")
    processor, size = done.stderr.split()[-2:]
    return Used(seconds, int(size) / 1024, float(processor))
