"""A clinician looks for a colleague, and a colleague keeps their own entry; strangers and liars get nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from concord.api.listings import AgeGroup, Question
from concord.client import Client
from concord.finding import Found
from concord_formats.identity_checks import Checked

from tests import nppes
from tests.journeys.world import EmbeddedWorld, refusal
from tests.people import People

SAID = {
    "specialties": ["103T00000X"],
    "languages": ["ar", "en"],
    "telehealth": True,
    "accepting": True,
    "ages": ["adolescent", "adult"],
    "plans": ["Blue Cross"],
    "line": "1 Harbor Way",
    "city": "Springfield",
    "state": "MA",
    "postal_code": "01103",
    "phone": "413-555-0100",
}


@pytest.fixture(scope="module")
def people(embedded: EmbeddedWorld) -> People:
    return embedded.people


@pytest.fixture(scope="module")
def zainab(embedded: EmbeddedWorld, people: People) -> Client:
    """A psychologist of Harbor, who has said what she does and where."""
    made = embedded.another(people.practices[1], "Dr. Zainab Quraishi")
    made.own_listing.edit(SAID)
    return made


@pytest.fixture
def stranger(embedded: EmbeddedWorld) -> Iterator[httpx.Client]:
    """Somebody without an account."""
    with httpx.Client(base_url=embedded.base_url, transport=embedded.transport()) as client:
        yield client


@pytest.fixture(scope="module")
def imported(embedded: EmbeddedWorld, zainab: Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two people with an NPI, of whom one is enrolled; the number of the other."""
    file = tmp_path_factory.mktemp("nppes") / "npidata_pfile_20050523-20261108.csv"
    stranger = nppes.person(90_000_001, "QURESHI", "ZAINAB")
    same = nppes.person(90_000_002, "QURAISHI", "ZAINAB") | {"NPI": zainab.whoami().npi or ""}
    file.write_bytes(nppes.HEADER + nppes.row(stranger) + nppes.row(same))
    embedded.operator("import-nppes", str(file))
    return stranger["NPI"]


def finds(person: Client, question: Question) -> Found:
    return person.finding.find(question, limit=50)


def ids(found: Found) -> list[UUID | None]:
    return [each.practitioner for each in found.listings]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(Question(text="Quraishi"), id="name"),
        pytest.param(Question(text="Zaynab Quraishy"), id="typos"),
        pytest.param(Question(text="ZAÏNAB  QURAISHÍ"), id="accents-and-case"),
        pytest.param(Question(text="psychologist near Springfield, MA"), id="specialty-and-town"),
        pytest.param(Question(text="psychologists in 01103"), id="plural-and-zip"),
        pytest.param(Question(specialties=("psychologist",), language="Arabic"), id="language"),
        pytest.param(Question(specialties=("103T00000X",), plan="blue-cross", accepting=True), id="plan"),
        pytest.param(Question(near="01040", within_km=20, telehealth=True, age=AgeGroup.ADOLESCENT), id="next-town"),
        pytest.param(Question(name="quraishi", organization="harbor", enrolled=True), id="organization"),
    ],
)
def test_a_clinician_asks_as_they_would_ask_a_colleague(people: People, zainab: Client, question: Question) -> None:
    assert zainab.practitioner in ids(finds(people.physician, question))


def test_what_was_found_says_who_that_is_and_how_far(people: People, zainab: Client) -> None:
    found = finds(people.physician, Question(text="quraishi psychologist near 01040"))
    [listing] = [each for each in found.listings if each.practitioner == zainab.practitioner]
    assert listing.name.startswith("Dr. Zainab Quraishi") and listing.enrolled and not listing.stale
    assert listing.distance_km is not None and 5 < listing.distance_km < 20  # Holyoke is the next town but one
    assert (listing.languages, listing.accepting, listing.phone) == (("ar", "en"), True, "413-555-0100")
    assert found.understood.name == "quraishi" and found.understood.near
    assert "103T00000X" in {each.code for each in found.understood.specialties}


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(Question(name="quraishi", near="Boston, MA", within_km=20), id="too-far"),
        pytest.param(Question(name="quraishi", language="Korean"), id="another-language"),
        pytest.param(Question(name="quraishi", age=AgeGroup.INFANT), id="another-age"),
        pytest.param(Question(name="quraishi", specialties=("2084P0800X",)), id="another-specialty"),
    ],
)
def test_what_does_not_match_is_not_found(people: People, zainab: Client, question: Question) -> None:
    assert zainab.practitioner not in ids(finds(people.physician, question))


def test_whoever_hides_is_found_by_their_own_organization_alone(
    embedded: EmbeddedWorld, people: People, zainab: Client
) -> None:
    question = Question(name="Zainab Quraishi")
    colleague = embedded.another(people.practices[1], "Dr. Omar Colleague")
    zainab.own_listing.edit({"hidden": True})
    try:
        assert zainab.practitioner not in ids(finds(people.physician, question))
        assert people.physician.colleagues.find("Zainab Quraishi") == []
        assert zainab.practitioner in ids(finds(colleague, question))
        assert (
            people.physician.colleagues.person(zainab.practitioner).status == "active"
        )  # who knows the id still writes
    finally:
        zainab.own_listing.edit({"hidden": False})
    assert zainab.practitioner in ids(finds(people.physician, question))


def test_an_entry_is_its_owners_and_their_administrators(people: People, zainab: Client) -> None:
    assert people.practices[1].office.own_listing.confirm(zainab.practitioner).practitioner == zainab.practitioner
    for person in (people.physician, people.practices[0].office, people.psychologist):
        for act in (person.own_listing.show, person.own_listing.confirm):
            assert refusal(lambda act=act: act(zainab.practitioner)).status in {403, 404}  # type: ignore[misc]
        assert refusal(lambda person=person: person.own_listing.edit({"city": "X"}, zainab.practitioner)).status in {  # type: ignore[misc]
            403,
            404,
        }
    assert zainab.own_listing.show().city == "Springfield"


def test_whoever_is_not_enrolled_is_found_after_them_and_cannot_be_written_to(
    people: People, zainab: Client, imported: str
) -> None:
    found = finds(people.physician, Question(name="zainab quraishi", near="01103")).listings
    assert [each.practitioner for each in found if "QURESHI" in each.name.upper()] == [None]
    assert [each.practitioner for each in found[:2]] == [zainab.practitioner, None]
    [other] = finds(people.physician, Question(text=imported)).listings
    assert (other.npi, other.enrolled, other.role, other.status) == (imported, False, None, None)
    assert zainab.practitioner in ids(finds(people.physician, Question(name="zainab quraishy", enrolled=True)))
    assert None not in ids(finds(people.physician, Question(name="zainab quraishy", enrolled=True)))


def test_whoever_is_enrolled_is_found_once(people: People, zainab: Client, imported: str) -> None:
    """The public record with their number gives way to their own entry."""
    number = zainab.whoami().npi
    assert ids(finds(people.physician, Question(npi=number))) == [zainab.practitioner]


@pytest.mark.parametrize("path", ["/listings?q=quraishi", "/listings?npi=1679576722", "/practitioners/{}/listing"])
def test_a_stranger_finds_nobody(stranger: httpx.Client, zainab: Client, path: str) -> None:
    answer = stranger.get("/directory/v1" + path.format(zainab.practitioner))
    assert answer.status_code == 401
    assert "uraishi" not in answer.text


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        pytest.param({"q": "x" * 10_000}, "q", id="ten-thousand-characters"),
        pytest.param({"name": "x" * 10_000}, "name", id="ten-thousand-in-the-name"),
        pytest.param({"q": "1679576723"}, "q", id="a-wrong-check-digit"),
        pytest.param({"npi": "1679576723"}, "npi", id="a-wrong-number"),
        pytest.param({"near": "Nowhere at all, ZZ"}, "near", id="no-such-town"),
        pytest.param({"near": "Springfield"}, "near", id="a-town-of-many-states"),
        pytest.param({"age": "teenager"}, "age", id="no-such-age"),
    ],
)
def test_a_question_that_means_nothing_is_refused_by_its_member(
    people: People, asked: dict[str, str], field: str
) -> None:
    refused = refusal(lambda: people.physician.transport.json("GET", "/directory/v1/listings", params=asked))
    assert (refused.status, refused.type) == (422, "invalid-field")
    assert refused.members["field"].startswith(field)
    assert "xxx" not in refused.message


def test_nobody_is_asked_for_at_large(people: People) -> None:
    refused = refusal(lambda: people.physician.transport.json("GET", "/directory/v1/listings"))
    assert refused.status == 422


def test_nobody_comes_in_under_a_name_that_passes_for_a_colleagues(people: People) -> None:
    """The directory's other half of it: what a search shows is what it looks like."""
    office = people.practices[0].office
    mixed = refusal(lambda: office.administration.invite("Dr. Nооr Haddad", Checked.KNOWN_IN_PERSON))
    assert (mixed.status, mixed.members["field"]) == (422, "name")
    alike = refusal(lambda: office.administration.invite("Dr. N0or Haddad", Checked.KNOWN_IN_PERSON))
    assert (alike.type, alike.members["practitioner"]) == ("name-looks-alike", str(people.psychologist.practitioner))
    assert "--look-alike" in alike.hint
    assert office.administration.invite("Dr. Nóor Haddad", Checked.KNOWN_IN_PERSON, look_alike=True).code
