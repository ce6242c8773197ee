"""Finding colleagues, the same on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import delete, make_url

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import models
from services.directory.rules import places
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.listing_people import (
    ADDICTION,
    BOSTON,
    CHICAGO,
    PSYCHIATRIST,
    answer,
    change,
    days_ago,
    found,
    imported,
    keeps,
)

NPI = "1234567893"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def address(request: pytest.FixtureRequest, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database in its newest form, of either kind, for all tests here: to make one takes longer than they do."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("listings") / "directory.db"
        shutil.copyfile(migrated, path)
        yield f"sqlite:///{path}"
        return
    server, name = request.getfixturevalue("postgresql_url"), f"concord_test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        url = make_url(server).set(drivername="postgresql+psycopg", database=name)
        yield url.render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def administrator(address: str) -> Iterator[Person]:
    """Who asks in all tests here."""
    database = Database(address)
    migrate.upgrade(database, "directory")
    yield House(database).administrator()
    database.dispose()


@pytest.fixture
def house(administrator: Person) -> House:
    """A directory in which nobody is to be found yet."""
    with administrator.house.database.transaction() as session:
        session.execute(delete(models.Listing))
        session.execute(delete(models.Specialty))
    return administrator.house


@pytest.fixture
def ada(house: House, administrator: Person) -> Person:
    """Who asks: an administrator, who has no entry of her own."""
    return administrator


def test_a_name_is_found_however_it_was_typed(house: House, ada: Person) -> None:
    imported(house, "Łukasz O'Brien-Müller")
    imported(house, "Jane Stone")
    for typed in ("obrien", "O’Brien", "MULLER", "müller", "lukasz obrien", "Obrein", "Mueller", "lukas", "L Muller"):
        assert found(ada, name=typed) == ["Łukasz O'Brien-Müller"], typed
    assert found(ada, name="Schmidt") == []


def test_an_exact_name_comes_before_a_typing_error_and_enrolled_before_not(house: House, ada: Person) -> None:
    imported(house, "Noor Hadad")
    imported(house, "Noor Haddad", city="Springfield")
    house.practitioner(ada, "Noor Haddad")
    house.practitioner(ada, "Nora Haddat")
    shown = answer(ada, name="noor haddad")["listings"]
    assert [(each["name"], each["enrolled"]) for each in shown][:3] == [
        ("Noor Haddad", True),
        ("Noor Haddad", False),
        ("Noor Hadad", False),
    ]


def test_confirmed_comes_before_stale_then_nearer_before_farther_then_accepting(house: House, ada: Person) -> None:
    stale = imported(house, "Stale And Near")
    change(house, stale, confirmed_at=days_ago(house, 91))
    imported(house, "Fresh Near Accepting", accepting=True)
    imported(house, "Fresh Near Unknown")
    imported(house, "Fresh Far", postal_code="01301")
    imported(house, "Fresh Near Full", accepting=False)
    assert found(ada, near="Springfield, MA", within_km=100) == [
        "Fresh Near Accepting",
        "Fresh Near Unknown",
        "Fresh Near Full",
        "Fresh Far",
        "Stale And Near",
    ]


@pytest.mark.parametrize("words", ["psychologist", "psychologists", "psych", "Psycologist", "103T00000X", "psychology"])
def test_plain_words_find_a_specialty(house: House, ada: Person, words: str) -> None:
    imported(house, "Pia Sych")
    imported(house, "Otto Other", specialties=("207N00000X",))
    assert found(ada, specialty=words) == ["Pia Sych"]


def test_free_text_is_read_as_specialty_name_and_place(house: House, ada: Person) -> None:
    imported(house, "Noor Haddad")
    imported(house, "Noor Stone")
    imported(house, "Noor Haddad", postal_code=CHICAGO)
    imported(house, "Noor Haddad", specialties=(ADDICTION,))
    told = answer(ada, q="Dr. Haddad, psychologist near Springfield, MA")
    assert [each["name"] for each in told["listings"]] == ["Noor Haddad"]
    assert (told["understood"]["name"], told["understood"]["near"]["place"]) == ("haddad", "Springfield, MA")
    assert "103T00000X" in [each["code"] for each in told["understood"]["specialties"]]
    assert told["listings"][0]["distance_km"] < 10


def test_ten_digits_are_an_npi_however_they_are_written(house: House, ada: Person) -> None:
    imported(house, "Noor Haddad", npi=NPI)
    imported(house, "Jane Stone", npi="1245319599")
    for typed in (NPI, "123-456-7893", f"NPI {NPI}"):
        told = answer(ada, q=typed)
        assert [each["npi"] for each in told["listings"]] == [NPI]
        assert told["understood"]["npi"] == NPI
    assert found(ada, npi=NPI) == ["Noor Haddad"]


def test_a_practice_is_found_by_its_name_also_when_that_sounds_like_a_specialty(house: House, ada: Person) -> None:
    imported(house, "Harbor Psychology", kind="organization", specialties=("261QM0801X",))
    imported(house, "Jane Stone", organization_name="Harbor Clinic", organization_words=" harbor clinic ")
    told = answer(ada, q="harbor psychology")
    assert [each["name"] for each in told["listings"]] == ["Harbor Psychology", "Jane Stone"]
    assert found(ada, q="harbor psychology near Springfield, MA") == ["Harbor Psychology", "Jane Stone"]
    assert found(ada, q="harber psychology, Springfield, MA") == ["Jane Stone"]
    imported(house, "Riverside Family Medicine", kind="organization", specialties=("261QP2300X",))
    told = answer(ada, q="riverside family medicine")
    assert [each["name"] for each in told["listings"]] == ["Riverside Family Medicine"]
    assert (told["understood"]["name"], told["understood"]["specialties"]) == ("riverside family medicine", [])
    assert sorted(found(ada, organization="harbor")) == ["Harbor Psychology", "Jane Stone"]


def test_whose_name_answers_comes_before_whose_organization_does(house: House, ada: Person) -> None:
    imported(house, "Jane Stone", organization_name="Harbor Clinic", organization_words=" harbor clinic ")
    imported(house, "Harbor Jones")
    assert found(ada, q="harbor") == ["Harbor Jones", "Jane Stone"]


def test_what_owners_say_is_found_and_nobody_elses(house: House, ada: Person) -> None:
    one, other = house.practitioner(ada, "Ana One"), house.practitioner(ada, "Bo Other")
    keeps(one, languages=["Spanish"], telehealth=True, accepting=True, ages=["child"], plans=["Aetna PPO"])
    keeps(other, languages=["fr"], telehealth=False, accepting=False, ages=["adult"], plans=["Cigna"])
    imported(house, "Ima Ported")
    for query in (
        {"language": "es"},
        {"language": "spanish"},
        {"telehealth": "true"},
        {"accepting": "true"},
        {"age": "child"},
        {"plan": "aetna"},
        {"plan": "AETNA-PPO"},
        {"plan": "aetna", "language": "es", "specialty": "psychologist", "near": "01103"},
    ):
        assert found(ada, **query) == ["Ana One"], query
    for query in ({"telehealth": "false"}, {"accepting": "false"}):
        assert found(ada, **query) == ["Bo Other"], query
    assert found(ada, language="de") == found(ada, plan="aetna hmo") == []


def test_enrolled_ones_alone_or_all_others(house: House, ada: Person) -> None:
    house.practitioner(ada, "Noor Haddad")
    imported(house, "Noor Hadley")
    assert found(ada, enrolled="true", name="noor") == ["Noor Haddad"]
    assert found(ada, enrolled="false", name="noor") == ["Noor Hadley"]
    assert found(ada, organization=str(ada.organization)) == ["Noor Haddad"]


def test_who_is_far_is_found_when_nobody_is_near_and_never_beyond_what_was_said(house: House, ada: Person) -> None:
    imported(house, "Boston Bo", postal_code=BOSTON)
    assert found(ada, specialty="psychologist", near="Springfield, MA") == ["Boston Bo"]
    assert found(ada, specialty="psychologist", near="Springfield, MA", within_km=50) == []
    assert found(ada, q="psychologist within 100 miles of Springfield, MA") == ["Boston Bo"]
    assert found(ada, q="psychologist within 10 miles of Springfield, MA") == []
    imported(house, "Springfield Sue")
    assert found(ada, specialty="psychologist", near="Springfield, MA") == ["Springfield Sue"]
    assert found(ada, name="bo", near="Springfield, MA") == ["Boston Bo"]


def test_what_is_within_a_distance_lies_in_a_circle(house: House, ada: Person) -> None:
    """Not in the square around it: this corner of it is 24 km away."""
    lat, lon = 42.2529, -72.3887
    imported(house, "Corner Cy", lat=lat, lon=lon, cell=places.cell(lat, lon))
    assert found(ada, near="01103", within_km=20) == []
    assert found(ada, near="01103", within_km=25) == ["Corner Cy"]


def test_of_a_name_of_very_many_words_the_first_are_looked_for(house: House, ada: Person) -> None:
    imported(house, "One Two Three Four Five Six Seven Eight")
    typed = "one two three four five six seven eight nine"
    assert found(ada, name=typed) == found(ada, q=typed) == ["One Two Three Four Five Six Seven Eight"]


def test_an_entry_without_a_place_is_found_but_not_near_one(house: House, ada: Person) -> None:
    imported(house, "No Where", postal_code=None)
    assert found(ada, specialty="psychologist") == ["No Where"]
    assert found(ada, specialty="psychologist", near="01103") == []


def test_pages_hold_everybody_once_and_two_hundred_at_most(house: House, ada: Person) -> None:
    rows = [_row(house, number) for number in range(230)]
    with house.database.transaction() as session:
        session.add_all(rows)
    seen: list[str] = []
    query: dict[str, Any] = {"name": "same", "limit": 60}
    while True:
        page = answer(ada, **query)
        seen += [each["id"] for each in page["listings"]]
        if len(seen) == 60:
            imported(house, "Same")  # comes first of all: it shifts nothing
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) in (199, 200)


def _row(house: House, number: int) -> models.Listing:
    words = f" same name {number} "
    members = {"kind": "individual", "organization_words": "  ", "shown": True, "hidden": False}
    return models.Listing(
        id=UUID(int=number + 1), name=words.strip(), words=words, confirmed_at=house.clock.now(), **members
    )


def test_the_best_is_found_among_more_than_are_read(house: House, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.directory.finding.listing_statement.MOST_READ", 5)
    for number in range(12):
        imported(house, f"Far Stone {number}", postal_code="01301")
    imported(house, "Near Stone")
    keeps(house.practitioner(ada, "Kept Stone"), postal_code="01301")
    assert found(ada, specialty="psychologist", near="Springfield, MA", within_km=80)[:2] == [
        "Kept Stone",
        "Near Stone",
    ]
    assert found(ada, name="stone")[0] == found(ada, name="stome")[0] == "Kept Stone"
    assert found(ada, near="Springfield, MA", within_km=80)[:2] == ["Kept Stone", "Near Stone"]
    for number in range(12):
        imported(house, f"Jane {number}", organization_words=" harbor clinic ")
    imported(house, "Harbor Jones")
    assert found(ada, q="harbor")[0] == "Harbor Jones"


def test_several_specialties_are_any_of_them(house: House, ada: Person) -> None:
    imported(house, "Psy Cholog")
    imported(house, "Psy Chiatr", specialties=(PSYCHIATRIST,))
    imported(house, "Skin Doc", specialties=("207N00000X",))
    assert sorted(found(ada, specialty=["psychologist", "psychiatrist"])) == ["Psy Chiatr", "Psy Cholog"]


def test_an_imported_list_of_specialties_adds_words(house: House, ada: Person) -> None:
    imported(house, "Arta Therapist", specialties=("221700000X",))
    assert problem(ada.request("GET", "/v1/listings?specialty=art+therapist"))[0] == 422
    with house.database.transaction() as session:
        session.add(
            models.Specialty(
                code="221700000X",
                grouping="Respiratory, Developmental, Rehabilitative and Restorative Service Providers",
                classification="Art Therapist",
                specialization="",
                display="Art Therapist",
                definition="",
                words=" art therapist ",
            )
        )
    shown = answer(ada, q="art therapists")["listings"]
    assert [each["specialties"] for each in shown] == [[{"code": "221700000X", "name": "Art Therapist"}]]


def test_of_an_imported_entry_what_nobody_knows_is_null(house: House, ada: Person) -> None:
    imported(house, "Ima Ported", npi=NPI, phone="413 555 0100", city="Springfield", state="MA")
    (shown,) = answer(ada, name="ported")["listings"]
    assert shown | {"id": "", "confirmed_at": ""} == {
        "id": "",
        "practitioner": None,
        "kind": "individual",
        "name": "Ima Ported",
        "npi": NPI,
        "specialties": [{"code": "103T00000X", "name": "Psychologist"}],
        "organization": None,
        "line": None,
        "city": "Springfield",
        "state": "MA",
        "postal_code": "01103",
        "phone": "413 555 0100",
        "distance_km": None,
        "languages": [],
        "telehealth": None,
        "accepting": None,
        "ages": [],
        "plans": [],
        "role": None,
        "status": None,
        "enrolled": False,
        "confirmed_at": "",
        "stale": False,
        "coverage": None,
    }
