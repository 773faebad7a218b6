"""Alert scheduler: wakes when the next alert is due, sends what is due, and sleeps again.

``retention`` deletes old read notifications. The package imports ``store`` and what is below;
``node`` imports it.
"""
