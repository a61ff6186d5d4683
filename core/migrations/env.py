"""Runs the migrations on the engine that the ledger hands over."""

from alembic import context

from shiftlead.core import tables

engine = context.config.attributes["engine"]
with engine.connect().execution_options(write=True) as connection:
    context.configure(connection=connection, target_metadata=tables.CaseRow.metadata)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
