"""Alert scheduler: wakes when the next alert is due, sends what is due, and sleeps again.

It imports ``store`` and what is below; ``app`` imports it.
"""
