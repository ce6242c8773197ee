"""The whole story at the command line, with the real programs: `concord` and `concord-server local`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from concord.labels import propose

from tests.deployment import wait_for
from tests.journeys.canary import files_below, findings
from tests.journeys.terminal import PATIENT, Services, Terminal, options
from tests.people import EFFECTIVE_SECONDS, until_effective, until_known

PHOTO_ID = "in-person-photo-id"
SUMMARY = Path(__file__).parents[2] / "demo" / "patient" / "summary.json"
FORM = f"I, {PATIENT}, allow this exchange.\n"
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Practice:
    """Services, an office, and two clinicians who are enrolled at their terminals."""

    services: Services
    office: Terminal
    physician: Terminal
    psychologist: Terminal
    ids: dict[str, str]

    def consent(self, **changed: Any) -> str:
        """A consent in force from the physician to the psychologist, both ways."""
        draft = str(self.physician.json(*self.create(**changed), typed=FORM)["id"])
        self.physician.json("consent", "accept", draft)
        effective(self.physician, draft)
        return draft

    def create(self, **changed: Any) -> list[str]:
        """The command that drafts it; the form comes from standard input."""
        today = datetime.now(UTC).date()
        usual = {
            "patient": "blue-heron",
            "to": f"practitioner:{self.ids['psychologist']}",
            "information": "coordination,diagnoses,medications",
            "form": "-",
            "signed_on": today.isoformat(),
            "copy_given": True,
            "until": (today + timedelta(days=30)).isoformat(),
            "mutual": True,
        }
        return ["consent", "create", *options(**(usual | changed))]

    def send(self, consent: str, text: str) -> str:
        """A letter from the physician, from standard input."""
        words = options(consent=consent, information="coordination")
        return str(self.physician.json("send", "-", *words, typed=text)["letter"])


def effective(person: Terminal, consent: str) -> None:
    """Wait until the last change of a consent holds everywhere."""
    until_effective(lambda: person.json("consent", "show", consent)["versions"][-1]["effective_at"])


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """Invited and enrolled with the commands alone."""
    folder = tmp_path_factory.mktemp("command-line")
    with Services(folder) as services:
        organization = services.operator("add-organization", "Riverside")["organization"]
        words = options(organization=organization, name="Office", checked="known-in-person")
        office = Terminal(folder, "office")
        office.enroll(services.operator("invite-administrator", *words)["code"])
        ids: dict[str, str] = {}
        people: dict[str, Terminal] = {}
        for name, npi in (("physician", "1245319599"), ("psychologist", "1679576722")):
            invitation = office.json("admin", "invite", *options(name=f"Dr. {name.title()}", npi=npi, checked=PHOTO_ID))
            people[name] = Terminal(folder, name)
            ids[name] = people[name].enroll(invitation["code"])["id"]
        people["physician"].says("patient", "add", "blue-heron", typed=PATIENT + "\n")
        until_known(services.rows)
        yield Practice(services, office, people["physician"], people["psychologist"], ids)


def test_the_story_as_it_is_typed(practice: Practice, tmp_path: Path) -> None:
    """Drafted, accepted, sent, listed, opened, exported, answered, revoked; the account tells of all of it."""
    physician, psychologist = practice.physician, practice.psychologist
    found = propose(SUMMARY, "application/fhir+json")
    covering = {
        "information": ",".join(sorted({"coordination", *found.information})),
        "sensitivity": ",".join(sorted({"general", *found.sensitivity})),
    }
    draft = physician.json(*practice.create(**covering), typed=FORM)
    consent = draft["id"]
    assert draft["versions"][0]["status"] == "draft"
    assert "active" in physician.says("consent", "accept", consent)
    assert psychologist.run("consent", "form", consent, "-o", "-")[0].decode() == FORM
    psychologist.says("consent", "accept", consent)
    effective(psychologist, consent)

    few = options(consent=consent, information="diagnoses,medications")
    assert "found substance-use at Bundle.entry" in physician.refused("send", str(SUMMARY), *few)
    labels = options(consent=consent, **covering)
    assert "Released to Dr. Psychologist" in physician.says("send", str(SUMMARY), *labels)
    letter = psychologist.json("inbox")[-1]["letter"]
    opened = psychologist.says("open", letter)
    assert "From         Dr. Physician, Riverside" in opened
    assert f"Consent      {consent}, version 1, for treatment" in opened
    chart = tmp_path / "chart.json"
    assert psychologist.json("open", letter, "-o", str(chart))["verified"] is True
    assert chart.read_bytes() == SUMMARY.read_bytes()
    assert chart.stat().st_mode & 0o077 == 0
    assert psychologist.run("open", letter, "-o", "-")[0] == SUMMARY.read_bytes()

    words = options(consent=consent, information="coordination", reply_to=letter)
    reply = psychologist.json("send", "-", *words, typed="Thank you.")["letter"]
    assert "Thank you." in physician.says("open", reply)
    (receipt,) = physician.json("receipts", "--letter", letter)
    assert (receipt["state"], receipt["receipt"]) == ("released", "verified")
    assert letter in physician.says("receipts")

    unopened = practice.send(consent, "A medication was changed.")
    assert "Revoked. In effect everywhere" in psychologist.says("consent", "revoke", consent)
    document = options(consent=consent, information="coordination")
    assert "consent was revoked" in physician.refused("send", "-", *document, typed="More.")
    assert "consent was revoked" in psychologist.refused("open", unopened)
    assert "revoked" in physician.says("consent", "show", consent)

    def told() -> set[str]:
        """The account follows what happened within moments."""
        return {line["event"] for line in physician.json("consent", "disclosures", consent)}

    wait_for(lambda: told() >= {"released", "handed-out", "opened"}, EFFECTIVE_SECONDS, "the account to tell of it")


def test_every_listing_parses_as_json(practice: Practice) -> None:
    consent = practice.consent()
    practice.send(consent, "A note.")
    physician = practice.physician
    me = physician.json("whoami")
    assert me["id"] == practice.ids["physician"]
    assert [each["name"] for each in physician.json("directory", "find", "Psychologist")] == ["Dr. Psychologist"]
    assert [each["npi"] for each in physician.json("directory", "find", "1679576722")] == ["1679576722"]
    shown = physician.json("directory", "show", practice.ids["psychologist"])
    assert shown["fingerprint"] == practice.psychologist.json("whoami")["fingerprint"]
    trusted = physician.json("directory", "trust", shown["id"], "--fingerprint", shown["fingerprint"])
    assert trusted["trusted"] is True
    assert physician.json("patient", "list")[0]["name"] == PATIENT
    assert consent in [each["id"] for each in physician.json("consent", "list", "--patient", "blue-heron")]
    assert physician.json("consent", "show", consent)["versions"][0]["status"] == "active"
    assert isinstance(physician.json("consent", "disclosures", consent), list)
    assert physician.json("receipts")[-1]["state"] == "released"
    assert practice.psychologist.json("inbox", "--wait", "1")[-1]["opened"] == "no"
    assert all(each["result"] == "ok" for each in physician.json("doctor"))
    assert physician.json("consent", "revoke", consent)["effective_at"]
    output, errors = physician.run("open", NOBODY, "--json", status=1)
    assert output == b""
    assert json.loads(errors).keys() >= {"error", "hint", "type"}


def test_an_administrator_suspends_and_reinstates(practice: Practice) -> None:
    consent = practice.consent()
    person = practice.ids["psychologist"]
    # The answer does not wait until it holds everywhere for as long as a busy machine takes, and says so.
    until_effective(lambda: practice.office.json("admin", "suspend", person)["effective_at"])
    assert practice.office.json("admin", "suspend", person)["status"] == "suspended"
    words = options(consent=consent, information="coordination", to=person)
    assert "suspended" in practice.physician.refused("send", "-", *words, typed="For nobody.")
    practice.psychologist.refused("whoami")
    practice.office.says("admin", "reinstate", person)
    assert practice.psychologist.json("whoami")["status"] == "active"
    practice.physician.refused("admin", "suspend", person)
    wait_for(lambda: _goes(practice, consent), EFFECTIVE_SECONDS, "a letter to who is reinstated to be released")


def _goes(practice: Practice, consent: str) -> bool:
    """A reinstatement is not waited for: it holds within moments, and until then the letter is refused."""
    try:
        letter = practice.send(consent, "Welcome back.")
    except AssertionError:  # the command failed
        return False
    (line,) = practice.physician.json("receipts", "--letter", letter)
    return bool(line["state"] == "released")


def test_an_invitation_goes_to_a_file_that_only_its_owner_reads_and_is_used_once(
    practice: Practice, tmp_path: Path
) -> None:
    invitation = tmp_path / "invitation"
    words = options(name="Dr. Later", npi="1000000012", checked=PHOTO_ID, output=str(invitation))
    told = practice.office.run("admin", "invite", *words)[0].decode()
    assert "concord-invitation:" not in told
    assert invitation.stat().st_mode & 0o077 == 0
    Terminal(tmp_path, "later").says("enroll", "--invitation", str(invitation))
    second = Terminal(tmp_path, "second").refused("enroll", "--invitation", "-", typed=invitation.read_text())
    assert "invitation" in second


def test_what_goes_wrong_is_told_with_a_way_out(practice: Practice, tmp_path: Path) -> None:
    physician = practice.physician
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase\n")
    assert "does not open the keyring" in physician.refused("whoami", CONCORD_PASSPHRASE_FILE=str(wrong))
    assert "passphrase is needed" in physician.refused("whoami", CONCORD_PASSPHRASE_FILE="")
    assert "nobody is enrolled" in Terminal(tmp_path, "nobody").refused("inbox")
    assert "already" in physician.refused("enroll", "--invitation", "-", typed="concord-invitation:x")
    assert "invitation" in Terminal(tmp_path, "late").refused("enroll", "--invitation", "-", typed="not one")
    physician.refused("open", NOBODY)
    physician.refused("consent", "show", NOBODY)
    physician.refused("patient", "add", "blue-heron", typed="Somebody Else\n")
    document = options(consent=NOBODY, information="coordination")
    physician.refused("send", str(tmp_path / "missing.pdf"), *document)
    (tmp_path / "bad.json").write_text('{"resourceType": "Bundle"')
    physician.refused("send", str(tmp_path / "bad.json"), *document)
    for wrong_command in (
        ("send", "-", *options(consent=NOBODY, information="gossip")),
        ("open", "not-an-id"),
        ("consent", "accept"),
        ("no-such-command",),
    ):
        _, told = physician.run(*wrong_command, typed="x", status=2)
        assert told.startswith("error: ")
        assert "hint: See concord" in told


def test_a_patients_name_is_no_argument(practice: Practice) -> None:
    """Neither a second argument nor an option takes one: argument lists are read by everyone on a machine."""
    practice.physician.run("patient", "add", "red-kite", "A Name", status=2)
    practice.physician.run("patient", "add", "red-kite", "--name", "A Name", status=2)


def test_services_that_are_not_there_are_named(practice: Practice, tmp_path: Path) -> None:
    """A home that was enrolled elsewhere: `doctor` says which service does not answer, and exits 1."""
    settings = practice.physician.home / "settings.json"
    before = settings.read_text()
    settings.write_text(before.replace(str(practice.services.port), "9"))
    try:
        told, _ = practice.physician.run("doctor", status=1)
        assert "does not answer" in told.decode()
        assert "does not answer" in practice.physician.refused("inbox")
    finally:
        settings.write_text(before)


def test_nothing_of_the_patient_is_in_what_the_services_keep(practice: Practice) -> None:
    """The folder and the log of `concord-server local`, and each home folder of the people."""
    practice.send(practice.consent(), f"About {PATIENT}.")
    places = [*files_below(practice.services.data), ("log", practice.services.log.read_bytes())]
    for person in (practice.physician, practice.psychologist):
        places += files_below(person.home)
    assert findings([PATIENT, "Armendáriz"], places) == []
