"""Alembic's environment: it runs on the connection that ``store.migrate`` gives it."""

from alembic import context

from useby.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    # On a server; on a file all of them are in the one transaction that is under way.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
