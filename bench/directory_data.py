"""A directory of a million made-up entries on PostgreSQL.

Owns how it comes into a migrated database, in bulk. Refuses to draw anybody: `directory_people` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg
from concord_formats.names import searchable

from services.directory.rules import places
from services.directory.rules.tags import tags_of
from services.directory.rules.words import words_of

from .directory_people import NOW, SURNAMES, Drawn, Population

Row = tuple[object, ...]


def fill(connection: psycopg.Connection[Row], size: int) -> None:
    """Put the directory into a migrated database; indexes are built when everything is there."""
    organizations = [UUID(int=number + 1) for number in range(max(1, size // 2000))]
    with connection.cursor() as cursor:
        built = cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'"
        ).fetchall()
        for name, _ in built:
            cursor.execute(f"DROP INDEX {name}".encode())
        _organizations(cursor, organizations)
        people: list[Row] = []
        listings: list[Row] = []
        tags: list[Row] = []
        for drawn in Population(size):
            _add(drawn, organizations, people, listings, tags)
            if len(listings) >= 20_000:
                _copy(cursor, people, listings, tags)
        _copy(cursor, people, listings, tags)
        for _, definition in built:
            cursor.execute(str(definition).encode())
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    connection.autocommit = False


def organization_name(number: int) -> str:
    """The name of an organization."""
    return f"Harbor {SURNAMES[number % len(SURNAMES)]} Practice {number}"


def _organizations(cursor: psycopg.Cursor[Row], organizations: Sequence[UUID]) -> None:
    with cursor.copy("COPY organization (id, name, folded, created_at) FROM STDIN") as copy:
        for number, id_ in enumerate(organizations):
            copy.write_row((id_, organization_name(number), organization_name(number).casefold(), NOW))


def _add(drawn: Drawn, organizations: Sequence[UUID], people: list[Row], listings: list[Row], tags: list[Row]) -> None:
    lat, lon = float(drawn.place["lat"]), float(drawn.place["long"])
    cell = places.cell(lat, lon)
    named = None
    if drawn.owner is not None:
        number = drawn.owner.int % len(organizations)
        named = organization_name(number)
        of = (drawn.owner, organizations[number], "practitioner", drawn.name, drawn.name.casefold(), drawn.npi)
        people.append((*of, "active", NOW, searchable(drawn.name)[:200]))
    who = (drawn.id, drawn.owner, drawn.kind, drawn.npi, drawn.name, words_of(drawn.name), named, words_of(named or ""))
    where = ("1 Main St", drawn.place["city"], drawn.place["state"], drawn.place["zip_code"], "413 555 0100")
    said = (drawn.said.telehealth, drawn.said.accepting, True, False, drawn.confirmed_at)
    listings.append((*who, *where, lat, lon, cell, *said))
    tags.extend((tag, cell, drawn.id) for tag in tags_of(drawn.said, enrolled=drawn.owner is not None))


_COLUMNS = {
    "practitioner": "id, organization_id, role, name, folded, npi, status, created_at, skeleton",
    "listing": "id, practitioner_id, kind, npi, name, words, organization_name, organization_words, line, city, state, "
    "postal_code, phone, lat, lon, cell, telehealth, accepting, shown, hidden, confirmed_at",
    "listing_tag": "tag, cell, listing_id",
}


def _copy(cursor: psycopg.Cursor[Row], *rows: list[Row]) -> None:
    for (table, columns), values in zip(_COLUMNS.items(), rows, strict=True):
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
            for each in values:
                copy.write_row(each)
        values.clear()
