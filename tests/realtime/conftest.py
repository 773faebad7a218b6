"""A node for each test that asks for one."""

from tests.support.node_fixtures import house, start, wall

__all__ = ["house", "start", "wall"]
