"""A deterministic simulation of a node and its clients: loop, transport, store and clock."""
