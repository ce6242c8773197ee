"""What is read of a line of the NPPES file, and what makes a line unusable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.directory.imports.nppes_records import Deactivated, Record, RowError
from services.directory.imports.nppes_rows import Columns, HeaderError
from services.directory.rules.places import cell
from services.directory.rules.words import words_of
from tests import nppes

TODAY = date(2026, 11, 28)
COLUMNS = Columns.of(nppes.HEADER)


def read(values: dict[str, str]) -> Record | Deactivated:
    """A line with these values, read."""
    return COLUMNS.read(nppes.row(values), TODAY)


def record(number: int = 1, **more: str) -> Record:
    """Dr. Whitfield's record, some of it changed."""
    found = read(nppes.person(number, **more))
    assert isinstance(found, Record)
    return found


def refused(line: bytes) -> RowError:
    """Why a line cannot be used."""
    with pytest.raises(RowError) as caught:
        COLUMNS.read(line, TODAY)
    return caught.value


class TestARecord:
    def test_a_person_is_read_with_their_name_as_people_write_it(self) -> None:
        assert record(middle="MARÍA", suffix="JR.").name == "Ana María Whitfield Jr."

    @pytest.mark.parametrize(
        ("last", "shown"),
        [
            ("O'BRIEN", "O'Brien"),
            ("SMITH-JONES", "Smith-Jones"),
            ("MCDONALD", "McDonald"),
            ("de la Cruz", "de la Cruz"),
            ("  ARMENDÁRIZ   LÓPEZ ", "Armendáriz López"),
        ],
    )
    def test_capitals_become_a_name(self, last: str, shown: str) -> None:
        assert record(last=last, first="").name == shown

    def test_a_number_among_a_family_stays_in_capitals(self) -> None:
        assert record(suffix="III").name == "Ana Whitfield III"

    def test_an_organization_keeps_the_letters_it_registered(self) -> None:
        found = read(nppes.organization(2, "HARBOR HOLDINGS LLC", parent="BAY HEALTH"))
        assert isinstance(found, Record)
        assert (found.kind, found.name) == ("organization", "HARBOR HOLDINGS LLC")
        assert found.organization_name == "BAY HEALTH"
        assert found.organization_words == " harbor holdings llc bay health "

    def test_of_a_person_the_file_names_no_organization(self) -> None:
        found = record(parent="BAY HEALTH")
        assert (found.organization_name, found.organization_words) == (None, "")

    def test_a_person_is_found_by_the_name_they_had_before(self) -> None:
        assert record(other_last="JONES").words == " ana whitfield jones "

    def test_an_organization_is_found_by_the_name_it_trades_as(self) -> None:
        found = read(nppes.organization(2, "HOLDINGS LLC", other_name="Harbor Psychology"))
        assert isinstance(found, Record)
        assert found.words == " holdings llc harbor psychology "

    def test_its_place_is_that_of_its_zip_code(self) -> None:
        found = record()
        assert (found.city, found.state, found.postal_code) == ("Springfield", "MA", "01103-1234")
        assert found.place == (42.1029, -72.5887)
        assert found.cell == cell(42.1029, -72.5887)

    def test_five_digits_abroad_are_no_zip_code(self) -> None:
        found = record(postal_code="10115", country="DE", city="BERLIN", state="BERLIN")
        assert (found.postal_code, found.place, found.cell) == ("10115", None, 0)

    def test_the_mailing_address_which_may_be_a_home_is_not_read(self) -> None:
        mailing = {name: "7" * 10 for name in nppes.COLUMNS if "Business Mailing Address" in name}
        assert len(mailing) == 8
        assert read(nppes.person(1) | mailing) == record()

    def test_what_it_says_of_itself_is_read(self) -> None:
        found = record(line_2="STE 4", specialty_2="2084P0800X")
        assert (found.line, found.phone) == ("100 RIVER ST, STE 4", "413-555-0123")
        assert found.specialties == ("103T00000X", "2084P0800X")

    def test_a_specialty_that_stands_twice_counts_once(self) -> None:
        assert record(specialty_2="103T00000X").specialties == ("103T00000X",)

    def test_it_is_as_fresh_as_the_last_word_on_it(self) -> None:
        assert record().changed_at == datetime(2024, 3, 2, tzinfo=UTC)
        assert record(certified="06/30/2025").changed_at == datetime(2025, 6, 30, tzinfo=UTC)

    def test_it_is_read_where_the_columns_stand_elsewhere_and_there_are_more(self) -> None:
        names = [*reversed(nppes.COLUMNS), "Something New"]
        said = nppes.person(1)
        header = ",".join(f'"{name}"' for name in names).encode() + b"\r\n"
        line = ",".join(f'"{said.get(name, "")}"' for name in names).encode() + b"\r\n"
        assert Columns.of(b"\xef\xbb\xbf" + header).read(line, TODAY) == record()

    def test_a_file_from_before_2020_has_no_date_of_certification(self) -> None:
        cut = len(b',"Certification Date"')
        line = nppes.row(nppes.person(1))
        assert Columns.of(nppes.HEADER[: -cut - 1]).read(line[: -len(b',""\n')], TODAY) == record()


class TestADeactivation:
    def test_an_npi_that_is_not_in_use_any_more_is_gone_though_nothing_else_stands_there(self) -> None:
        assert read(nppes.deactivated(7)) == Deactivated(nppes.npi(7))

    def test_an_npi_that_came_back_is_there(self) -> None:
        assert isinstance(record(deactivated="01/15/2020", reactivated="02/01/2020"), Record)

    def test_an_npi_that_went_after_it_had_come_back_is_gone(self) -> None:
        found = read(nppes.person(1, deactivated="01/15/2024", reactivated="02/01/2020"))
        assert found == Deactivated(nppes.npi(1))


class TestALineThatCannotBeUsed:
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            pytest.param({"kind": "3"}, "Entity Type Code: neither 1 nor 2", id="entity type"),
            pytest.param({"kind": ""}, "Entity Type Code: neither 1 nor 2", id="no entity type"),
            pytest.param({"updated": "2024-03-02"}, "Last Update Date: not a date MM/DD/YYYY", id="ISO date"),
            pytest.param({"updated": "02/30/2024"}, "Last Update Date: not a date MM/DD/YYYY", id="30 February"),
            pytest.param({"updated": "11/30/2026"}, "Last Update Date: in the future", id="future"),
            pytest.param({"certified": "soon"}, "Certification Date: not a date MM/DD/YYYY", id="no date"),
            pytest.param({"deactivated": "13/01/2024"}, "NPI Deactivation Date: not a date MM/DD/YYYY", id="month 13"),
            pytest.param(
                {"specialty_2": "psychology"},
                "Healthcare Provider Taxonomy Code_2: not a taxonomy code",
                id="specialty",
            ),
            pytest.param({"last": "", "first": "--"}, "name: nothing of it can be read", id="no name"),
            pytest.param(
                {"last": "W" * 301}, "Provider Last Name (Legal Name): longer than 300 characters", id="long name"
            ),
            pytest.param({"last": "W" * 299}, "name: longer than 300 characters", id="long in all"),
            pytest.param(
                {"city": "S" * 101},
                "Provider Business Practice Location Address City Name: longer than 100 characters",
                id="long town",
            ),
            pytest.param(
                {"line": "1" * 150, "line_2": "2" * 150},
                "Provider First Line Business Practice Location Address: longer than 200 characters",
                id="long address",
            ),
            pytest.param(
                {"last": "WHIT\x00FIELD"},
                "Provider Last Name (Legal Name): has a character that cannot be shown",
                id="NUL",
            ),
            pytest.param(
                {"last": "WHIT\u202eFIELD"},
                "Provider Last Name (Legal Name): has a character that cannot be shown",
                id="right to left",
            ),
        ],
    )
    def test_the_column_and_what_is_wrong_are_named_and_the_npi_is_known(
        self, changed: dict[str, Any], reason: str
    ) -> None:
        error = refused(nppes.row(nppes.person(1, **changed)))
        assert (str(error), error.npi) == (reason, nppes.npi(1))

    @pytest.mark.parametrize(
        "npi",
        [
            pytest.param(nppes.npi(1)[:-1] + str((int(nppes.npi(1)[-1]) + 1) % 10), id="check digit"),
            pytest.param("123456789", id="nine digits"),
            pytest.param("", id="none"),
        ],
    )
    def test_an_npi_that_is_none_is_not_told_as_one(self, npi: str) -> None:
        error = refused(nppes.row(nppes.person(1) | {"NPI": npi}))
        assert (str(error), error.npi) == ("NPI: not ten digits with the right check digit", None)

    def test_a_column_too_few_or_too_many_is_counted(self) -> None:
        line = nppes.row(nppes.person(1)).rstrip(b"\n")
        assert str(refused(line + b',""\n')) == "has 331 columns instead of 330"
        assert str(refused(line.rpartition(b",")[0])) == "has 329 columns instead of 330"

    @pytest.mark.parametrize(
        ("old", "new"),
        [(b'"WHITFIELD"', b'"WHITFIELD'), (b'"WHITFIELD"', b'"WHIT"FIELD"'), (b'""\n', b'"\n')],
        ids=["not closed", "within", "at the end"],
    )
    def test_a_broken_quote_is_this_lines_alone(self, old: bytes, new: bytes) -> None:
        error = refused(new.join(nppes.row(nppes.person(1)).rsplit(old, 1)))
        assert (str(error), error.npi) == ("has a broken quote", nppes.npi(1))

    def test_what_is_not_utf_8_is_told(self) -> None:
        error = refused(nppes.row(nppes.person(1, last="MÜLLER")).replace("Ü".encode(), b"\xdc"))
        assert (str(error), error.npi) == ("is not UTF-8", nppes.npi(1))

    def test_what_stands_in_the_line_is_not_told(self) -> None:
        error = refused(nppes.row(nppes.person(1, phone="9" * 50, updated="yesterday")))
        assert "9999" not in str(error)
        assert "yesterday" not in str(error)

    @given(st.binary(max_size=400))
    def test_no_bytes_are_anything_but_read_or_refused(self, line: bytes) -> None:
        refused(line)

    @given(st.dictionaries(st.sampled_from(sorted(nppes.SHORT)), st.text(max_size=320), max_size=4))
    def test_what_is_read_fits_into_the_directory(self, changed: dict[str, Any]) -> None:
        line = nppes.row(nppes.person(1, **changed))
        try:
            found = COLUMNS.read(line, TODAY)
        except RowError:
            return
        if isinstance(found, Record):
            assert 0 < len(found.name) <= 300
            assert len(found.words) <= 700
            assert len(found.line or "") <= 200
            assert "\x00" not in f"{found}"


def test_words_that_are_too_many_are_cut_between_two() -> None:
    found = words_of(" ".join(f"WORD{n:03d}" for n in range(100)))
    assert found == f" {' '.join(f'word{n:03d}' for n in range(87))} "


def test_a_name_that_is_one_endless_word_is_found_by_its_beginning() -> None:
    assert record(last="株" * 290).words.startswith(" ana zhuzhu")


def test_a_header_without_needed_columns_names_them() -> None:
    header = nppes.HEADER.replace(b'"Last Update Date",', b"").replace(b'"NPI",', b"")
    with pytest.raises(HeaderError) as caught:
        Columns.of(header)
    assert caught.value.missing == ["NPI", "Last Update Date"]
