"""`concord-server directory import-nppes` and `import-specialties`, as an operator sees them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from services import __main__ as command_line
from services.chassis.db import Database
from services.directory.imports import nppes
from services.directory.imports.import_store_sqlite import SqliteStore
from services.directory.models import Listing, Specialty
from services.local import settings_in
from tests import nppes as files
from tests.unit.directory.importing import StoppedError, people

SPECIALTIES = "Code,Grouping,Classification,Specialization,Definition\n103T00000X,x,Psychologist,,y\n"


@pytest.fixture
def data(tmp_path: Path, migrated: Path) -> Path:
    """The folder of embedded services that have run."""
    settings = settings_in(tmp_path / "run", 8080)["directory"]
    shutil.copyfile(migrated, settings.database_url.removeprefix("sqlite:///"))
    return tmp_path / "run"


@pytest.fixture
def run(data: Path) -> Callable[..., Result]:
    """Runs a command on them."""
    return lambda *words: CliRunner().invoke(
        command_line.app, ["directory", *map(str, words), "--data", str(data)], catch_exceptions=False
    )


def count(data: Path, what: type[Listing | Specialty]) -> int:
    """How many there are."""
    database = Database(settings_in(data)["directory"].database_url)
    with database.transaction() as session:
        found = session.scalars(select(func.count()).select_from(what)).one()
    database.dispose()
    return found


def test_it_says_what_came_of_it(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    path = files.write(tmp_path / "npidata.csv", *people(1, 2), b"nothing\n", *people(3))
    done = run("import-nppes", path)
    assert done.exit_code == 0
    assert done.stdout == "3 lines read, 1 skipped, 0 entries removed.\n"
    assert "line 4: has 1 columns instead of 330" in done.stderr
    assert count(data, Listing) == 3


def test_without_a_file_for_them_the_first_ten_skipped_lines_are_shown(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    done = run("import-nppes", files.write(tmp_path / "npidata.csv", *[b"nothing\n"] * 15))
    assert done.stderr.count("line ") == 10
    assert "15 skipped" in done.stdout


def test_a_log_is_told_how_far_it_came(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteStore, "at_once", 1)
    done = run("import-nppes", files.write(tmp_path / "npidata.csv", *people(*range(1, 31))))
    told = [int(line.removeprefix("npidata.csv: ").rstrip("%")) for line in done.stderr.splitlines()]
    assert told == sorted(set(told))
    assert told[-1] == 100
    assert 2 < len(told) <= 10


def test_a_program_is_told_in_json_alone(run: Callable[..., Result], tmp_path: Path) -> None:
    path = files.write(tmp_path / "npidata.csv", *people(1, 2), b"nothing\n")
    told = json.loads(run("import-nppes", path, "--json").stdout)
    assert len(told.pop("run")) == 36
    assert told == {"resumed_after": 0, "lines": 4, "taken": 2, "rejected": 1, "removed": 0}


def test_skipped_lines_are_named_in_a_file_with_their_npi_and_nothing_else_of_them(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    bad = files.row(files.person(2, last="CANARY", updated="soon"))
    path, rejects = files.write(tmp_path / "npidata.csv", *people(1), bad, b"canary\n"), tmp_path / "rejects.csv"
    done = run("import-nppes", path, "--rejects", rejects)
    assert f"2 skipped, named in {rejects}" in done.stdout
    with rejects.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "npi", "reason"],
            ["3", files.npi(2), "Last Update Date: not a date MM/DD/YYYY"],
            ["4", "", "has 1 columns instead of 330"],
        ]
    assert "canary" not in (rejects.read_text() + done.output).lower()


def test_skipped_lines_are_written_over_nothing_else(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    path = files.write(tmp_path / "npidata.csv", *people(1))
    before = path.read_bytes()
    done = run("import-nppes", path, "--rejects", path)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {path}: holds something else than skipped lines\n")
    assert path.read_bytes() == before
    assert count(data, Listing) == 0


def test_the_next_import_names_its_own_lines_alone(run: Callable[..., Result], tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    run("import-nppes", files.write(tmp_path / "one.csv", b"one\n", *people(1)), "--rejects", rejects)
    run("import-nppes", files.write(tmp_path / "two.csv", *people(1), b"two\n"), "--rejects", rejects)
    assert [line.partition(",")[0] for line in rejects.read_text().splitlines()] == ["line", "3"]


def test_an_import_that_was_stopped_goes_on_and_says_so(
    run: Callable[..., Result], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = people(*range(1, 8))
    lines[0] = lines[6] = b"nothing\n"
    path, rejects = files.write(tmp_path / "npidata.csv", *lines), tmp_path / "rejects.csv"
    monkeypatch.setattr(SqliteStore, "at_once", 3)
    commit = nppes.NppesImport._commit
    monkeypatch.setattr(nppes.NppesImport, "_commit", _killed_at(4, commit))
    with pytest.raises(StoppedError):
        run("import-nppes", path, "--rejects", rejects)
    monkeypatch.setattr(nppes.NppesImport, "_commit", commit)
    done = run("import-nppes", path, "--rejects", rejects)
    assert done.stdout.startswith("Went on after line 4.\n5 lines read, 2 skipped")
    assert [line.partition(",")[0] for line in rejects.read_text().splitlines()] == ["line", "2", "8"]
    assert count(data, Listing) == 5


def _killed_at(line: int, commit: Callable[..., None]) -> Callable[..., None]:
    def killing(work: object, at: nppes._Run, read: nppes._Read) -> None:
        if at.line >= line:
            raise StoppedError
        commit(work, at, read)

    return killing


def test_a_weekly_file_as_the_whole_is_an_error_until_it_is_meant(
    run: Callable[..., Result], data: Path, tmp_path: Path
) -> None:
    run("import-nppes", files.write(tmp_path / "month.csv", *people(1, 2, 3)))
    weekly = files.write(tmp_path / "week.csv", *people(3))
    done = run("import-nppes", weekly, "--full")
    assert done.exit_code == 1
    assert "error: the file lacks 2 of 3 imported entries: nothing was removed" in done.stderr
    assert "hint: a weekly file has only what changed" in done.stderr
    assert count(data, Listing) == 3
    assert "2 entries removed" in run("import-nppes", weekly, "--full", "--yes").stdout
    assert count(data, Listing) == 1


@pytest.mark.parametrize("content", [b"", b'"NPI"\n', b"PK\x03\x04"], ids=["empty", "columns", "no archive"])
def test_another_file_is_an_error_that_says_where_the_right_one_is(
    run: Callable[..., Result], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "wrong.csv").write_bytes(content)
    done = run("import-nppes", tmp_path / "wrong.csv")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: wrong.csv: ")
    assert "https://download.cms.gov/nppes/NPI_Files.html" in done.stderr


def test_specialties_are_imported_and_counted(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    (tmp_path / "nucc.csv").write_text(SPECIALTIES)
    assert run("import-specialties", tmp_path / "nucc.csv").stdout == "1 specialties.\n"
    assert json.loads(run("import-specialties", tmp_path / "nucc.csv", "--json").stdout) == {"specialties": 1}
    assert count(data, Specialty) == 1


def test_a_wrong_list_of_specialties_is_an_error_with_its_line(
    run: Callable[..., Result], data: Path, tmp_path: Path
) -> None:
    (tmp_path / "nucc.csv").write_text(SPECIALTIES + "103T,x,Psychologist,,y\n")
    done = run("import-specialties", tmp_path / "nucc.csv")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: nucc.csv: line 3, Code: nine capital letters or digits and an X")
    assert "hint: nothing was changed" in done.stderr
    assert count(data, Specialty) == 0
