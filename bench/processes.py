"""Start the harness's own processes, which cause the load beside the measured server."""

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Any


def spawned(target: Callable[..., object], *arguments: Any) -> SpawnProcess:
    """Start ``target`` in a new interpreter, which ends with this one.

    It imports the function's module, and not the harness's main module, which ``multiprocessing``
    would import again, for 0.9 s of CPU time.
    """
    process = multiprocessing.get_context("spawn").Process(
        target=target, args=arguments, daemon=True
    )
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main
    return process
