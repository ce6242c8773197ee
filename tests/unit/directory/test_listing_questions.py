"""How a question is read, and what is refused because nobody could."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.db import Database
from services.directory.rules.plain_words import PLAIN
from services.directory.rules.questions import NpiError, Reading, read
from services.directory.rules.specialties import CodeList
from services.directory.rules.specialty_codes import CODES
from services.directory.rules.towns import AmbiguousTownError, UnknownPlaceError
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.listing_people import imported

CODE_LIST = CodeList.of()


@pytest.fixture(scope="module")
def ada(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Who asks, in a directory where nobody changes anything."""
    path = tmp_path_factory.mktemp("questions") / "directory.db"
    shutil.copyfile(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield House(database).administrator()
    database.dispose()


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ({}, "q", "say whom"),
        ({"within_km": 5}, "q", "say whom"),
        ({"name": "x", "within_km": 5}, "within_km", "near"),
        ({"q": "1234567890"}, "q", "check digit"),
        ({"npi": "1234567890"}, "npi", "check digit"),
        ({"q": "?!"}, "q", "letter"),
        ({"name": "..."}, "name", "letter"),
        ({"near": "Nowhereville, MA"}, "near", "no such place"),
        ({"near": "Springfield"}, "near", "IL, KY, LA, MA"),
        ({"q": "psychologist near Springfield"}, "q", "Add the state"),
        ({"specialty": "xylophone"}, "specialty", "NUCC"),
        ({"language": "Klingonese"}, "language", "BCP 47"),
        ({"age": "old"}, "age", ""),
        ({"q": "x" * 201}, "q", "200"),
        ({"q": "x" * 10_000}, "q", "200"),
        ({"limit": 201, "q": "x"}, "limit", ""),
        ({"cursor": "W10", "q": "x"}, "cursor", "next"),
        ({"within_km": -1, "near": "01103"}, "within_km", ""),
    ],
    ids=lambda each: "-".join(each) or "nothing" if isinstance(each, dict) else "",
)
def test_what_cannot_be_understood_is_named(ada: Person, query: dict[str, Any], field: str, says: str) -> None:
    given = ada.request("GET", "/v1/listings", query_string=query)
    told = given.get_json()
    assert (problem(given), told["field"].split(".")[0]) == ((422, "invalid-field"), field)
    assert says in told["detail"]


@pytest.mark.parametrize("typed", ["%", "_", "a%b", "x' OR '1'='1", '" OR 1', "NEAR(a b)", "words:smith", "-x", "*"])
def test_signs_of_a_query_language_find_nobody(ada: Person, typed: str) -> None:
    imported(ada.house, "Zed Quill")
    given = ada.request("GET", "/v1/listings", query_string={"name": typed})
    assert given.status_code == 422 or given.get_json()["listings"] == []


def test_a_stranger_finds_nobody_and_learns_nothing_of_the_form(house: House) -> None:
    for query in ("q=haddad", "", "q=" + "x" * 10_000, "limit=x"):
        assert problem(house.client.get(f"/v1/listings?{query}")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("Dr. Noor Haddad", ("noor", "haddad"), None),
        ("Noor Haddad, Springfield, MA", ("noor", "haddad"), "Springfield, MA"),
        ("haddad near st. louis missouri", ("haddad",), "Saint Louis, MO"),
        ("haddad 01103-1234", ("haddad",), "Springfield, MA 01103"),
        ("Li Ma", ("li", "ma"), None),
        ("Anh Do", ("anh", "do"), None),
        ("someone in trouble", ("someone", "in", "trouble"), None),
    ],
    ids=["title", "town", "abbreviation", "zip", "short-names", "vietnamese", "no-place"],
)
def test_a_name_and_a_place_are_told_apart(text: str, words: tuple[str, ...], place: str | None) -> None:
    got = read(text, CODE_LIST)
    assert (got.words, got.near and got.near.name) == (words, place)
    assert got.specialties == frozenset()


@pytest.mark.parametrize(
    ("text", "code", "rest"),
    [
        ("psychologists", "103T00000X", ()),
        ("an addiction counselor", "101YA0400X", ()),
        ("addiction medicine", "2083A0300X", ()),
        ("child psychiatrist haddad", "2084P0804X", ("haddad",)),
        ("geriatric psychiatrist", "2084P0805X", ()),
        ("marriage and family therapists", "106H00000X", ()),
        ("LCSW", "1041C0700X", ()),
        ("a specialist for substance use", "101YA0400X", ()),
        ("pyschologist", "103T00000X", ()),
        ("Psychiatric/Mental Health Nurse Practitioner", "363LP0808X", ()),
        ("primary care", "207Q00000X", ()),
        ("pediatrician", "208000000X", ()),
    ],
    ids=lambda each: each.replace(" ", "-") if isinstance(each, str) else "",
)
def test_plain_words_mean_codes(text: str, code: str, rest: tuple[str, ...]) -> None:
    got = read(text, CODE_LIST)
    assert code in got.specialties
    assert got.words == rest


@pytest.mark.parametrize("name", ["Child", "Young", "Family", "Foster", "Nurses Smith", "Whitfield", "Counts", "Paine"])
def test_names_that_are_words_stay_names_or_a_part_of_the_reading(name: str) -> None:
    got = read(name, CODE_LIST)
    assert got.words or got.specialties
    assert got.specialties == frozenset() or name == "Nurses Smith"


def test_every_plain_word_means_a_code_that_is_built_in() -> None:
    for words, beginnings in PLAIN.items():
        assert any(code.startswith(beginnings) for code in CODES), words


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_built_in_specialty_is_found_by_its_own_name(code: str) -> None:
    assert code in CODE_LIST.meant(CODES[code])
    assert CODE_LIST.meant(code.lower()) == {code}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_for_a_reason(text: str) -> None:
    try:
        got = read(text, CODE_LIST)
    except (NpiError, UnknownPlaceError, AmbiguousTownError):
        return
    assert isinstance(got, Reading)
    assert all(word.isalnum() and word.isascii() for word in got.words)
