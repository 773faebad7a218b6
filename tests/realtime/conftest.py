"""A node for each test that asks for one."""

from nodes import house, start, wall

__all__ = ["house", "start", "wall"]
