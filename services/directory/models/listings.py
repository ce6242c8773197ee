"""What can be found: the entries that owners keep, and those that were imported.

Owns their rows, and the code list of specialties. Refuses to be the account: an entry of somebody who is not enrolled
has no keys, and nothing of it reaches the feed.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TextClause,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import UtcDateTime

from .base import Base


def _trigrams(name: str, words: str, where: TextClause | None) -> Index:
    """An index on PostgreSQL; those of entries that owners keep are apart: of a common name they come first."""
    ops = {words: "gin_trgm_ops"}
    index = Index(name, words, postgresql_using="gin", postgresql_ops=ops, postgresql_where=where)
    return index.ddl_if(dialect="postgresql")


def _named(name: str, words: str, where: TextClause | None = None) -> Index:
    """An index on PostgreSQL by whole words."""
    each = text(f"string_to_array(btrim({words}), ' ')")
    return Index(name, each, postgresql_using="gin", postgresql_where=where).ddl_if(dialect="postgresql")


_KEPT = text("practitioner_id IS NOT NULL")


class Listing(Base):
    """One entry. `words` are those of its name as they are searched, with a space before and after each.

    `practitioner_id`: the account that keeps it, None for an imported one. `kind` is that of NPPES: an individual or
    an organization. `organization_name` and its `organization_words` are those of the account's organization.
    `lat`, `lon` are degrees, `cell` the square of half a degree that they lie in (`rules/places.py`), None where nobody
    knows. `telehealth` and `accepting` are None while nobody said. `confirmed_at` is the owner's last word, or the last
    change of the imported record. `shown` is false while its owner hides it, is not active, or an account with its NPI
    takes its place. `plans` are insurance plans as the owner wrote them. `run_id` is the import that last saw it.
    """

    __tablename__ = "listing"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    npi: Mapped[str | None] = mapped_column(String(10), index=True)
    name: Mapped[str] = mapped_column(String(300))
    words: Mapped[str] = mapped_column(String(700))
    organization_name: Mapped[str | None] = mapped_column(String(300))
    organization_words: Mapped[str] = mapped_column(String(700))
    line: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[str | None] = mapped_column(String(40))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    phone: Mapped[str | None] = mapped_column(String(40))
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    cell: Mapped[int | None] = mapped_column(Integer)
    telehealth: Mapped[bool | None] = mapped_column(Boolean)
    accepting: Mapped[bool | None] = mapped_column(Boolean)
    shown: Mapped[bool] = mapped_column(Boolean)
    hidden: Mapped[bool] = mapped_column(Boolean)
    plans: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        Index("ix_listing_cell", "cell", "lat", "lon", postgresql_include=["id"]),
        _named("ix_listing_named", "words"),
        _named("ix_listing_own_named", "words", _KEPT),
        _named("ix_listing_organization_named", "organization_words"),
        *(
            # Trigrams: parts of names, however they were typed. SQLite has a table for that (migration 0009).
            _trigrams(f"ix_listing_{kept}{words}", words, where)
            for words in ("words", "organization_words")
            for kept, where in (("", None), ("own_", _KEPT))
        ),
        # NPPES has one record an NPI; accounts may share one, an organization each.
        Index(
            "uq_listing_imported_npi",
            "npi",
            unique=True,
            postgresql_where=text("practitioner_id IS NULL"),
            sqlite_where=text("practitioner_id IS NULL"),
        ),
    )


class ListingTag(Base):
    """What an entry says of itself, one row a value: `specialty:103T00000X`, `language:es`, `plan:aetna`, `age:child`.

    `cell` is that of the entry, 0 where it has none: a search reads the squares that it is about, and no others.
    """

    __tablename__ = "listing_tag"

    tag: Mapped[str] = mapped_column(String(80), primary_key=True)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index("ix_listing_tag_listing", "listing_id"),)


class Specialty(Base):
    """One code of the NUCC Health Care Provider Taxonomy, as it was imported; `words` are searched."""

    __tablename__ = "specialty"

    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    grouping: Mapped[str] = mapped_column(String(200))
    classification: Mapped[str] = mapped_column(String(200))
    specialization: Mapped[str] = mapped_column(String(200))
    display: Mapped[str] = mapped_column(String(300))
    definition: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(String(700))


class ImportRun(Base):
    """One import of a file, and how far it came: `line` and `offset` (bytes) are those after the last row committed.

    `file_sha256` is of the file's beginning and its length, by which the same file is known again.
    """

    __tablename__ = "import_run"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    file_name: Mapped[str] = mapped_column(String(200))
    file_sha256: Mapped[str] = mapped_column(String(64), index=True)
    line: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[int] = mapped_column(BigInteger)
    removed: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
