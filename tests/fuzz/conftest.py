"""Time for which properties are tried: in the suite, at most sixteen seconds of one worker's time.

``make fuzz`` sets another; nought means each property once, with the examples it asks for.
"""

import functools
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4"))
"""For all properties together, as a clock on the wall has it."""
HERE = Path(__file__).parent
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Try a property over and over for its share of the time, each time with other examples."""
    if not SECONDS:
        return None
    test: Any = pyfuncitem.obj
    if not hasattr(test, "hypothesis"):
        return None
    tried, inner = 0, test.hypothesis.inner_test

    @functools.wraps(inner)
    def counted(*args: Any, **named: Any) -> None:
        nonlocal tried
        tried += 1
        inner(*args, **named)

    test.hypothesis.inner_test = counted
    properties = [each for each in pyfuncitem.session.items if each.path.parent == HERE]
    turns = math.ceil(len(properties) / WORKERS)
    ends = time.monotonic() + SECONDS / turns
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    while time.monotonic() < ends:
        test(**arguments)
    pyfuncitem.user_properties.append(("examples", tried))
    return True


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the number of examples."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "examples":
                terminalreporter.write_line(f"{value:>9,} examples: {report.nodeid}")
