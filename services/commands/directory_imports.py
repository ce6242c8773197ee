"""What the operator brings into the directory: who has an NPI, and what specialties are called.

Owns `concord-server directory import-nppes` and `import-specialties`. Refuses to fetch anything: the operator downloads
the files, and sees what they are.
"""

from __future__ import annotations

import csv
import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from services.chassis.clock import SystemClock
from services.chassis.config import Settings, load_settings
from services.chassis.db import Database

from .output import AsJson, fail, show

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded services, instead of the environment.")]
_COLUMNS = ("line", "npi", "reason")
# So many are shown where no file is named for them.
_SHOWN = 10


def import_nppes(
    file: Annotated[
        Path, typer.Argument(help="npidata_pfile_….csv, or the archive that holds it.", exists=True, dir_okay=False)
    ],
    data: Data = None,
    rejects: Annotated[Path | None, typer.Option(help="Where each line that was skipped is named, as CSV.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Remove imported entries that the file does not have.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --full: even when that is more than a tenth.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import everybody who has an NPI from the file of NPPES, to be found; nobody is enrolled by it.

    Begun again on the same file, it goes on where it stopped.
    """
    nppes, nppes_file = _module("nppes"), _module("nppes_file")
    database = Database(_settings(data).database_url)
    try:
        source = nppes_file.source(file)
        with _rejects(rejects) as told, _progress(source) as progress:
            work = nppes.NppesImport(database, SystemClock(), source, told)
            report = work.run(nppes.Wanted(full=full, surely=yes), progress)
    except nppes_file.FileError as error:
        fail(str(error), error.hint)
    except nppes.TooManyGoneError as error:
        fail(str(error), "a weekly file has only what changed; if this is the whole, repeat it with --yes")
    except _module("import_store").RunTakenError:
        fail("another process goes on with this import", "wait until it has ended")
    finally:
        database.dispose()
    show({**asdict(report), "run": str(report.run)}, _said(report, rejects), as_json)


def import_specialties(
    file: Annotated[Path, typer.Argument(help="NUCC's code set as CSV.", exists=True, dir_okay=False)],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Import the NUCC taxonomy, by which specialties are found and named, in the place of the one that is there."""
    specialty_list = _module("specialty_list")
    try:
        specialties = specialty_list.read(file)
    except specialty_list.ListError as error:
        fail(f"{file.name}: {error}", "nothing was changed; https://www.nucc.org has the code set as CSV")
    count = len(specialties)
    specialty_list.replace(Database(_settings(data).database_url), specialties)
    show({"specialties": count}, f"{count} specialties.", as_json)


class _Told:
    """Rejected lines, in a file or, the first of them, to the operator."""

    def __init__(self, path: Path | None) -> None:
        """Ends the command where the file is something else, such as the one that is imported."""
        if path is not None and path.exists() and _first_line(path) not in ("", ",".join(_COLUMNS)):
            fail(f"{path}: holds something else than skipped lines", "name a file that is not there yet")
        self._path, self._left = path, _SHOWN
        self._file: IO[str] | None = None

    def keep_up_to(self, line: int) -> None:
        """A run goes on after that line, a new one after the first: of what was told, only what is before stays."""
        if self._path is None:
            return
        kept = self._path.with_name(self._path.name + ".part")
        with kept.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows(row for row in _told_in(self._path) if int(row[0]) <= line)
        kept.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8", newline="")

    def write(self, rejected: Iterable[Any]) -> None:
        """Tell of these."""
        for each in rejected:
            if self._file is not None:
                csv.writer(self._file).writerow((each.line, each.npi or "", each.reason))
            elif self._left > 0:
                self._left -= 1
                typer.echo(f"line {each.line}: {each.reason}", err=True)
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """No more will come."""
        if self._file is not None:
            self._file.close()


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline(100).strip()


def _told_in(path: Path) -> Iterator[list[str]]:
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            yield from (row for row in csv.reader(file) if len(row) == len(_COLUMNS) and row[0].isdecimal())


@contextmanager
def _rejects(path: Path | None) -> Iterator[_Told]:
    told = _Told(path)
    try:
        yield told
    finally:
        told.close()


@contextmanager
def _progress(source: Any) -> Iterator[Any]:
    """On standard error: a bar where that is a terminal, a line for each tenth where it is a log."""
    if not sys.stderr.isatty():
        yield _Tenths(source.name)
        return
    with typer.progressbar(length=source.size, label=source.name, file=sys.stderr) as bar:
        yield lambda done, of: bar.update(done - bar.pos)


class _Tenths:
    """Tells each tenth once."""

    def __init__(self, name: str) -> None:
        self._name, self._told = name, 0

    def __call__(self, done: int, of: int) -> None:
        tenth = 10 * done // of
        if tenth > self._told:
            self._told = tenth
            typer.echo(f"{self._name}: {tenth * 10}%", err=True)


def _said(report: Any, rejects: Path | None) -> str:
    on = f"Went on after line {report.resumed_after:,}.\n" if report.resumed_after else ""
    where = f", named in {rejects}" if rejects and report.rejected else ""
    counts = f"{report.taken:,} lines read, {report.rejected:,} skipped{where}, {report.removed:,} entries removed"
    return f"{on}{counts}."


def _module(name: str) -> Any:
    return importlib.import_module(f"services.directory.imports.{name}")  # loaded when a command needs it


def _settings(data: Path | None) -> Settings:
    if data is None:
        return load_settings("directory")
    found: Settings = importlib.import_module("services.local").settings_in(data)["directory"]
    return found
