"""Searching the directory in FHIR: what each parameter finds, pages, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import migrate
from services.chassis.db import Database
from services.chassis.pages import encode_cursor
from services.directory.fhir import fhir_queries
from tests.unit.directory.fhir_answers import (
    ADDICTION,
    FHIR,
    NPI,
    PSYCHOLOGIST,
    listed,
    names,
    outcome,
    page,
    pages,
    read,
    search,
)
from tests.unit.directory.fhir_town import ANA, QUESTIONS, Town, build
from tests.unit.directory.house import House

PARAMETERS = {
    "Practitioner": ["_id", "identifier", "name", "family", "given", "active", "_count", "_format", "cursor"],
    "PractitionerRole": ["_id", "practitioner", "organization", "specialty", "location.address-city", "location.near"],
    "Organization": ["_id", "identifier", "name", "partof", "active", "cursor"],
    "Endpoint": ["_id", "organization", "status", "cursor"],
}


@pytest.fixture(scope="module")
def town(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town on SQLite, which these tests only read."""
    path = tmp_path_factory.mktemp("town") / "directory.db"
    shutil.copyfile(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield build(House(database))
    database.dispose()


@pytest.fixture
def fewest(monkeypatch: pytest.MonkeyPatch) -> int:
    """How deep a search goes here."""
    monkeypatch.setattr(fhir_queries, "MOST_DEEP", 3)
    return 3


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_finds_whom_it_means(town: Town, question: str) -> None:
    type_, said, found = QUESTIONS[question]
    assert names(town.asker, type_, **said(town)) == sorted(found)


@pytest.mark.real
def test_every_question_finds_the_same_on_postgresql(postgresql: Database) -> None:
    migrate.upgrade(postgresql, "directory")
    town = build(House(postgresql))
    for question, (type_, said, found) in QUESTIONS.items():
        assert names(town.asker, type_, **said(town)) == sorted(found), question
        assert names(town.asker, type_, **said(town), _count=1) == sorted(found), question


@pytest.mark.parametrize("said", [{"organization": ""}, {"specialty": PSYCHOLOGIST}], ids=["organization", "specialty"])
def test_not_even_their_own_organization_finds_who_hides(town: Town, said: dict[str, str]) -> None:
    """A search is the same for everybody; who knows the id can read."""
    given_ = said if said.get("specialty") else {"organization": str(town.admin.organization)}
    assert "Hal Hidden" not in names(town.admin, "PractitionerRole", **given_)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_pages_hold_every_match_once(town: Town, count: int) -> None:
    found = pages(town.asker, "PractitionerRole", specialty=f"{ADDICTION},{PSYCHOLOGIST}", _count=count)
    ids = [[entry["resource"]["id"] for entry in bundle.get("entry", [])] for bundle in found]
    assert [len(each) for each in ids] == {1: [1, 1, 1, 1], 2: [2, 2], 3: [3, 1], 4: [4]}[count]
    assert len({id_ for each in ids for id_ in each}) == 4


def test_pages_of_organizations_go_through_all_three_kinds(town: Town) -> None:
    ids = f"{town.hill},{town.department},{town.admin.organization},{town.asker.organization}"
    for count in (1, 2, 3, 4):
        found = pages(town.asker, "Organization", _id=ids, _count=count)
        every = [entry["resource"]["id"] for bundle in found for entry in bundle["entry"]]
        assert sorted(every) == sorted(ids.split(","))
        assert every == sorted(every)


def test_a_page_names_itself_and_the_search_it_belongs_to(town: Town) -> None:
    (first, second) = pages(town.asker, "Practitioner", name="ana", _count=1)
    links = [{link["relation"]: link["url"] for link in bundle["link"]} for bundle in (first, second)]
    assert links[0]["self"] == f"{FHIR}/Practitioner?name=ana&_count=1"
    assert links[0]["next"] == links[1]["self"]
    assert "next" not in links[1]


def test_nothing_found_is_a_bundle_without_entries(town: Town) -> None:
    assert "entry" not in page(town.asker, "/fhir/Practitioner?name=nobody")


def test_what_a_role_points_to_comes_along_once(town: Town) -> None:
    includes = [f"PractitionerRole:{each}" for each in ("practitioner", "organization", "endpoint")]
    said = f"specialty={PSYCHOLOGIST}&" + "&".join(f"_include={each}" for each in includes)
    bundle = page(town.asker, f"/fhir/PractitionerRole?{said}")
    beside = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "include"]
    of_type: dict[str, list[str]] = {}
    for resource in beside:
        of_type.setdefault(resource["resourceType"], []).append(resource["id"])
    roles = {entry["resource"]["id"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"}
    assert set(of_type.pop("Practitioner")) == roles
    assert of_type == {"Organization": [str(town.ana.organization)], "Endpoint": [str(town.ana.id)]}


def test_where_two_work_comes_along_once(house: House) -> None:
    admin = house.administrator()
    for name in ("Ana Whitfield", "Bo Park"):
        house.practitioner(admin, name)
    said = f"organization={admin.organization}&_include=PractitionerRole:organization"
    entries = page(admin, f"/fhir/PractitionerRole?{said}")["entry"]
    assert [entry["search"]["mode"] for entry in entries] == ["match", "match", "include"]


def test_includes_stay_while_pages_are_turned(town: Town) -> None:
    found = pages(
        town.asker, "PractitionerRole", specialty=PSYCHOLOGIST, _count=1, _include="PractitionerRole:practitioner"
    )
    assert [len(bundle["entry"]) for bundle in found] == [2, 2, 2]


@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_search_goes_only_so_deep_and_says_so(town: Town, fewest: int, count: int) -> None:
    found = pages(town.asker, "PractitionerRole", specialty=f"{ADDICTION},{PSYCHOLOGIST}", _count=count)
    every = [entry for bundle in found for entry in bundle["entry"]]
    assert len([entry for entry in every if entry["search"]["mode"] == "match"]) == fewest
    assert every[-1]["resource"]["issue"][0]["code"] == "too-costly"


def test_a_search_that_shows_all_says_nothing_of_depth(town: Town, fewest: int) -> None:
    every = [
        entry for bundle in pages(town.asker, "PractitionerRole", specialty=PSYCHOLOGIST) for entry in bundle["entry"]
    ]
    assert [entry["search"]["mode"] for entry in every] == ["match"] * fewest


def test_a_cursor_made_up_leads_no_deeper(town: Town, fewest: int) -> None:
    """The depth is counted from the first match, wherever a page begins."""
    said = {"specialty": f"{ADDICTION},{PSYCHOLOGIST}"}
    shown = {resource["id"] for resource in search(town.asker, "PractitionerRole", **said)}
    assert len(shown) == fewest
    for digit in "0123456789abcdef":
        cursor = encode_cursor([digit + "f" * 31])
        bundle = page(town.asker, f"/fhir/PractitionerRole?specialty={said['specialty']}&cursor={cursor}")
        matches = [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]
        assert {resource["id"] for resource in matches} <= shown


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("Practitioner", "query"),
        ("Practitioner?active=true", "query"),
        ("Practitioner?_count=5", "query"),
        ("PractitionerRole?location.address-city=Springfield", "query"),
        ("PractitionerRole?active=true&_include=PractitionerRole:endpoint", "query"),
        ("Organization", "query"),
        ("Endpoint?status=active", "query"),
        ("Practitioner?identifier=1234567890", "identifier"),
        ("Practitioner?identifier=http://example.org|1234567893", "identifier"),
        ("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|", "identifier"),
        ("Practitioner?identifier=,", "identifier"),
        ("Practitioner?identifier=", "identifier"),
        (f"Practitioner?identifier={','.join([NPI] * 21)}", "identifier"),
        ("Practitioner?name=a", "name"),
        ("Practitioner?name=%25%25%25", "name"),
        ("Practitioner?name=Ana%00", "name"),
        ("Organization?name=North%00", "name"),
        ("PractitionerRole?specialty=103T00000X&location.address-city=a%00", "location.address-city"),
        (f"Practitioner?name={'x' * 10_000}", "name"),
        ("Practitioner?name=Ana&name=Bo", "name"),
        ("Practitioner?name:contains=Ana", "name:contains"),
        ("Practitioner?name=Ana&phone=1", "phone"),
        ("Practitioner?_id=1", "_id"),
        ("Practitioner?name=Ana&_count=0", "_count"),
        ("Practitioner?name=Ana&_count=201", "_count"),
        ("Practitioner?name=Ana&_format=xml", "_format"),
        ("Practitioner?name=Ana&active=yes", "active"),
        ("Practitioner?name=Ana&cursor=x", "cursor"),
        ("Practitioner?name=Ana&cursor=WyJ4Il0", "cursor"),
        ("Practitioner?name=Ana&_include=Practitioner:organization", "_include"),
        ("PractitionerRole?specialty=psychologist", "specialty"),
        ("PractitionerRole?practitioner=Organization/4f6c1b1e-7f0e-4f4e-9d5b-111111111111", "practitioner"),
        ("PractitionerRole?specialty=103T00000X&_include=PractitionerRole:location", "_include.0"),
        ("PractitionerRole?specialty=103T00000X&specialty=207QA0401X", "specialty"),
        ("Organization?partof=North", "partof"),
        ("PractitionerRole?location.near=42|-72", "query"),
        *(
            (f"PractitionerRole?specialty=103T00000X&location.near={near}", "location.near")
            for near in ("Town", "42", "91|0", "0|181", "42|-72|301", "42|-72|0", "42|-72|5|m", "42|-72|NaN", "1e1|2")
        ),
        ("Endpoint?_id=4f6c1b1e-7f0e-4f4e-9d5b-111111111111&status=on", "status"),
    ],
)  # fmt: skip
def test_a_search_that_is_not_understood_is_refused_by_name(town: Town, path: str, named: str) -> None:
    assert outcome(town.asker.request("GET", f"/fhir/{path}"), 422) == ("invalid-field", [named])


def post(town: Town, type_: str, **request: Any) -> Any:
    return town.asker.request("POST", f"/fhir/{type_}/_search", **request)


@pytest.mark.parametrize("type_", PARAMETERS)
def test_a_posted_search_finds_the_same(town: Town, type_: str) -> None:
    said: dict[str, Any] = {"_id": f"{town.ana.id},{town.jose},{town.hill}", "_count": "1"}
    if type_ == "PractitionerRole":
        said["_include"] = ["PractitionerRole:practitioner", "PractitionerRole:endpoint"]
    posted = read(post(town, type_, data=said))
    assert posted == pages(town.asker, type_, **said)[0]
    assert posted["entry"]


def test_a_posted_search_is_held_to_the_same_rules(town: Town) -> None:
    assert outcome(post(town, "Practitioner", data={"name": "a"}), 422) == ("invalid-field", ["name"])
    assert outcome(post(town, "Practitioner", data={"active": "true"}), 422) == ("invalid-field", ["query"])
    assert outcome(post(town, "Practitioner", data={"phone": "1"}), 422) == ("invalid-field", ["phone"])
    assert outcome(post(town, "Practitioner", data={"name": ["ana", "bo"]}), 422) == ("invalid-field", ["name"])
    assert outcome(post(town, "Practitioner", json={"name": "ana"}), 415) == ("unsupported-media-type", None)
    assert outcome(post(town, "Practitioner", data={"name": "x" * 300_000}), 413)[0] == "too-large"


def test_what_stands_in_the_address_of_a_posted_search_counts(town: Town) -> None:
    form = {"data": {"name": "ana"}}
    path = "/fhir/Practitioner/_search"
    assert len(read(town.asker.request("POST", f"{path}?given=anabel", **form))["entry"]) == 1
    assert outcome(town.asker.request("POST", f"{path}?name=bo", **form), 422) == ("invalid-field", ["name"])


def test_a_refusal_does_not_say_again_what_was_sent(town: Town) -> None:
    answer = town.asker.request("GET", "/fhir/Practitioner?name=Ana&active=Whoever")
    assert b"Whoever" not in answer.data


@pytest.mark.parametrize("said", ["json", "application/fhir%2Bjson", "application/fhir+json", "application/json"])
def test_json_may_be_asked_for_as_clients_do(town: Town, said: str) -> None:
    assert page(town.asker, f"/fhir/Practitioner?identifier={NPI}&_format={said}")["entry"]


def test_people_who_come_meanwhile_shift_no_page(house: House) -> None:
    admin = house.administrator()
    for n in range(3):
        listed(house, f"Ana Number{n}")
    first = pages(admin, "Practitioner", name="ana", _count=2)
    ids = [entry["resource"]["id"] for entry in first[0]["entry"]]
    listed(house, "Ana Early", id=UUID(int=UUID(ids[0]).int - 1))
    (link,) = [each["url"] for each in first[0]["link"] if each["relation"] == "next"]
    rest = page(admin, f"/fhir{link.removeprefix(FHIR)}")
    assert [entry["resource"]["id"] for entry in rest["entry"]] == [
        entry["resource"]["id"] for entry in first[1]["entry"]
    ]


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_is_asked_the_answer_is_fhir_and_no_failure(town: Town, data: st.DataObject) -> None:
    type_ = data.draw(st.sampled_from(list(PARAMETERS)))
    values = st.one_of(st.text(max_size=60), st.sampled_from([NPI, PSYCHOLOGIST, str(town.ana.id), ANA, "true", "1"]))
    said = data.draw(st.dictionaries(st.sampled_from(PARAMETERS[type_]), values, max_size=4))
    answer: Any = town.asker.request("GET", f"/fhir/{type_}", query_string=said)
    assert answer.status_code in (200, 422)
    read(answer, answer.status_code)
