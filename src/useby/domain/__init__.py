"""The rules: dates, alerts, wording. Pure functions over frozen dataclasses, ``now`` passed in.

Imports the standard library only, and nothing that does I/O. Every other room may import it.
"""
