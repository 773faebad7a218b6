"""Alembic environment that runs on the connection of ``store.migrate``."""

from alembic import context

from useby.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    # This applies to a server; on a file all migrations run in the one transaction already open.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
