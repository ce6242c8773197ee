"""A batch of imported entries comes into SQLite, row by row.

Owns its statements. Refuses large batches: while one is written, nobody else writes.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from ..models import Listing, ListingTag
from .import_store import IMPORTED, Batch, columns_of, enrolled_npis, tags_of
from .nppes_records import Record

_KEPT = {"id", "npi", "hidden"}


class SqliteStore:
    """One statement for all entries, and one for their tags."""

    at_once = 2_000

    def put(self, session: Session, run: UUID, batch: Batch) -> None:
        """Write the records of a batch."""
        records = batch.ordered()
        if not records:
            return
        _put_entries(session, run, records)
        ids = _ids(session, [record.npi for record in records])
        session.execute(delete(ListingTag).where(ListingTag.listing_id.in_(list(ids.values()))))
        tags = [(tag, cell, ids[record.npi]) for record in records for tag, cell in tags_of(record)]
        if tags:
            rows = [dict(zip(("tag", "cell", "listing_id"), each, strict=True)) for each in tags]
            session.connection().execute(insert(ListingTag), rows)

    def settle(self, session: Session) -> None:
        """SQLite wants nothing done."""


def _put_entries(session: Session, run: UUID, records: list[Record]) -> None:
    enrolled = set(session.scalars(enrolled_npis()))
    rows = [
        {"id": uuid4(), **columns_of(record, run), "shown": record.npi not in enrolled, "hidden": False}
        for record in records
    ]
    put = sqlite.insert(Listing)
    changed = {name: put.excluded[name] for name in rows[0] if name not in _KEPT}
    merged = put.on_conflict_do_update(index_elements=["npi"], index_where=IMPORTED, set_=changed)
    session.connection().execute(merged, rows)


def _ids(session: Session, npis: list[str]) -> dict[str, UUID]:
    found = session.execute(select(Listing.npi, Listing.id).where(IMPORTED, Listing.npi.in_(npis)))
    return {str(npi): id_ for npi, id_ in found}
