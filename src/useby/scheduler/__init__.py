"""The alert clock: wakes when the next alert is due, says what is due, and sleeps again.

Imports ``store`` and what is below. Imported by ``app``.
"""
