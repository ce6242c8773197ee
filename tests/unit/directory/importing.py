"""Imports for tests: each committed after a few lines, and stopped where a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.directory.imports.nppes import NppesImport, Rejected, Report, Wanted
from services.directory.imports.nppes_file import source
from services.directory.models import ImportRun, Listing, ListingTag
from tests import nppes
from tests.unit.directory.house import House

ADD = Wanted()


class StoppedError(RuntimeError):
    """The process ends here."""


@dataclass
class Told:
    """Rejected lines, as an operator's file would hold them."""

    lines: list[Rejected] = field(default_factory=list)

    def keep_up_to(self, line: int) -> None:
        """Forget the later ones."""
        self.lines = [each for each in self.lines if each.line <= line]

    def write(self, rejected: Iterable[Rejected]) -> None:
        """Keep these."""
        self.lines.extend(rejected)

    def reasons(self) -> dict[int, str]:
        """What is wrong with each line."""
        return {each.line: each.reason for each in self.lines}


@dataclass
class Importer:
    """Imports files into one directory."""

    house: House
    told: Told = field(default_factory=Told)
    at_once: int = 3

    def run(self, path: Path, wanted: Wanted = ADD, progress: Any = lambda done, of: None) -> Report:
        """Import a file."""
        work = NppesImport(self.house.database, self.house.clock, source(path), self.told, self.at_once)
        return work.run(wanted, progress)

    def found(self) -> dict[str | None, Listing]:
        """Every imported entry, by its NPI."""
        with self.house.database.transaction() as session:
            rows = session.scalars(select(Listing).where(Listing.practitioner_id.is_(None))).all()
        return {row.npi: row for row in rows}

    def numbers(self) -> set[int]:
        """Those of the imported entries, as the test gave them to `nppes.npi`."""
        return {int(str(npi)[1:9]) for npi in self.found()}

    def tags(self, number: int) -> set[tuple[str, int]]:
        """Tags and cells of an entry."""
        row = self.found()[nppes.npi(number)]
        with self.house.database.transaction() as session:
            tags = session.scalars(select(ListingTag).where(ListingTag.listing_id == row.id)).all()
        return {(tag.tag, tag.cell) for tag in tags}

    def runs(self) -> list[ImportRun]:
        """Every run, the oldest first."""
        with self.house.database.transaction() as session:
            return list(session.scalars(select(ImportRun).order_by(ImportRun.started_at)).all())


def stopping_after(batches: int) -> Callable[[int, int], None]:
    """A process that is killed once so many batches are committed."""
    left = iter(range(batches - 1))

    def progress(done: int, of: int) -> None:
        if next(left, None) is None:
            raise StoppedError

    return progress


def people(*numbers: int, **more: Any) -> list[bytes]:
    """A line for each number."""
    return [nppes.row(nppes.person(number, last=f"PERSON{number}", **more)) for number in numbers]
