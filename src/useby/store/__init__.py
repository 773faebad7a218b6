"""The database, which is the source of truth; the only package with SQL.

``schema`` has the tables, ``database`` runs work on a database, and one module for each aggregate
has a function for each statement. A function that reads takes a ``Connection``; one that writes
takes a ``Transaction``, to which it also adds the events to publish after the commit. All are plain
functions, which ``Database.read`` and ``Database.write`` run as a whole.

The package imports ``domain`` and ``metrics``. ``actions``, ``scheduler``, ``realtime``, ``api``,
``node`` and ``cli`` import it.
"""
