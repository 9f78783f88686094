"""What Alembic runs: the migrations over the connection that engine.store.migrate gives.

To write a new one: `tenprint` must have opened the database DB, then
`alembic -c engine/migrations/alembic.ini -x db=sqlite:///DB revision --autogenerate -m "..."`.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from engine.store.schema import metadata


def run(connection: Connection) -> None:
    # SQLite's ALTER TABLE is small; batch mode lets later migrations be written for every database.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    with create_engine(context.get_x_argument(as_dictionary=True)["db"]).connect() as connection:
        run(connection)


def run_offline() -> None:
    """Writes the SQL for `-x db=URL` instead of running it."""
    context.configure(
        url=context.get_x_argument(as_dictionary=True)["db"],
        target_metadata=metadata,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
