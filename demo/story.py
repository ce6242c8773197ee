"""The story: a physician, a psychologist, a patient who consents and takes it back.

Owns the order of events and what each must come to. Refuses a hand-made record: the summary is a whole synthetic
patient's International Patient Summary (`demo/patient`), five megabytes of FHIR.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from concord.api import Party, Terms
from concord.client import Client
from concord.consents import Form
from concord.documents import describe
from concord.errors import ServiceError
from concord.letters import Draft, Sent
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity

from .stage import Stage

SUMMARY = Path(__file__).parent / "patient" / "summary.json"
FHIR = "application/fhir+json"
ALLOWED = (
    *(Information.REASON_FOR_REFERRAL, Information.DIAGNOSES, Information.MEDICAL_CONDITIONS, Information.MEDICATIONS),
    *(Information.ALLERGIES, Information.LAB_RESULTS, Information.TREATMENT_PLAN, Information.COORDINATION),
)
IN_THE_SUMMARY = frozenset(
    {Information.DIAGNOSES, Information.MEDICAL_CONDITIONS, Information.MEDICATIONS}
    | {Information.ALLERGIES, Information.LAB_RESULTS, Information.TREATMENT_PLAN}
)
GENERAL = frozenset({Sensitivity.GENERAL, Sensitivity.BEHAVIORAL_HEALTH})


class Telling(Protocol):
    """Where the story goes."""

    def step(self, text: str) -> None:
        """A new step."""

    def tell(self, text: str) -> None:
        """What happened in it."""

    def expect(self, came_out: bool, text: str) -> None:
        """What should have happened, with whether it did."""


class Story:
    """The story on one stage."""

    def __init__(self, stage: Stage, telling: Telling) -> None:
        self.stage = stage
        self.say = telling
        self.patient = _patient()

    def tell(self) -> None:
        """All of it."""
        self.enrol()
        consent = self.consent()
        summary = self.send_summary(consent)
        self.read_summary(summary)
        self.answer(consent, summary)
        self.refuse_what_is_not_covered(consent)
        self.revoke(consent)
        self.look_for_the_patient()

    def enrol(self) -> None:
        """Two practices, two people, keys made on their own devices."""
        self.say.step("Two practices and two clinicians enrol. Their keys are made on their own machines.")
        _, family_medicine = self.stage.organization("Riverside Family Medicine")
        _, psychology = self.stage.organization("Harbor Psychology")
        self.physician = self._invite(family_medicine, "Dr. Ana Whitfield", "1245319599", "207Q00000X")
        self.psychologist = self._invite(psychology, "Dr. Noor Haddad", "1679576722", "103T00000X")
        found = self.physician.colleagues.find("haddad")
        self.say.expect(
            [p.id for p in found] == [self.psychologist.practitioner], "Dr. Whitfield finds Dr. Haddad by name"
        )
        seen = self.physician.colleagues.fingerprint(self.psychologist.practitioner)
        own = self.psychologist.colleagues.fingerprint(self.psychologist.practitioner)
        self.say.tell(f"Dr. Haddad's fingerprint, as Dr. Whitfield sees it: {seen}")
        self.say.expect(seen == own, "read aloud on the phone, it is the same on both sides")

    def consent(self) -> UUID:
        """The patient signs; the form is sealed; the consent comes into force."""
        self.say.step(
            "The patient signs a consent. The form is sealed to both practices; the server keeps a token, no name."
        )
        name = self.patient["name"]
        entry = self.physician.address_book.add("blue-heron", name)
        form = f"I, {name}, allow Dr. Whitfield and Dr. Haddad to exchange my records, until I revoke this.\n"
        signed = Form(form.encode(), datetime.now(UTC).date(), "ink")
        draft = self.physician.consents.create(self._terms(entry.token), signed)
        self.say.tell(f"draft {draft.id} for patient {entry.token}")
        active = self.physician.consents.accept(draft.id)
        self.say.expect(active.latest.status == "active", "Dr. Whitfield accepts it for her side: active")
        return draft.id

    def send_summary(self, consent: UUID) -> UUID:
        """Five megabytes of FHIR, sealed on the physician's machine."""
        size = SUMMARY.stat().st_size
        self.say.step(
            f"Dr. Whitfield sends the patient's summary: {size / 1e6:.1f} MB of FHIR, sealed before it leaves."
        )
        with SUMMARY.open("rb") as body:
            sent = self.physician.letters.send(_draft(body, FHIR, consent, IN_THE_SUMMARY))
        self.say.expect(sent.answer["state"] == "released", f"letter {sent.letter} passes the gate: released")
        return sent.letter

    def read_summary(self, letter: UUID) -> None:
        """Listed, fetched through the gate, verified, read."""
        self.say.step("Dr. Haddad lists her inbox, opens the letter, and her client checks everything.")
        entries, _ = self.psychologist.letters.inbox(wait=5)
        self.say.expect([entry.letter for entry in entries] == [letter], "one letter waits in the inbox")
        body = io.BytesIO()
        opened = self.psychologist.letters.open(letter, body)
        self.say.expect(opened.statement.sender == self.physician.practitioner, "sealed by Dr. Whitfield's own device")
        self.say.tell(f"under consent {opened.statement.consent}, version {opened.statement.consent_version}")
        self.say.expect(body.getvalue() == SUMMARY.read_bytes(), "what she reads is what was sent, byte for byte")
        body.seek(0)
        for line in describe(body, FHIR).text.splitlines():
            self.say.tell(f"| {line}")
        delivery = self.physician.letters.status(letter)[0]
        self.say.expect(delivery.verified and delivery.opened_at is not None, "Dr. Whitfield has her signed receipt")

    def answer(self, consent: UUID, summary: UUID) -> None:
        """The other direction has to be accepted by its own discloser first."""
        self.say.step("Dr. Haddad answers. Her direction of the consent is hers to accept, nobody else's.")
        text = b"Thank you. First visit on Thursday; I will watch sleep and panic symptoms.\n"
        reply = _draft(io.BytesIO(text), "text/plain", consent, {Information.COORDINATION}, reply_to=summary)
        self._refused(
            self.psychologist, reply, "recipient-not-covered", "before she has accepted, her answer is refused"
        )
        form = self.psychologist.consents.read_form(consent).decode()
        self.say.tell(f"she reads the signed form: {form.strip()!r}")
        self.psychologist.consents.accept(consent)
        reply = _draft(io.BytesIO(text), "text/plain", consent, {Information.COORDINATION}, reply_to=summary)
        sent = self.psychologist.letters.send(reply)
        body = io.BytesIO()
        opened = self.physician.letters.open(sent.letter, body)
        self.say.expect(opened.statement.reply_to == summary, "accepted: her answer arrives, in the same thread")
        self.say.tell(f"| {body.getvalue().decode().strip()}")

    def refuse_what_is_not_covered(self, consent: UUID) -> None:
        """A label that the patient did not allow."""
        self.say.step("A letter that says it carries substance-use records is refused: the patient did not allow that.")
        draft = _draft(
            io.BytesIO(b"..."), "text/plain", consent, {Information.COORDINATION}, {Sensitivity.SUBSTANCE_USE}
        )
        self._refused(self.physician, draft, "label-not-covered", "refused")

    def revoke(self, consent: UUID) -> None:
        """Revoked means stopped: the next letter, and the one not yet opened."""
        self.say.step("Another letter is released but not opened yet. Then the patient revokes.")
        unopened = self._note(consent, b"A medication was changed today.\n")
        self.say.expect(unopened.answer["state"] == "released", f"letter {unopened.letter} is released")
        done = self.psychologist.consents.revoke(consent)
        waited = (done.effective_at - done.revoked_at).total_seconds()
        self.say.expect(waited >= 0, f"revoked, and in effect everywhere {waited * 1000:.0f} ms later")
        next_letter = _draft(io.BytesIO(b"One more thing.\n"), "text/plain", consent, {Information.COORDINATION})
        self._refused(self.physician, next_letter, "consent-revoked", "the next letter is refused")
        try:
            self.psychologist.letters.open(unopened.letter, io.BytesIO())
            self.say.expect(False, "the letter that was not opened yet can no longer be opened")
        except ServiceError as refused:
            self.say.tell(f"{refused.type}: {refused.message}")
            self.say.expect(refused.type == "consent-revoked", "the letter not yet opened can no longer be opened")
        self.say.tell("What she had opened before stays with her: nobody can take that back, and nobody says so.")

    def look_for_the_patient(self) -> None:
        """What the servers hold: searched for name, birth date and a diagnosis."""
        self.say.step(
            "At last, a search through everything the servers wrote, for the patient's name, birth date and diagnosis."
        )
        content = b"".join(path.read_bytes() for path in self.stage.folder.rglob("server*/**/*") if path.is_file())
        content += (self.stage.folder / "server.log").read_bytes()
        for what, word in self.patient.items():
            forms = (
                word.encode(),
                word.encode("utf-16-le"),
                json.dumps(word)[1:-1].encode(),
                word.encode().hex().encode(),
            )
            self.say.expect(
                not any(form in content for form in forms), f"{what}: not there ({len(content) / 1e6:.1f} MB)"
            )

    def _invite(self, office: Client, name: str, npi: str, taxonomy: str) -> Client:
        invitation = office.directory.invite(role="practitioner", name=name, npi=npi, taxonomy=taxonomy)
        person = self.stage.enrol(name.rsplit(maxsplit=1)[-1].lower(), invitation.code)
        me = person.whoami()
        self.say.expect(me.status == "active", f"{me.name}, NPI {me.npi}, {me.organization.name}")
        return person

    def _terms(self, token: str) -> Terms:
        now = datetime.now(UTC)
        return Terms(
            patient=token,
            discloser=Party(kind=PartyKind.PRACTITIONER, id=self.physician.practitioner),
            recipient=Party(kind=PartyKind.PRACTITIONER, id=self.psychologist.practitioner),
            mutual=True,
            purposes=[Purpose.TREATMENT, Purpose.CARE_COORDINATION],
            information=list(ALLOWED),
            sensitivity=sorted(GENERAL),
            valid_from=now,
            valid_until=now + timedelta(days=365),
        )

    def _note(self, consent: UUID, text: bytes) -> Sent:
        return self.physician.letters.send(_draft(io.BytesIO(text), "text/plain", consent, {Information.COORDINATION}))

    def _refused(self, sender: Client, draft: Draft, type_: str, text: str) -> None:
        try:
            sender.letters.send(draft)
        except ServiceError as refused:
            self.say.tell(f"{refused.type}: {refused.message}")
            self.say.expect(refused.type == type_, text)
        else:
            self.say.expect(False, text)


def _draft(
    body: io.BufferedIOBase,
    media_type: str,
    consent: UUID,
    information: set[Information] | frozenset[Information],
    sensitivity: set[Sensitivity] | frozenset[Sensitivity] = GENERAL,
    *,
    reply_to: UUID | None = None,
) -> Draft:
    return Draft(
        body=body,  # type: ignore[arg-type]  # files and BytesIO are BinaryIO in all but name
        media_type=media_type,
        consent=consent,
        purpose=Purpose.TREATMENT,
        information=frozenset(information),
        sensitivity=frozenset(sensitivity),
        reply_to=reply_to,
    )


def _patient() -> dict[str, str]:
    """The words to look for: family name, birth date, one diagnosis of the summary."""
    resources = [entry["resource"] for entry in json.loads(SUMMARY.read_bytes())["entry"]]
    patient = next(resource for resource in resources if resource["resourceType"] == "Patient")
    conditions = [r["code"]["coding"][0]["display"] for r in resources if r["resourceType"] == "Condition"]
    diagnosis = next(text for text in conditions if "apnea" in text)
    family = patient["name"][0]["family"]
    return {
        "name": f"{patient['name'][0]['given'][0]} {family}",
        "family name": family,
        "birth date": patient["birthDate"],
        "diagnosis": diagnosis,
    }
