"""What a command answers."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """A command's exit status and what it wrote."""

    status: int
    out: str
    err: str


Useby = Callable[..., Said]
