"""The truth: the only room with SQL.

``schema`` has the tables, ``database`` runs work on a database, and one file an aggregate holds a
function for each statement. A function that reads takes a ``Connection``; one that writes takes a
``Transaction``, in which it also tells the news that its commit will be. All are plain functions,
run whole on the database's own threads by ``Database.read`` and ``Database.write``.

Imports ``domain`` and ``settings``. Imported by ``clock``, ``realtime``, ``api``, ``app``, ``cli``.
"""
