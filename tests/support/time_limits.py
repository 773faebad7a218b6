"""The longest a test waits for something that must come.

The figure guards against a hang and proves nothing about speed: the suite also has to pass on a
machine whose cores are busy with something else, where everything takes many times as long.
"""

from typing import Final

HANG_TIMEOUT: Final = 120.0
"""Seconds after which something that must happen counts as missing."""
NO_SWEEP: Final = {"ping_interval": 2400.0, "ping_timeout": 2400.0}
"""Settings of a node whose sweep has no turn while a test waits.

The sweep repairs whatever a hint should have brought. A test of what comes at once would pass
without the hint, only later.
"""
