"""What an import has written: how far it came, and what of it is there.

Owns the runs, and what both databases do in the same way. Refuses entries that an account keeps: an import writes and
removes none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, select, update
from sqlalchemy.orm import Session

from ..models import ImportRun, Listing, Practitioner
from ..rules.people import Role, Status
from ..rules.tags import SPECIALTY, tag
from .nppes_file import Source
from .nppes_records import Deactivated, Record

NPPES = "nppes"
IMPORTED = Listing.practitioner_id.is_(None)
# Entries that one transaction removes.
AT_ONCE = 10_000


class RunTakenError(RuntimeError):
    """Another process goes on with the same import."""


@dataclass
class Batch:
    """What is committed together: by NPI, so that of two lines with one NPI the later one counts.

    `unread` are NPIs of lines that were rejected: the file has them, whatever it says of them.
    """

    records: dict[str, Record] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    def add(self, read: Record | Deactivated) -> None:
        """One line of the file."""
        if isinstance(read, Deactivated):
            self.records.pop(read.npi, None)
            self.gone.add(read.npi)
        else:
            self.gone.discard(read.npi)
            self.records[read.npi] = read

    def ordered(self) -> list[Record]:
        """In the order in which everybody locks them."""
        return [self.records[npi] for npi in sorted(self.records)]


class ImportStore(Protocol):
    """How the entries of a batch come into one kind of database."""

    at_once: int

    def put(self, session: Session, run: UUID, batch: Batch) -> None:
        """Write the records of a batch, each to the entry of its NPI or to a new one."""

    def settle(self, session: Session) -> None:
        """What the database wants done once very much has changed."""


def columns_of(record: Record, run: UUID) -> Mapping[str, Any]:
    """A record as a row of `listing`, but for `id`, `shown` and `hidden`."""
    lat, lon = record.place or (None, None)
    return {
        "kind": record.kind,
        "npi": record.npi,
        "name": record.name,
        "words": record.words,
        "organization_name": record.organization_name,
        "organization_words": record.organization_words,
        "line": record.line,
        "city": record.city,
        "state": record.state,
        "postal_code": record.postal_code,
        "phone": record.phone,
        "lat": lat,
        "lon": lon,
        "cell": record.cell or None,
        "confirmed_at": record.changed_at,
        "run_id": run,
    }


def tags_of(record: Record) -> list[tuple[str, int]]:
    """Tag and cell of each specialty."""
    return [(tag(SPECIALTY, code), record.cell) for code in record.specialties]


def begin(session: Session, source: Source, now: datetime) -> ImportRun:
    """The run of this file that was not finished, or a new one."""
    same = (ImportRun.kind == NPPES, ImportRun.file_sha256 == source.sha256, ImportRun.finished_at.is_(None))
    known = session.scalars(select(ImportRun).where(*same).order_by(ImportRun.started_at.desc()).limit(1)).first()
    if known is not None:
        return known
    counts: dict[str, int] = dict.fromkeys(("line", "offset", "taken", "rejected", "removed"), 0)
    named = {"file_name": source.name[:200], "file_sha256": source.sha256}
    run = ImportRun(id=uuid4(), kind=NPPES, started_at=now, finished_at=None, **named, **counts)
    session.add(run)
    session.flush()
    return run


def advance(session: Session, run: UUID, at: int, /, **changed: Any) -> None:
    """Write down how far the run came that was `at` bytes. Raises `RunTakenError` when it is elsewhere by now."""
    here = and_(ImportRun.id == run, ImportRun.offset == at, ImportRun.finished_at.is_(None))
    found = session.execute(update(ImportRun).where(here).values(changed).execution_options(synchronize_session=False))
    if cast(CursorResult[Any], found).rowcount != 1:
        raise RunTakenError


def touch(session: Session, run: UUID, npis: set[str]) -> None:
    """The run has seen the entries of these NPIs."""
    if npis:
        seen = update(Listing).where(IMPORTED, Listing.npi.in_(sorted(npis)))
        session.execute(seen.values(run_id=run).execution_options(synchronize_session=False))


def remove(session: Session, npis: set[str]) -> int:
    """Take away the imported entries of these NPIs; how many there were."""
    return _deleted(session, Listing.npi.in_(sorted(npis))) if npis else 0


def hide_enrolled(session: Session) -> None:
    """Where an account has the NPI of an imported entry, the account's own takes its place."""
    hidden = update(Listing).where(IMPORTED, Listing.shown.is_(True), Listing.npi.in_(enrolled_npis()))
    session.execute(hidden.values(shown=False).execution_options(synchronize_session=False))


def enrolled_npis() -> Any:
    """The NPIs of those who keep an entry of their own, whether or not they show it."""
    kept = (Practitioner.role == Role.PRACTITIONER, Practitioner.status != Status.INVITED)
    return select(Practitioner.npi).where(Practitioner.npi.is_not(None), *kept)


def counted(session: Session, run: UUID) -> tuple[int, int]:
    """How many entries were imported, and how many of them the run has not seen."""
    every = select(func.count()).select_from(Listing).where(IMPORTED)
    return session.scalars(every).one(), session.scalars(every.where(_unseen(run))).one()


def remove_unseen(session: Session, run: UUID) -> int:
    """Take away some of the imported entries that the run has not seen; how many, 0 when none is left."""
    some = select(Listing.id).where(IMPORTED, _unseen(run)).limit(AT_ONCE)
    return _deleted(session, Listing.id.in_(some))


def _unseen(run: UUID) -> ColumnElement[bool]:
    return Listing.run_id.is_distinct_from(run)


def _deleted(session: Session, those: ColumnElement[bool]) -> int:
    gone = session.execute(delete(Listing).where(IMPORTED, those).execution_options(synchronize_session=False))
    return cast(CursorResult[Any], gone).rowcount
