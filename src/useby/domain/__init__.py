"""Domain rules: dates, alerts and wording. Pure functions over frozen dataclasses.

The current time is passed in as ``now``. The package imports the standard library only and does no
I/O. Every other package may import it.
"""
