"""The import of an NPPES file: everybody who has an NPI can be found, enrolled or not.

Owns the order of a run: batches, each committed with how far the run came, so that whoever starts it again goes on from
there; then what the file does not have any more. Refuses to write anything but entries that no account keeps: nobody
becomes a practitioner, and nothing enters the feed, because a file says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.clock import Clock
from services.chassis.db import Database

from . import import_store as store
from .import_store_postgresql import PostgresqlStore
from .import_store_sqlite import SqliteStore
from .nppes_file import MAX_LINE, FileError, Line, Source, lines
from .nppes_records import RowError
from .nppes_rows import Columns, HeaderError

# A weekly file has what changed; taken for the whole, it would take nearly everybody away.
MOST_REMOVED = 0.1
_NAMED = 8
_HINT = "it is npidata_pfile_….csv of https://download.cms.gov/nppes/NPI_Files.html, or the archive with it"


class TooManyGoneError(RuntimeError):
    """The file lacks so much of what was imported that it is hardly the whole: nothing was removed."""

    def __init__(self, missing: int, imported: int) -> None:
        super().__init__(f"the file lacks {missing:,} of {imported:,} imported entries: nothing was removed")


@dataclass(frozen=True)
class Rejected:
    """A line that was skipped, by its number; `npi` where it could be read."""

    line: int
    npi: str | None
    reason: str


@dataclass(frozen=True)
class Report:
    """What came of a run, all its starts together. `resumed_after` is the line it went on from, 0 for the beginning."""

    run: UUID
    resumed_after: int
    lines: int
    taken: int
    rejected: int
    removed: int


class Rejects(Protocol):
    """Where rejected lines are told of."""

    def keep_up_to(self, line: int) -> None:
        """A run goes on after that line: what was told of later ones is forgotten, and will come again."""

    def write(self, rejected: Iterable[Rejected]) -> None:
        """Tell of these, for good."""


@dataclass(frozen=True)
class Wanted:
    """What else to do: `full` removes what the file does not have, `surely` also when that is very much."""

    full: bool = False
    surely: bool = False


Progress = Callable[[int, int], None]
"""Called after each batch with the bytes that are done, and how many there are."""


@dataclass
class _Run:
    """How far a run came: what its row says."""

    id: UUID
    line: int
    offset: int
    taken: int
    rejected: int
    removed: int


@dataclass
class _Read:
    """What one batch of lines came to."""

    batch: store.Batch = field(default_factory=store.Batch)
    rejected: list[Rejected] = field(default_factory=list)
    taken: int = 0
    line: int = 0
    end: int = 0


class NppesImport:
    """The import of one file into one database."""

    def __init__(
        self, database: Database, clock: Clock, source: Source, rejects: Rejects, at_once: int | None = None
    ) -> None:
        """`at_once` lines are committed together; as many as the database takes well, unless told."""
        self._database, self._clock, self._source, self._rejects = database, clock, source, rejects
        self._store: store.ImportStore = PostgresqlStore() if database.is_postgresql else SqliteStore()
        self._at_once = at_once or self._store.at_once

    def run(self, wanted: Wanted, progress: Progress = lambda done, of: None) -> Report:
        """Import the file, or what of it was not imported when it was last begun.

        Raises `FileError`, `RunTakenError`, `TooManyGoneError`, `DatabaseUnavailableError`; what was committed before
        stays.
        """
        with self._source.opened() as stream:
            header = next(lines(stream, 0, 0), Line(0, 0, b""))
            columns = self._columns(header)
            run = self._begin(header)
            resumed_after = run.line if run.line > header.number else 0
            self._rejects.keep_up_to(run.line)
            stream.seek(run.offset)
            for read in self._read(columns, lines(stream, run.line, run.offset)):
                self._commit(run, read)
                progress(run.offset, self._source.size)
        self._finish(run, wanted)
        return Report(run.id, resumed_after, run.line, run.taken, run.rejected, run.removed)

    def _columns(self, header: Line) -> Columns:
        try:
            return Columns.of(header.data or b"")
        except HeaderError as error:
            named = ", ".join(error.missing[:_NAMED])
            more = f" and {len(error.missing) - _NAMED} more" if len(error.missing) > _NAMED else ""
            raise FileError(f"{self._source.name}: has no column {named}{more}", _HINT) from None
        except RowError as error:
            raise FileError(f"{self._source.name}: its first line {error}", _HINT) from None

    def _begin(self, header: Line) -> _Run:
        with self._database.transaction() as session:
            row = store.begin(session, self._source, self._clock.now())
            run = _Run(row.id, row.line, row.offset, row.taken, row.rejected, row.removed)
            if run.offset == 0:
                self._advance(session, run, line=header.number, offset=header.end)
        return run

    def _read(self, columns: Columns, found: Iterator[Line]) -> Iterator[_Read]:
        today = self._clock.now().date()
        while some := list(islice(found, self._at_once)):
            yield _read(columns, some, today)

    def _commit(self, run: _Run, read: _Read) -> None:
        self._rejects.write(read.rejected)  # before: told twice is mended when the run goes on, not told is not
        with self._database.transaction() as session:
            self._store.put(session, run.id, read.batch)
            store.touch(session, run.id, read.batch.unread)
            counts = {
                "taken": run.taken + read.taken,
                "rejected": run.rejected + len(read.rejected),
                "removed": run.removed + store.remove(session, read.batch.gone),
            }
            self._advance(session, run, line=read.line, offset=read.end, **counts)

    def _advance(self, session: Session, run: _Run, **changed: int) -> None:
        store.advance(session, run.id, run.offset, **changed)
        for name, value in changed.items():
            setattr(run, name, value)

    def _finish(self, run: _Run, wanted: Wanted) -> None:
        if wanted.full:
            self._remove_unseen(run, wanted.surely)
        with self._database.transaction() as session:
            store.hide_enrolled(session)  # who enrolled while a batch was written
            self._store.settle(session)
            store.advance(session, run.id, run.offset, finished_at=self._clock.now())

    def _remove_unseen(self, run: _Run, surely: bool) -> None:
        with self._database.transaction() as session:
            imported, missing = store.counted(session, run.id)
        if missing > imported * MOST_REMOVED and not surely:
            raise TooManyGoneError(missing, imported)
        more = True
        while more:
            with self._database.transaction() as session:
                removed = store.remove_unseen(session, run.id)
                self._advance(session, run, removed=run.removed + removed)
            more = removed > 0


def _read(columns: Columns, some: list[Line], today: date) -> _Read:
    read = _Read(line=some[-1].number, end=some[-1].end)
    for line in some:
        if line.data is not None and not line.data.strip():
            continue  # an empty line says nothing, and is nothing wrong
        try:
            read.batch.add(columns.read(_whole(line), today))
            read.taken += 1
        except RowError as error:
            read.rejected.append(Rejected(line.number, error.npi, str(error)))
            if error.npi:
                read.batch.unread.add(error.npi)
    return read


def _whole(line: Line) -> bytes:
    if line.data is None:
        raise RowError(f"longer than {MAX_LINE} bytes")
    return line.data
