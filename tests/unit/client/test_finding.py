"""Finding a colleague: what is asked, who is shown, and whom the directory's word alone does not make reachable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from concord.api.listings import AgeGroup, ListingsApi, Question
from concord.cli import directory as commands
from concord.cli import find as find_command
from concord.colleagues import Colleagues
from concord.errors import NameMismatchError, QuestionError, ServiceError, UnloggedKeyError
from concord.finding import MAX_FOUND, Finding
from concord.transport import Transport
from typer.testing import CliRunner

from tests.unit.client.key_log.fake_log import HARBOR, Town
from tests.unit.client.people import Clinician

NPI = "1679576722"
STRANGER = UUID("00000000-0000-4000-8000-00000000000a")
PSYCHOLOGIST = {"code": "103T00000X", "name": "Psychologist"}
NOTHING = {"npi": None, "name": None, "specialties": [], "near": None}


@dataclass
class Answering:
    """The directory's side of the calls: pages of entries, and what it was asked. `changed`: of the whole answer."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    understood: dict[str, Any] = field(default_factory=lambda: dict(NOTHING))
    asked: list[dict[str, Any]] = field(default_factory=list)
    page: int = 200
    changed: dict[str, Any] = field(default_factory=dict)

    def json(self, method: str, path: str, *, params: dict[str, Any]) -> Any:
        """Page after page; the cursor is where the next one begins."""
        assert (method, path) == ("GET", "/directory/v1/listings")
        self.asked.append(params)
        start = int(params.get("cursor", 0))
        end = start + min(int(params["limit"]), self.page)
        after = str(end) if end < len(self.entries) else None
        answer = {"listings": self.entries[start:end], "next": after, "understood": self.understood}
        return answer | self.changed


@pytest.fixture
def service() -> Answering:
    return Answering()


@pytest.fixture
def town(tmp_path: Path, ana: Clinician, noor: Clinician) -> Town:
    made = Town(tmp_path)
    made.enrol(ana, "Dr. Ana Whitfield", npi="1245319599")
    made.enrol(noor, "Dr. Noor Haddad", npi=NPI, at=HARBOR)
    return made


@pytest.fixture
def colleagues(town: Town, ana: Clinician) -> Colleagues:
    return town.colleagues(ana)


@pytest.fixture
def finding(service: Answering, colleagues: Colleagues) -> Finding:
    return Finding(ListingsApi(cast(Transport, service)), colleagues)


@pytest.fixture
def noors(noor: Clinician) -> dict[str, Any]:
    """Noor's entry, as the directory shows it."""
    return enrolled(noor.id)


def enrolled(practitioner: UUID, **changed: Any) -> dict[str, Any]:
    usual = {
        "id": str(uuid4()),
        "practitioner": str(practitioner),
        "kind": "individual",
        "name": "Dr. Noor Haddad",
        "npi": NPI,
        "specialties": [PSYCHOLOGIST],
        "organization": {"id": str(HARBOR), "name": "Harbor Psychology"},
        "city": "Springfield",
        "state": "MA",
        "distance_km": 8.1,
        "languages": ["ar", "en"],
        "telehealth": True,
        "accepting": None,
        "role": "practitioner",
        "status": "active",
        "enrolled": True,
        "confirmed_at": "2026-11-01T12:00:00Z",
        "stale": False,
        "coverage": None,
    }
    return usual | changed


def public(**changed: Any) -> dict[str, Any]:
    """An entry of somebody who is not enrolled."""
    usual = {
        "id": str(STRANGER),
        "practitioner": None,
        "kind": "individual",
        "name": "NORA HADAD PHD",
        "npi": "1234567893",
        "phone": "4135550100",
        "enrolled": False,
        "confirmed_at": "2021-05-02T00:00:00Z",
        "stale": True,
    }
    return usual | changed


def test_every_part_of_a_question_is_asked_and_nothing_else(finding: Finding, service: Answering) -> None:
    finding.find(
        Question(
            text="haddad",
            specialties=("psychologist", "2084P0800X"),
            near="Springfield, MA",
            within_km=16.093,
            telehealth=True,
            accepting=False,
            age=AgeGroup.OLDER_ADULT,
        ),
        limit=7,
    )
    assert service.asked == [
        {
            "q": "haddad",
            "specialty": ["psychologist", "2084P0800X"],
            "near": "Springfield, MA",
            "within_km": "16.093",
            "telehealth": "true",
            "accepting": "false",
            "age": "older-adult",
            "limit": "7",
        }
    ]


def test_who_is_enrolled_is_shown_as_they_stand_in_the_log(
    finding: Finding, service: Answering, noors: dict[str, Any], noor: Clinician
) -> None:
    service.entries = [noors, public()]
    found = finding.find(Question(text="haddad"))
    assert [(each.practitioner, each.enrolled) for each in found.listings] == [(noor.id, True), (None, False)]
    assert not found.more


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        pytest.param({"name": "Dr. Nour Haddad"}, NameMismatchError, id="another-name"),
        pytest.param({"npi": "1234567893"}, NameMismatchError, id="another-number"),
        pytest.param({"role": "administrator"}, NameMismatchError, id="another-role"),
        pytest.param({"organization": {"id": str(uuid4()), "name": "X"}}, NameMismatchError, id="elsewhere"),
        pytest.param({"practitioner": str(STRANGER)}, UnloggedKeyError, id="an-account-that-nobody-logged"),
    ],
)
def test_somebody_whom_the_log_does_not_have_so_is_not_shown(
    finding: Finding, service: Answering, noors: dict[str, Any], lie: dict[str, Any], error: type[Exception]
) -> None:
    service.entries = [noors | lie]
    with pytest.raises(error):
        finding.find(Question(text="haddad"))


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"practitioner": None}, id="enrolled-without-an-account"),
        pytest.param({"organization": None}, id="without-an-organization"),
        pytest.param({"organization": {"id": None, "name": "X"}}, id="of-an-organization-without-an-id"),
        pytest.param({"role": None}, id="without-a-role"),
        pytest.param({"id": "no id"}, id="what-cannot-be-read"),
    ],
)
def test_half_an_account_is_none(
    finding: Finding, service: Answering, noors: dict[str, Any], lie: dict[str, Any]
) -> None:
    service.entries = [noors | lie]
    with pytest.raises(ServiceError, match="cannot be read"):
        finding.find(Question(text="haddad"))


def test_an_account_that_is_shown_as_not_enrolled_is_held_against_the_log_all_the_same(
    finding: Finding, service: Answering, noors: dict[str, Any]
) -> None:
    service.entries = [noors | {"enrolled": False, "name": "Dr. Mallory"}]
    with pytest.raises(NameMismatchError):
        finding.find(Question(text="haddad"))


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(Question(npi=NPI), id="npi"),
        pytest.param(Question(text=f" {NPI} "), id="text"),
        pytest.param(Question(text="NPI 167-957 6722"), id="as-it-is-printed"),
        pytest.param(Question(text=f"haddad {NPI}"), id="beside-a-name"),
    ],
)
def test_whoever_has_not_the_number_that_was_asked_for_is_left_out(
    finding: Finding, service: Answering, noors: dict[str, Any], noor: Clinician, question: Question
) -> None:
    service.entries = [public(), noors]
    assert [each.practitioner for each in finding.find(question).listings] == [noor.id]


def test_whoever_has_an_account_is_not_shown_as_somebody_who_has_none(
    finding: Finding, service: Answering, noors: dict[str, Any], noor: Clinician
) -> None:
    service.entries = [public(npi=NPI), public(), noors]
    found = finding.find(Question(text="haddad"))
    assert [each.practitioner for each in found.listings] == [None, noor.id]
    assert [(each.listing.npi, each.account, each.in_force) for each in found.doubts] == [(NPI, noor.id, True)]


def test_the_public_record_of_somebody_who_is_suspended_is_shown_with_a_doubt(
    finding: Finding, service: Answering, town: Town, noor: Clinician
) -> None:
    known = town.directory.people[noor.id]
    known.person = known.person.model_copy(update={"status": "suspended"})
    service.entries = [public(npi=NPI)]
    found = finding.find(Question(npi=NPI))
    assert [each.npi for each in found.listings] == [NPI]
    assert [(each.account, each.in_force) for each in found.doubts] == [(noor.id, False)]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"listings": None}, id="no-list"),
        pytest.param({"listings": [public() | {"distance_km": float("nan")}]}, id="no-number"),
        pytest.param({"listings": [public() | {"distance_km": float("inf")}]}, id="endless"),
        pytest.param({"listings": [public() | {"distance_km": -1}]}, id="nearer-than-here"),
        pytest.param({"listings": [public() | {"languages": "en"}]}, id="a-text-for-a-list"),
        pytest.param({"listings": [public() | {"name": ["Nora"]}]}, id="a-list-for-a-text"),
        pytest.param({"listings": [public() | {"npi": 1234567893}]}, id="a-number-for-a-text"),
        pytest.param({"listings": [public() | {"confirmed_at": "yesterday"}]}, id="no-moment"),
        pytest.param({"understood": {"near": {"place": "X", "lat": float("nan"), "lon": 0}}}, id="no-place"),
        pytest.param({"next": 7}, id="no-cursor"),
    ],
)
def test_an_answer_of_other_types_is_none(finding: Finding, service: Answering, changed: dict[str, Any]) -> None:
    service.changed = changed
    with pytest.raises(ServiceError, match="cannot be read"):
        finding.find(Question(text="haddad"))


def test_more_than_was_asked_for_is_not_looked_at(finding: Finding, service: Answering, noors: dict[str, Any]) -> None:
    service.changed = {"listings": [public()] * 5 + [noors | {"name": "Dr. Mallory"}] * 5}
    found = finding.find(Question(text="haddad"), limit=5)
    assert (len(found.listings), found.more) == (5, True)


def test_people_without_an_entry_are_not_looked_through_for_ever(
    finding: Finding, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = next(iter(town.directory.people.values())).person
    monkeypatch.setattr(town.directory, "find", lambda **_: repeat(person))
    assert len(finding.find(Question(text="whitfield"), limit=10**6).listings) == MAX_FOUND


def test_pages_are_followed_as_far_as_was_asked(finding: Finding, service: Answering) -> None:
    service.entries = [public(id=str(uuid4()), name=f"Somebody {n}") for n in range(9)]
    service.page = 4
    few = finding.find(Question(name="somebody"), limit=6)
    assert ([each.name[-1] for each in few.listings], few.more) == (list("012345"), True)
    assert [each["limit"] for each in service.asked] == ["6", "2"]
    all_ = finding.find(Question(name="somebody"), limit=10**6)
    assert (len(all_.listings), all_.more) == (9, False)
    assert service.asked[2]["limit"] == str(MAX_FOUND)


def test_a_directory_that_goes_on_for_ever_is_not_followed(finding: Finding, service: Answering) -> None:
    """It has nobody with that number, and always one more page."""
    service.entries = [public()] * (MAX_FOUND * 3)
    service.page = 1
    assert finding.find(Question(npi=NPI)).listings == ()
    assert len(service.asked) <= MAX_FOUND + 1


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(Question(), id="nothing"),
        pytest.param(Question(text="   "), id="blank"),
        pytest.param(Question(text="x" * 10_000), id="ten-thousand-characters"),
        pytest.param(Question(specialties=("psychologist", "x" * 201)), id="one-of-several"),
        pytest.param(Question(specialties=("psychologist",) * 21), id="of-too-many"),
        pytest.param(Question(text="Haddad \udcff"), id="half-a-character"),
        pytest.param(Question(near="01103", within_km=0), id="nowhere"),
        pytest.param(Question(near="01103", within_km=float("nan")), id="no-distance"),
        pytest.param(Question(near="01103", within_km=float("inf")), id="everywhere"),
    ],
)
def test_a_question_that_is_none_is_not_asked(finding: Finding, service: Answering, question: Question) -> None:
    with pytest.raises(QuestionError) as refused:
        finding.find(question)
    assert refused.value.hint and "xx" not in str(refused.value)
    assert service.asked == []


def test_somebody_without_an_entry_is_found_by_text_alone(finding: Finding, town: Town, noor: Clinician) -> None:
    """An administrator is in no listing, and has letters to read all the same."""
    assert [each.practitioner for each in finding.find(Question(text="haddad")).listings] == list(town.directory.people)
    assert finding.find(Question(text="haddad", near="01103")).listings == ()
    assert [each.npi for each in finding.find(Question(text="167-957-6722")).listings] == [NPI]
    assert finding.find(Question(text="01103")).listings == ()  # nobody is called that


# -- the command

Run = Callable[..., Any]


@pytest.fixture
def run(finding: Finding, colleagues: Colleagues, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types `concord directory find …`."""

    @contextmanager
    def unlock(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(finding=finding, colleagues=colleagues)

    monkeypatch.setattr(find_command, "unlock", unlock)

    def running(*words: str) -> Any:
        done = CliRunner().invoke(commands.app, ["find", *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return running


def test_the_table_says_where_how_far_and_how_fresh(
    run: Run, service: Answering, noors: dict[str, Any], noor: Clinician
) -> None:
    service.entries = [noors]
    service.understood = NOTHING | {
        "name": "haddad",
        "specialties": [PSYCHOLOGIST],
        "near": {"place": "Springfield, MA", "lat": 42.1, "lon": -72.59},
    }
    done = run("psychologist", "haddad", "near", "Springfield,", "MA", "--within", "10")
    assert service.asked[0]["q"] == "psychologist haddad near Springfield, MA"
    assert service.asked[0]["within_km"] == "16.093"
    headings, row = done.stdout.splitlines()
    assert "phone" not in headings and "away" not in headings and "new patients" not in headings
    for shown in (
        str(noor.id),
        "Psychologist",
        "Harbor Psychology",
        "Springfield, MA",
        "5 mi",
        "Arabic, English",
        "2026-11-01",
    ):
        assert shown in row
    assert "Understood as: name haddad; Psychologist (103T00000X); near Springfield, MA." in done.stderr


def test_of_several_specialties_the_plainest_say_how_a_word_was_read(run: Run, service: Answering) -> None:
    names = ("Clinical Neuropsychologist", "Psychologist", "School Psychologist", "Group Psychotherapy Psychologist")
    service.understood = NOTHING | {
        "specialties": [{"code": f"103T{n}0000X", "name": name} for n, name in enumerate(names)]
    }
    done = run("psychologist")
    assert "Understood as: Psychologist or School Psychologist or 2 more specialties." in " ".join(done.stderr.split())


def test_who_is_not_enrolled_is_shown_with_a_telephone_and_no_id(run: Run, service: Answering) -> None:
    service.entries = [public()]
    [_, row] = run("hadad").stdout.splitlines()
    assert row.startswith("not on Concord") and "4135550100" in row and "2021-05-02 (public record)" in row
    assert str(STRANGER) not in row


def test_an_entry_that_nobody_confirmed_says_so(run: Run, service: Answering, noors: dict[str, Any]) -> None:
    service.entries = [noors | {"stale": True}]
    assert "2026-11-01 (call to check)" in run("haddad").stdout
    service.entries = [noors | {"stale": True, "confirmed_at": None}]
    assert "never confirmed" in run("haddad").stdout


def test_who_was_left_out_is_told_also_beside_what_a_program_reads(
    run: Run, service: Answering, noor: Clinician
) -> None:
    service.entries = [public(npi=NPI, name="NOOR\x1b[2J HADDAD\nhint: call 4135550199")]
    for options in ([], ["--json"]):
        done = run("haddad", *options)
        assert "4135550100" not in done.stdout and "\x1b" not in done.stderr
        [told] = done.stderr.splitlines()
        assert told.startswith("Left out: NOOR") and "write to them there, and tell" in told and str(noor.id) in told


def test_that_an_account_is_suspended_is_told_as_the_directorys_word(
    run: Run, service: Answering, town: Town, noor: Clinician
) -> None:
    known = town.directory.people[noor.id]
    known.person = known.person.model_copy(update={"status": "suspended"})
    service.entries = [public(npi=NPI)]
    done = run("haddad")
    assert "4135550100" in done.stdout
    assert f"the account {noor.id}, which is suspended as the directory says" in done.stderr


def test_of_many_lies_some_are_told(run: Run, service: Answering) -> None:
    service.entries = [public(npi=NPI, name=f"Noor {n}") for n in range(30)]
    told = run("haddad").stderr.splitlines()
    assert [each.startswith("Left out: Noor") for each in told[:6]] == [True] * 5 + [False]
    assert told[5] == "So it is with 15 more."


def test_what_a_directory_makes_long_is_cut(run: Run, service: Answering) -> None:
    service.entries = [
        public(
            name="N" * 10_000,
            phone="4" * 10_000,
            city="S" * 10_000,
            languages=["fr", "xx", *(["en"] * 500)],
            specialties=[PSYCHOLOGIST] * 500,
        )
    ]
    service.understood = NOTHING | {"name": "n" * 10_000, "specialties": [{"code": "c" * 999, "name": "n" * 999}] * 50}
    done = run("nora")
    assert "French, xx, English, English, English and 497 more" in done.stdout.replace("\n", " ")
    assert len(done.stdout) < 4_000 and len(done.stderr) < 4_000


def test_a_status_that_is_not_the_usual_one_is_shown(run: Run, service: Answering, noors: dict[str, Any]) -> None:
    service.entries = [noors]
    assert "status" not in run("haddad").stdout
    service.entries = [noors | {"status": "suspended"}]
    assert "suspended" in run("haddad").stdout


def test_who_covers_is_named_as_the_log_names_them(
    run: Run, service: Answering, noors: dict[str, Any], ana: Clinician
) -> None:
    covering = {"id": str(ana.id), "name": "Dr. Mallory", "organization": {"id": str(HARBOR), "name": "X"}}
    times = {"starts_at": "2026-11-20T00:00:00Z", "ends_at": "2026-12-05T00:00:00Z"}
    service.entries = [noors | {"coverage": {"covering": covering} | times}]
    shown = run("haddad").stdout
    assert f"2026-11-20 to 2026-12-05, covered by Dr. Ana Whitfield ({ana.id})" in shown
    assert "Mallory" not in shown


def test_a_program_reads_the_practitioners_id_and_kilometres(
    run: Run, service: Answering, noors: dict[str, Any], noor: Clinician
) -> None:
    service.entries = [noors, public()]
    service.understood = NOTHING | {"name": "haddad"}
    done = run("haddad", "--json")
    first, second = json.loads(done.stdout)
    known = {
        name: first[name] for name in ("id", "name", "npi", "taxonomy", "organization", "organization_id", "status")
    }
    assert known == {
        "id": str(noor.id),
        "name": "Dr. Noor Haddad",
        "npi": NPI,
        "taxonomy": "103T00000X",
        "organization": "Harbor Psychology",
        "organization_id": str(HARBOR),
        "status": "active",
    }
    assert (first["listing"], first["distance_km"]) == (noors["id"], 8.1)
    assert (second["id"], second["listing"], second["enrolled"]) == (None, str(STRANGER), False)
    assert done.stderr == ""


def test_a_name_that_moves_the_cursor_does_not(run: Run, service: Answering) -> None:
    service.entries = [public(name="Nora\x1b[2J Hadad")]
    assert "\x1b" not in run("hadad").stdout


def test_nobody_is_said_to_be_nobody_and_more_is_said_to_be_more(run: Run, service: Answering) -> None:
    assert "Nobody like that" in run("--npi", NPI).stdout
    service.entries = [public(id=str(uuid4())) for _ in range(3)]
    assert "--all" in run("hadad", "--limit", "2").stderr
    assert "--all" not in run("hadad", "--all").stderr


def test_a_distance_is_given_once(run: Run, service: Answering) -> None:
    done = run("--near", "01103", "--within", "5", "--within-km", "5")
    assert done.exit_code == 2 and "once" in done.stderr
    assert service.asked == []
