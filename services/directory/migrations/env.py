"""Alembic's entry to the directory's migrations.

Owns nothing: `services.chassis.migrate` does the work, and hands over the connection.
"""

from alembic import context

from services.chassis import migrate

migrate.run(context.config.attributes["connection"])
