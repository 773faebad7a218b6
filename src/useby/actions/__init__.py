"""Use cases: what people and programs do with accounts, products and notifications.

``api``, ``cli`` and ``scheduler`` change things only through this package. Most actions are plain
functions over a running write (``store.database.Transaction``): the caller decides which write that
is and how errors are shown. Those whose size depends on what a user owns are coroutines over a
``Database``, because they take several writes. An action that is a single statement of the store is
that statement, imported from here.
"""
