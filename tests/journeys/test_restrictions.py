"""What a patient asked to withhold, from the clinician's word to the gate, and why a letter would go or not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from concord.api import Consent, Party
from concord.api.restrictions import Explanation
from concord.cli import session
from concord.cli.app import app
from concord.client import Client
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from typer.testing import CliRunner, Result

from tests.journeys.world import World, refusal
from tests.people import PASSPHRASE, People, active_consent, delivered, note, released, send_note, until_effective

GENERAL = frozenset({Sensitivity.GENERAL})
Command = Callable[..., Result]


@pytest.fixture
def command(world: World, people: People, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Types a command as the physician, in this process."""

    class Unlocked:
        @staticmethod
        def unlock(profile: Any, passphrase: str) -> Client:
            return Client.unlock(profile, passphrase, transport=world.transport())

    monkeypatch.setattr(session, "Client", Unlocked)
    passphrase = world.folder / "passphrase"
    passphrase.write_text(PASSPHRASE)
    where = ["--home", str(people.physician.profile.home), "--passphrase-file", str(passphrase)]

    def run(*words: str, status: int = 0) -> Result:
        done = CliRunner().invoke(app, [*words, *where])
        assert done.exit_code == status, (done.output, done.exception)
        return done

    return run


def explain(people: People, patient: str, kind: Information = Information.COORDINATION) -> Explanation:
    """What the physician is told of a letter to the psychologist."""
    to = people.psychologist.practitioner
    return people.physician.restrictions.explain(patient, to, Purpose.TREATMENT, frozenset({kind}), GENERAL)


def withhold(people: People, consent: Consent, *kinds: Information, recipient: Party | None = None) -> UUID:
    """The physician's practice agrees to withhold something; in effect everywhere when this returns."""
    verbs, today = people.physician.restrictions, datetime.now(UTC).date()
    asked = verbs.asked(consent.patient, today, recipient=recipient, information=list(kinds))
    made = verbs.agree(asked)
    assert made.effective_at is not None
    return made.id


def test_what_is_withheld_goes_nowhere_until_the_patient_says_so(people: People) -> None:
    consent = active_consent(people)
    assert explain(people, consent.patient).permit
    restriction = withhold(people, consent, Information.COORDINATION)
    told = explain(people, consent.patient)
    assert (told.permit, told.restriction) == (False, True)
    assert [each.dimension for each in told.reasons[0].missing] == ["restriction"]
    refused = refusal(lambda: send_note(people, consent.id))
    assert (refused.type, refused.status) == ("restricted", 403)
    medications = note(consent.id, information=frozenset({Information.MEDICATIONS}))
    assert delivered(people.physician, medications)
    end = people.physician.restrictions.end
    until_effective(lambda: end(restriction, "patient-agreed").effective_at)
    assert explain(people, consent.patient).permit
    assert released(people, consent.id)


def test_a_letter_on_its_way_is_stopped_and_its_recipient_is_not_told_what_for(people: People) -> None:
    consent = active_consent(people)
    letter = released(people, consent.id).letter
    withhold(people, consent)
    refused = refusal(lambda: people.psychologist.letters.open(letter, io.BytesIO()))
    assert refused.type == "no-active-consent"
    assert not list(people.psychologist.restrictions.list(consent.patient))
    theirs = people.psychologist.restrictions.explain(
        consent.patient, people.physician.practitioner, Purpose.TREATMENT, frozenset({Information.DIAGNOSES}), GENERAL
    )
    assert not theirs.restriction


def test_what_the_explanation_permits_the_gate_lets_pass_and_nothing_else(people: People) -> None:
    consent = active_consent(people)
    withhold(people, consent, Information.MEDICATIONS)
    for kind in (Information.COORDINATION, Information.MEDICATIONS, Information.ALLERGIES):
        draft = note(consent.id, information=frozenset({kind}))
        if explain(people, consent.patient, kind).permit:
            assert delivered(people.physician, draft)
        else:
            assert refusal(lambda d=draft: people.physician.letters.send(d)).status == 403  # type: ignore[misc]


def test_to_a_colleague_who_is_no_party_the_patient_is_unknown(people: People, world: World) -> None:
    consent = active_consent(people)
    stranger = world.another(people.practices[0], "Dr. Quentin Rowe")
    asked = people.psychologist.practitioner, Purpose.TREATMENT, frozenset({Information.COORDINATION}), GENERAL
    known = stranger.restrictions.explain(consent.patient, *asked)
    assert known == stranger.restrictions.explain("pt_" + "z" * 26, *asked)
    assert (known.decision, known.reasons) == ("refuse", [])


def test_the_commands(people: People, command: Command) -> None:
    consent = active_consent(people)
    patient, to = consent.patient, str(people.psychologist.practitioner)
    asking = ["--patient", patient, "--to", to, "--information", "coordination"]
    assert "Permit.\nCovered by consent" in command("consent", "explain", *asking).stdout
    labels = ["--information", "coordination", "--from", f"practitioner:{to}"]
    made = json.loads(command("restriction", "agree", "--patient", patient, *labels, "--json").stdout)
    refused = command("consent", "explain", *asking).stdout
    assert refused.startswith("Refuse.")
    assert "restriction: withheld (45 CFR 164.522(a)(1)(iii); 42 CFR 2.26)" in refused
    assert json.loads(command("consent", "explain", *asking, "--json").stdout)["decision"] == "refuse"
    assert made["id"] in command("restriction", "list", "--patient", patient).stdout
    ended = command("restriction", "end", made["id"], "--how", "patient-requested").stdout
    assert ended.startswith("Ended.")
    assert "Nothing is withheld" in command("restriction", "refuse", "--patient", patient, "--everything").stdout
    listed = json.loads(command("restriction", "list", "--patient", patient, "--json").stdout)
    assert {each["status"] for each in listed} == {"ended", "declined-by-provider"}


def test_a_patient_who_declined_is_remembered_where_a_consent_is_drafted(people: People, command: Command) -> None:
    patient = active_consent(people).patient
    organization = f"organization:{people.psychologist.colleagues.organization}"
    recorded = command("consent", "decline", "--patient", patient, "--with", organization, "--json").stdout
    made = json.loads(recorded)
    assert made["with"] == {"kind": PartyKind.ORGANIZATION, "id": organization.partition(":")[2]}
    drafting = ["consent", "create", "--patient", patient, "--to", organization, "--information", "diagnoses"]
    drafting += ["--until", "2028-01-01", "--json"]
    done = command(*drafting)
    assert "declined coordination with Harbor" in " ".join(done.stderr.split())
    asking = ["--patient", patient, "--to", str(people.psychologist.practitioner), "--information", "coordination"]
    assert "the patient declined this" in command("consent", "explain", *asking).stdout
    assert "Withdrawn" in command("consent", "decline-withdraw", made["id"]).stdout
    assert "declined coordination" not in command(*drafting).stderr
    assert made["id"] in command("consent", "declined", "--patient", patient).stdout


@pytest.mark.parametrize("labels", [[], ["--everything", "--information", "diagnoses"]])
def test_what_withholds_everything_is_said_in_so_many_words(command: Command, labels: list[str]) -> None:
    done = command("restriction", "agree", "--patient", "pt_" + "a" * 26, *labels, status=2)
    assert "--everything" in done.stderr
