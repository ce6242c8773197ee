"""An import: who can be found after it, what it skips, where it goes on, and what it never touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import func, make_url, select, text, update

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import enrolment
from services.directory.imports import import_store
from services.directory.imports.import_store import RunTakenError
from services.directory.imports.nppes import TooManyGoneError, Wanted
from services.directory.imports.nppes_file import MAX_LINE, FileError
from services.directory.models import Listing, ListingTag, Practitioner
from services.directory.rules.people import Role
from services.directory.rules.places import cell
from tests import nppes
from tests.unit.directory.house import House
from tests.unit.directory.importing import Importer, StoppedError, people, stopping_after

SPRINGFIELD = cell(42.1029, -72.5887)
FULL = Wanted(full=True)


@pytest.fixture(scope="module")
def on_postgresql(request: pytest.FixtureRequest) -> Iterator[House]:
    """A directory on PostgreSQL, made once: to make and to drop a database takes longer than all the tests."""
    server, name = request.getfixturevalue("postgresql_url"), f"concord_test_{uuid4().hex[:12]}"
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        database = Database(url.render_as_string(hide_password=False))
        migrate.upgrade(database, "directory")
        yield House(database)
        database.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def place(request: pytest.FixtureRequest) -> House:
    """A directory in which nobody can be found yet, once on each database."""
    if request.param == "sqlite":
        return cast(House, request.getfixturevalue("house"))
    house: House = request.getfixturevalue("on_postgresql")
    with house.database.transaction() as session:
        session.execute(text("TRUNCATE listing, listing_tag, import_run CASCADE"))
        session.execute(update(Practitioner).values(npi=None))  # those of the test before
    return house


@pytest.fixture
def importer(place: House) -> Importer:
    """Imports into it."""
    return Importer(place)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file with the header and these lines."""
    return lambda *lines, name="npidata_pfile.csv": nppes.write(tmp_path / name, *lines)


class TestWhoIsFound:
    def test_everybody_in_the_file_can_be_found_with_what_they_are(self, importer: Importer, write: Any) -> None:
        report = importer.run(write(*people(1), nppes.row(nppes.organization(2)), *people(3, 4, 5)))
        assert importer.numbers() == {1, 2, 3, 4, 5}
        assert (report.taken, report.rejected, report.removed, report.lines) == (5, 0, 0, 6)
        row = importer.found()[nppes.npi(1)]
        assert (row.name, row.words, row.kind) == ("Ana Person1", " ana person1 ", "individual")
        assert (row.city, row.cell, row.lat, row.lon) == ("Springfield", SPRINGFIELD, 42.1029, -72.5887)
        assert (row.shown, row.hidden) == (True, False)
        assert row.confirmed_at is not None
        assert row.confirmed_at.isoformat() == "2024-03-02T00:00:00+00:00"
        assert (row.telehealth, row.accepting) == (None, None)
        assert importer.tags(1) == {("specialty:103T00000X", SPRINGFIELD)}

    def test_who_is_nowhere_known_has_no_place(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(1, postal_code="10115", country="DE")))
        row = importer.found()[nppes.npi(1)]
        assert (row.lat, row.lon, row.cell) == (None, None, None)
        assert importer.tags(1) == {("specialty:103T00000X", 0)}

    def test_the_next_file_changes_the_entry_that_is_there(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(1, specialty_2="2084P0800X"), *people(2)))
        before = importer.found()
        moved = {"postal_code": "90001", "state": "CA", "city": "LOS ANGELES", "specialty": "207Q00000X"}
        importer.run(write(nppes.row(nppes.person(1, last="JONES", **moved)), name="next.csv"))
        after = importer.found()
        assert {npi: row.id for npi, row in after.items()} == {npi: row.id for npi, row in before.items()}
        row = after[nppes.npi(1)]
        assert (row.name, row.state) == ("Ana Jones", "CA")
        assert {tag for tag, _ in importer.tags(1)} == {"specialty:207Q00000X"}
        assert {at for _, at in importer.tags(1)} == {row.cell}
        assert importer.tags(2) == {("specialty:103T00000X", SPRINGFIELD)}

    def test_who_moved_is_found_at_the_new_place_alone(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(1)))
        importer.run(write(*people(1, postal_code="90001"), name="next.csv"))
        assert importer.tags(1) == {("specialty:103T00000X", importer.found()[nppes.npi(1)].cell)}
        assert importer.found()[nppes.npi(1)].cell != SPRINGFIELD

    def test_an_npi_that_was_deactivated_is_found_no_more(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(1, 2)))
        report = importer.run(write(nppes.row(nppes.deactivated(1)), nppes.row(nppes.deactivated(9)), name="next.csv"))
        assert importer.numbers() == {2}
        assert report.removed == 1
        with importer.house.database.transaction() as session:
            assert session.scalar(select(func.count()).select_from(ListingTag)) == 1

    @pytest.mark.parametrize(("at_once", "removed"), [(1, 1), (10, 0)], ids=["apart", "together"])
    def test_of_two_lines_with_one_npi_the_later_counts(
        self, importer: Importer, write: Any, at_once: int, removed: int
    ) -> None:
        importer.at_once = at_once
        lines = [nppes.row(nppes.person(1)), nppes.row(nppes.deactivated(1)), nppes.row(nppes.deactivated(2))]
        report = importer.run(write(*lines, *people(2), nppes.row(nppes.person(2, last="LAST"))))
        assert report.removed == removed
        assert {row.name for row in importer.found().values()} == {"Ana Last"}


class TestAMalformedMiddle:
    def test_bad_lines_are_skipped_with_their_numbers_and_the_rest_is_imported(
        self, importer: Importer, write: Any
    ) -> None:
        good = people(*range(1, 9))
        bad = [
            good[0].replace(b'"PERSON1"', b'"PERSON1'),
            b'"' + b"x" * (3 * MAX_LINE) + b"\n",
            b"\n",
            b"\xff\xfe\x00",
            b"\n",
            nppes.row(nppes.person(20, kind="9")),
            nppes.row(nppes.person(21) | {"NPI": "1000000011"}),
        ]
        report = importer.run(write(*good[:4], *bad, *good[4:]))
        assert importer.numbers() == set(range(1, 9))
        assert importer.told.reasons() == {
            6: "has a broken quote",
            7: f"longer than {MAX_LINE} bytes",
            9: "is not UTF-8",
            10: "Entity Type Code: neither 1 nor 2",
            11: "NPI: not ten digits with the right check digit",
        }
        assert (report.taken, report.rejected, report.lines) == (8, 5, 15)

    def test_a_last_line_that_was_cut_off_is_rejected(self, importer: Importer, write: Any) -> None:
        first, second = people(1, 2)
        importer.run(write(first, second[:700]))
        assert importer.numbers() == {1}
        assert importer.told.reasons() == {3: "has 201 columns instead of 330"}

    def test_a_rejected_line_leaves_the_entry_that_is_there(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(1)))
        importer.run(write(*people(1, updated="soon"), name="next.csv"), FULL)
        assert importer.numbers() == {1}

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "has no column NPI, Entity Type Code"),
            (b'"NPI","Name"\n"1","x"\n', "has no column Entity Type Code"),
            (b"\xff\n", "its first line is not UTF-8"),
            (b'"NPI\n', "its first line has a broken quote"),
        ],
        ids=["empty", "another", "not UTF-8", "quote"],
    )
    def test_a_file_that_is_no_nppes_file_changes_nothing(
        self, importer: Importer, tmp_path: Path, content: bytes, said: str
    ) -> None:
        path = tmp_path / "wrong.csv"
        path.write_bytes(content)
        with pytest.raises(FileError, match=said):
            importer.run(path)
        assert importer.runs() == []


class TestGoingOn:
    def test_a_run_that_was_stopped_goes_on_after_the_last_batch(self, importer: Importer, write: Any) -> None:
        lines = people(1, 2, 3, 4, 5, 6, 7)
        lines[1] = lines[5] = b"nothing\n"
        path = write(*lines)
        with pytest.raises(StoppedError):
            importer.run(path, progress=stopping_after(1))
        assert importer.numbers() == {1, 3}
        told = len(importer.told.lines)
        report = importer.run(path)
        assert report.resumed_after == 4
        assert importer.numbers() == {1, 3, 4, 5, 7}
        assert (report.taken, report.rejected, report.lines) == (5, 2, 8)
        assert (told, sorted(importer.told.reasons())) == (1, [3, 7])
        assert len(importer.runs()) == 1

    def test_what_is_committed_is_not_read_again(self, importer: Importer, write: Any) -> None:
        path = write(*people(1, 2, 3, 4))
        with pytest.raises(StoppedError):
            importer.run(path, progress=stopping_after(1))
        with importer.house.database.transaction() as session:
            session.delete(importer.found()[nppes.npi(1)])
        importer.run(path)
        assert importer.numbers() == {2, 3, 4}

    def test_a_batch_that_was_not_committed_comes_again(self, importer: Importer, write: Any) -> None:
        """Killed between telling of a rejected line and the commit: it is told once in the end."""
        lines = people(1, 2, 3, 4)
        lines[3] = b"nothing\n"
        path, told = write(*lines), importer.told
        telling = told.write

        def killed(rejected: Any) -> None:
            telling(rejected)
            if rejected:
                raise StoppedError

        told.write = killed  # type: ignore[method-assign]
        with pytest.raises(StoppedError):
            importer.run(path)
        told.write = telling  # type: ignore[method-assign]
        importer.run(path)
        assert [each.line for each in told.lines] == [5]
        assert importer.numbers() == {1, 2, 3}

    def test_another_file_begins_a_run_of_its_own(self, importer: Importer, write: Any) -> None:
        with pytest.raises(StoppedError):
            importer.run(write(*people(1, 2, 3, 4)), progress=stopping_after(1))
        report = importer.run(write(*people(5, 6, 7, 8, 9), name="other.csv"))
        assert (report.resumed_after, report.taken) == (0, 5)

    def test_a_file_that_was_finished_is_imported_anew(self, importer: Importer, write: Any) -> None:
        path = write(*people(1))
        importer.run(path)
        report = importer.run(path)
        assert (report.resumed_after, report.taken) == (0, 1)
        assert [run.finished_at is not None for run in importer.runs()] == [True, True]

    def test_two_processes_do_not_go_on_with_one_run(self, importer: Importer, write: Any) -> None:
        path = write(*people(1, 2, 3, 4, 5, 6, 7))
        again = iter([True])

        def meanwhile(done: int, of: int) -> None:
            if next(again, False):
                importer.run(path)

        with pytest.raises(RunTakenError):
            importer.run(path, progress=meanwhile)
        assert importer.numbers() == {1, 2, 3, 4, 5, 6, 7}
        assert [run.taken for run in importer.runs()] == [7]

    def test_progress_is_told_in_bytes_of_the_file(self, importer: Importer, write: Any) -> None:
        path, told = write(*people(1, 2, 3, 4)), []
        importer.run(path, progress=lambda done, of: told.append((done, of)))
        size = path.stat().st_size
        assert told == [(size - len(people(4)[0]), size), (size, size)]


class TestAFullFile:
    def test_who_is_not_in_it_is_found_no_more(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(*range(1, 21))))
        report = importer.run(write(*people(*range(2, 21)), name="next.csv"), FULL)
        assert importer.numbers() == set(range(2, 21))
        assert report.removed == 1

    def test_everybody_who_is_not_in_it_goes_however_many_go_at_once(
        self, importer: Importer, write: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_store, "AT_ONCE", 2)
        importer.run(write(*people(*range(1, 7))))
        report = importer.run(write(*people(6), name="next.csv"), Wanted(full=True, surely=True))
        assert (importer.numbers(), report.removed) == ({6}, 5)

    def test_without_the_option_nobody_is_taken_away(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(1, 2)))
        importer.run(write(*people(2), name="next.csv"))
        assert importer.numbers() == {1, 2}

    def test_a_weekly_file_is_not_taken_for_the_whole(self, importer: Importer, write: Any) -> None:
        importer.run(write(*people(*range(1, 9))))
        weekly = write(*people(8, 9), name="weekly.csv")
        with pytest.raises(TooManyGoneError, match="lacks 7 of 9 imported entries: nothing was removed"):
            importer.run(weekly, FULL)
        assert importer.numbers() == set(range(1, 10))
        report = importer.run(weekly, Wanted(full=True, surely=True))
        assert importer.numbers() == {8, 9}
        assert (report.resumed_after, report.removed) == (3, 7)

    def test_a_resumed_run_has_seen_what_it_saw_before_it_was_stopped(self, importer: Importer, write: Any) -> None:
        path = write(*people(1, 2, 3, 4, 5))
        with pytest.raises(StoppedError):
            importer.run(path, FULL, progress=stopping_after(1))
        importer.run(path, FULL)
        assert importer.numbers() == {1, 2, 3, 4, 5}


class TestThoseWhoAreEnrolled:
    def test_their_own_entry_takes_the_place_of_the_imported_one(self, importer: Importer, write: Any) -> None:
        house = importer.house
        admin = house.administrator()
        person = house.practitioner(admin, npi=nppes.npi(1))
        before = _kept(house)
        importer.run(write(*people(1, 2), nppes.row(nppes.person(3))))
        importer.run(write(nppes.row(nppes.deactivated(1)), *people(2, 3), name="gone.csv"), Wanted(True, True))
        assert _kept(house) == before
        assert [row.get("practitioner_id") for row in before] == [person.id, None]
        importer.run(write(*people(1, updated="soon"), *people(2, 3), name="bad.csv"), FULL)
        assert importer.told.lines[-1].npi == nppes.npi(1)
        importer.run(write(*people(1, 2, 3)), FULL)
        assert {row.npi for row in importer.found().values() if row.shown} == {nppes.npi(2), nppes.npi(3)}
        assert _kept(house) == before

    def test_an_entry_that_an_account_made_after_an_import_is_left_alone_by_the_next(
        self, importer: Importer, write: Any
    ) -> None:
        house, path = importer.house, write(*people(1, specialty_2="2084P0800X"))
        importer.run(path)
        house.practitioner(house.administrator(), npi=nppes.npi(1))
        before = _kept(house)
        importer.run(write(*people(1, specialty="207Q00000X"), name="next.csv"))
        assert _kept(house) == before
        assert {tag for tag, _ in importer.tags(1)} == {"specialty:207Q00000X"}

    def test_one_who_was_suspended_is_not_found_by_the_imported_entry(self, importer: Importer, write: Any) -> None:
        house = importer.house
        admin = house.administrator()
        person = house.practitioner(admin, npi=nppes.npi(1))
        assert admin.request("POST", f"/v1/practitioners/{person.id}/suspension").status_code == 200
        importer.run(write(*people(1)))
        assert not importer.found()[nppes.npi(1)].shown

    def test_not_even_while_the_file_is_read(self, importer: Importer, write: Any) -> None:
        house, seen = importer.house, []
        organization = enrolment.add_organization(house.deps, "North Clinic")
        with house.database.transaction() as session:
            session.add(_account(house, organization, "active"))
        importer.run(write(*people(1)), progress=lambda done, of: seen.append(importer.found()[nppes.npi(1)].shown))
        assert seen == [False]

    def test_one_who_was_only_invited_is_found_by_the_imported_entry(self, importer: Importer, write: Any) -> None:
        house = importer.house
        organization = enrolment.add_organization(house.deps, "North Clinic")
        with house.database.transaction() as session:
            session.add(_account(house, organization, "invited"))
        importer.run(write(*people(1)))
        assert importer.found()[nppes.npi(1)].shown

    def test_one_who_enrols_while_the_file_is_read_takes_the_place_too(self, importer: Importer, write: Any) -> None:
        house = importer.house
        organization = enrolment.add_organization(house.deps, "North Clinic")
        once = iter([True])

        def meanwhile(done: int, of: int) -> None:
            if next(once, False):
                with house.database.transaction() as session:
                    session.add(_account(house, organization, "active"))

        importer.run(write(*people(1, 2, 3, 4)), progress=meanwhile)
        assert not importer.found()[nppes.npi(1)].shown


class TestWhoIsNotEnrolled:
    def test_nobody_enters_the_feed_or_the_snapshot_by_an_import(self, importer: Importer, write: Any) -> None:
        house = importer.house
        admin = house.administrator()
        spoken, facts = house.events(), _snapshot(house)
        path = write(*people(1, 2, 3, 4), nppes.row(nppes.deactivated(1)))
        importer.run(path)
        importer.run(path, Wanted(full=True, surely=True))
        assert house.events() == spoken
        assert _snapshot(house) == facts
        found = admin.request("GET", f"/v1/practitioners?organization={admin.organization}").get_json()
        assert [each["id"] for each in found["practitioners"]] == [str(admin.id)]

    def test_nobody_is_a_practitioner_or_a_party_by_an_import(self, importer: Importer, write: Any) -> None:
        admin = importer.house.administrator()
        importer.run(write(*people(1)))
        found = importer.found()[nppes.npi(1)]
        for asked in ("name=Person1", f"npi={nppes.npi(1)}"):
            assert admin.request("GET", f"/v1/practitioners?{asked}").get_json()["practitioners"] == []
        for path in (f"/v1/practitioners/{found.id}", f"/v1/practitioners/{found.id}/keys"):
            assert admin.request("GET", path).status_code == 404
        headers = {"Authorization": importer.house.signer("consent").authorization("directory")}
        for kind in ("practitioner", "organization"):
            asked = importer.house.client.get(f"/v1/parties/{kind}/{found.id}", headers=headers)
            assert asked.status_code == 404


def _account(house: House, organization: UUID, status: str) -> Practitioner:
    """An account with the NPI of the first person in the file."""
    row = Practitioner(id=uuid4(), organization_id=organization, role=Role.PRACTITIONER, status=status)
    row.name, row.folded, row.npi, row.created_at = "Pia Practice", "pia practice", nppes.npi(1), house.clock.now()
    return row


def _kept(house: House) -> list[dict[str, Any]]:
    """Every entry that an account keeps, whole, with its tags."""
    with house.database.transaction() as session:
        rows = session.scalars(select(Listing).where(Listing.practitioner_id.is_not(None))).all()
        tags = session.scalars(select(ListingTag).where(ListingTag.listing_id.in_([row.id for row in rows]))).all()
    kept = [{name: getattr(row, name) for name in Listing.__table__.c.keys()} for row in rows]  # noqa: SIM118
    return [*kept, {"tags": sorted((tag.tag, tag.cell) for tag in tags)}]


def _snapshot(house: House) -> list[str]:
    headers = {"Authorization": house.signer("messaging").authorization("directory")}
    answer = house.client.get("/v1/feed/snapshot", headers=headers)
    assert answer.status_code == 200
    return sorted(answer.get_data(as_text=True).splitlines())
