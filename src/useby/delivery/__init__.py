"""Deliver notifications over channels, to people who have no socket open.

``worker`` claims what is due and records what became of it; each kind of channel has a file, behind
the protocol of ``channel``. Whatever a user's target makes us connect to goes through ``outbound``.
"""
