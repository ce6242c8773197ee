"""A batch of imported entries comes into PostgreSQL: copied beside the tables, then merged into them.

Owns the three statements of the merge. Refuses to write what is there already: a tag that stays is not touched.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Dialect, text
from sqlalchemy.orm import Session

from ..models import Listing, ListingTag
from ..rules.people import Role, Status
from .import_store import Batch, columns_of, tags_of

_BESIDE = "import_listing"
_TAGS_BESIDE = "import_listing_tag"
_COLUMNS = (
    *("id", "kind", "npi", "name", "words", "organization_name", "organization_words"),
    *("line", "city", "state", "postal_code", "phone", "lat", "lon", "cell", "confirmed_at", "run_id"),
)
_KEPT = {"id", "npi"}
_KEPT_BY_ACCOUNT = (
    "EXISTS (SELECT 1 FROM practitioner p WHERE p.npi = i.npi AND p.role = :role AND p.status <> :invited)"
)


class PostgresqlStore:
    """COPY, and a merge in the database."""

    at_once = 10_000

    def put(self, session: Session, run: UUID, batch: Batch) -> None:
        """Write the records of a batch."""
        if not batch.records:
            return
        connection = session.connection()
        for statement in _beside(connection.dialect):
            connection.execute(text(statement))
        self._copy(session, run, batch)
        # Without it the planner takes the batch for a handful of rows, or for so many that it reads the whole table.
        connection.execute(text(f"ANALYZE {_BESIDE}, {_TAGS_BESIDE}"))
        connection.execute(text(_MERGE), {"role": Role.PRACTITIONER, "invited": Status.INVITED})
        connection.execute(text(_DROP_TAGS))
        connection.execute(text(_ADD_TAGS))

    def settle(self, session: Session) -> None:
        """The planner learns what is there now; autovacuum would come later."""
        session.execute(text(f"ANALYZE {Listing.__tablename__}, {ListingTag.__tablename__}"))

    def _copy(self, session: Session, run: UUID, batch: Batch) -> None:
        driver: Any = session.connection().connection.driver_connection
        records = batch.ordered()
        with driver.cursor() as cursor:
            with cursor.copy(f"COPY {_BESIDE} ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                for record in records:
                    row = {"id": uuid4(), **columns_of(record, run)}
                    copy.write_row([row[name] for name in _COLUMNS])
            with cursor.copy(f"COPY {_TAGS_BESIDE} (npi, tag, cell) FROM STDIN") as copy:
                for record in records:
                    for tag, cell in tags_of(record):
                        copy.write_row([record.npi, tag, cell])


def _beside(dialect: Dialect) -> tuple[str, str]:
    """The tables of one session that a batch is copied into."""
    types = {name: Listing.__table__.c[name].type.compile(dialect) for name in _COLUMNS}
    columns = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    made = "CREATE TEMPORARY TABLE IF NOT EXISTS"
    tags = f"npi {types['npi']}, tag text, cell integer"
    return (
        f"{made} {_BESIDE} ({columns}) ON COMMIT DELETE ROWS",
        f"{made} {_TAGS_BESIDE} ({tags}) ON COMMIT DELETE ROWS",
    )


# Statements of constants of this module alone.
_MERGE = f"""
INSERT INTO listing AS l ({", ".join(_COLUMNS)}, shown, hidden)
SELECT {", ".join(f"i.{name}" for name in _COLUMNS)}, NOT {_KEPT_BY_ACCOUNT}, false
FROM {_BESIDE} i ORDER BY i.npi
ON CONFLICT (npi) WHERE practitioner_id IS NULL DO UPDATE SET
shown = excluded.shown, {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEPT)}
"""  # noqa: S608
_DROP_TAGS = f"""
DELETE FROM listing_tag t USING {_BESIDE} i JOIN listing l ON l.npi = i.npi AND l.practitioner_id IS NULL
WHERE t.listing_id = l.id AND NOT EXISTS
(SELECT 1 FROM {_TAGS_BESIDE} n WHERE n.npi = i.npi AND n.tag = t.tag AND n.cell = t.cell)
"""  # noqa: S608
_ADD_TAGS = f"""
INSERT INTO listing_tag (tag, cell, listing_id)
SELECT n.tag, n.cell, l.id FROM {_TAGS_BESIDE} n JOIN listing l ON l.npi = n.npi AND l.practitioner_id IS NULL
ON CONFLICT DO NOTHING
"""  # noqa: S608
