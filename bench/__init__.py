"""Measure useby against its alternatives. Run it with ``make bench``."""
