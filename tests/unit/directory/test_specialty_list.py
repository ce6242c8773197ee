"""The code list of specialties: whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from services.directory.imports import specialty_list
from services.directory.imports.specialty_list import ListError
from services.directory.models import Specialty
from tests.unit.directory.house import House

HEADER = "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\n"
PSYCHOLOGIST = (
    '103T00000X,Behavioral Health,Psychologist,,"A psychologist, who\nexamines minds.",,Psychologist,Individual\n'
)
CLINICAL = "103TC0700X,Behavioral Health,Psychologist,Clinical,Cares,,Clinical Psychologist,Individual\n"
OLD_HEADER = "Code,Grouping,Classification,Specialization,Definition,Effective Date,Notes\n"
OLD = "103TC0700X,Behavioral Health,Psychologist,Clinical,Cares,1/1/2001,\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a list lies."""
    return tmp_path / "nucc_taxonomy_261.csv"


def imported(house: House, path: Path) -> None:
    """Import the list."""
    specialty_list.replace(house.database, specialty_list.read(path))


def found(house: House) -> dict[str, Specialty]:
    """Every specialty, by its code."""
    with house.database.transaction() as session:
        return {row.code: row for row in session.scalars(select(Specialty)).all()}


def test_every_specialty_is_there_with_its_names(house: House, path: Path) -> None:
    path.write_text(HEADER + PSYCHOLOGIST + CLINICAL)
    imported(house, path)
    row = found(house)["103TC0700X"]
    assert (row.display, row.classification, row.specialization) == (
        "Clinical Psychologist",
        "Psychologist",
        "Clinical",
    )
    assert row.words == " clinical psychologist "
    assert found(house)["103T00000X"].definition == "A psychologist, who examines minds."


def test_an_older_list_without_display_names_is_read_too(house: House, path: Path) -> None:
    path.write_text(OLD_HEADER + OLD)
    imported(house, path)
    assert found(house)["103TC0700X"].display == "Psychologist, Clinical"
    assert found(house)["103TC0700X"].words == " psychologist clinical "


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_lists_are_read_in_the_encodings_that_they_had(path: Path, encoding: str) -> None:
    path.write_text(HEADER + CLINICAL.replace("Cares", "Cares for the patient’s mind"), encoding=encoding)
    assert [row.definition for row in specialty_list.read(path)] == ["Cares for the patient’s mind"]


def test_the_next_list_takes_the_place_of_the_one_before(house: House, path: Path) -> None:
    path.write_text(HEADER + PSYCHOLOGIST + CLINICAL)
    imported(house, path)
    path.write_text(HEADER + CLINICAL.replace("Cares", "Treats"))
    imported(house, path)
    assert {code: row.definition for code, row in found(house).items()} == {"103TC0700X": "Treats"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("103T,x,Psychologist,,,,,\n", "line 4, Code: nine capital letters or digits", id="code"),
        pytest.param(CLINICAL, "line 4, Code: stands here for the second time", id="twice"),
        pytest.param("103TS0200X,x,,,,,,\n", "line 4, Classification: is empty", id="no classification"),
        pytest.param("103TS0200X,x,Psychologist\n", "line 4: has 3 columns instead of 8", id="columns"),
        pytest.param('103TS0200X,"x,Psychologist,,,,,\n', "line 4: has a broken quote", id="quote"),
        pytest.param(f"103TS0200X,x,P,,,,{'n' * 301},\n", "line 4, Display Name: longer than 300", id="too long"),
        pytest.param("103TS0200X,x,P,,d\x00d,,,\n", "line 4, Definition: has a character", id="NUL"),
    ],
)
def test_one_wrong_line_changes_nothing_and_is_named(house: House, path: Path, line: str, said: str) -> None:
    path.write_text(HEADER + CLINICAL)
    imported(house, path)
    path.write_text(HEADER + PSYCHOLOGIST.replace("\n", " ", 1) + CLINICAL + line)
    with pytest.raises(ListError, match=said):
        imported(house, path)
    assert list(found(house)) == ["103TC0700X"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1: has no column Code, Grouping"),
        ("Code,Grouping\n", "line 1: has no column Classification, Specialization, Definition"),
        (HEADER, "line 1: no specialty follows"),
    ],
    ids=["empty", "another", "header alone"],
)
def test_a_file_that_is_no_list_is_refused(path: Path, content: str, said: str) -> None:
    path.write_text(content)
    with pytest.raises(ListError, match=said):
        specialty_list.read(path)
