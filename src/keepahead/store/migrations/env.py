"""Alembic's entry: runs the steps on the connection that store/database.py hands over, in its transaction."""

from alembic import context

from keepahead.store.tables import metadata

VERSION_TABLE = "keepahead_version"

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds all steps
)
context.run_migrations()
