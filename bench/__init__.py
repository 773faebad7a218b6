"""Measures useby beside what a person might use instead. Run it with ``make bench``."""
