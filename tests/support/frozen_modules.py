"""Spare the garbage collections of forks the objects that exist when this module is imported.

Each collection of a node would write to all memory that it shares with the fork server, which
takes half of the CPU time of its start.
"""

import gc

gc.collect()
gc.freeze()
