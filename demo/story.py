"""The story: a physician, a psychologist, a patient who consents and takes it back.

Owns the order of events and what each must come to. Refuses to pass over a step that did not come out as told. What
it is told with is in `papers.py`.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

from concord.api.listings import Question
from concord.client import Client
from concord.consents import Form
from concord.documents import describe
from concord.errors import NotDelegatedError, ServiceError
from concord.letters import Draft, Sent
from concord.printing import printed_form
from concord_formats.identity_checks import Checked
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from .afterwards import Afterwards
from .page import PatientsBrowser
from .papers import FHIR, FOUND, GENERAL, SUMMARY, letter, patient_words, terms
from .stage import Stage
from .telling import Telling

NEAR_SPRINGFIELD = {"line": "12 Harbor Street", "city": "Springfield", "state": "MA", "postal_code": "01103"}


class Story:
    """The story on one stage."""

    def __init__(self, stage: Stage, telling: Telling) -> None:
        self.stage = stage
        self.say = telling
        self.patient = patient_words()

    def tell(self) -> None:
        """All of it."""
        self.enrol()
        consent = self.consent()
        summary = self.send_summary(consent)
        self.read_summary(summary)
        self.answer(consent, summary)
        self.delegate(consent)
        self.refuse_what_is_not_covered(consent)
        self.revoke(consent)
        afterwards = Afterwards(self.stage, self.say, self.physician, self.office)
        afterwards.account()
        afterwards.swap_a_key(self.psychologist)
        afterwards.look_for_the_patient(self.patient)

    def enrol(self) -> None:
        """Two practices, two people, keys made on their own devices."""
        self.say.step("Two practices and two clinicians enrol. Their keys are made on their own machines.")
        _, self.office = self.stage.organization("Riverside Family Medicine")
        _, psychology = self.stage.organization("Harbor Psychology")
        self.physician = self._invite(self.office, "Dr. Ana Whitfield", "1245319599", "207Q00000X")
        self.psychologist = self._invite(psychology, "Dr. Noor Haddad", "1679576722", "103T00000X")
        self._find_a_psychologist()
        seen = self.physician.colleagues.fingerprint(self.psychologist.practitioner)
        own = self.psychologist.colleagues.fingerprint(self.psychologist.practitioner)
        self.say.tell(f"Dr. Haddad's fingerprint, as Dr. Whitfield sees it: {seen}")
        self.say.expect(seen == own, "read aloud on the phone, it is the same on both sides")

    def _find_a_psychologist(self) -> None:
        self.psychologist.own_listing.edit({"languages": ["ar", "en"], "accepting": True} | NEAR_SPRINGFIELD)
        asked = Question(text="psychologist near Springfield, MA", language="Arabic", accepting=True)
        found = self.physician.finding.find(asked).listings
        self.say.expect(
            [each.practitioner for each in found] == [self.psychologist.practitioner],
            "Dr. Whitfield asks for a psychologist near Springfield who speaks Arabic, and finds Dr. Haddad",
        )
        misspelt = self.physician.finding.find(Question(text="Hadad")).listings
        self.say.expect(
            [each.name for each in misspelt] == ["Dr. Noor Haddad"], "a name that is misspelt finds her too"
        )

    def consent(self) -> UUID:
        """The patient signs; the form is sealed; the consent comes into force."""
        self.say.step(
            "The patient signs a consent. The form is sealed to both practices; the server keeps a token, no name."
        )
        name = self.patient["name"]
        entry = self.physician.address_book.add("blue-heron", name)
        draft = self.physician.consents.draft(
            terms(self.physician.practitioner, self.psychologist.practitioner, entry.token)
        )
        self.say.tell(f"draft {draft.id} for patient {entry.token}")
        lacking = draft.latest.missing
        self.say.tell(
            f"unsigned, it lacks {len(lacking)} things, the first: {lacking[0].element} ({lacking[0].citation})"
        )
        self._not_in_force(draft.id)
        form = self._form(draft.id, "en")
        self.say.tell(f"| {form.splitlines()[0].strip()}")
        self.say.tell(f"| {self._form(draft.id, 'es').splitlines()[0].strip()}")
        signed = Form.concord(form.encode(), draft.latest.type, datetime.now(UTC).date(), "ink", copy_given=True)
        self.physician.consents.attach(draft.id, signed)
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
            draft = letter(body, FHIR, consent, FOUND.information, FOUND.sensitivity)
            sent = self.physician.letters.send(draft)
        self.say.tell(f"its codes ask for the labels {', '.join(sorted((*FOUND.information, *FOUND.sensitivity)))}")
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
        reply = letter(io.BytesIO(text), "text/plain", consent, {Information.COORDINATION}, reply_to=summary)
        self._refused(
            self.psychologist, reply, "recipient-not-covered", "before she has accepted, her answer is refused"
        )
        form = self.psychologist.consents.read_form(consent).decode()
        self.say.expect(self.patient["name"] in form, f"she reads the signed form, {len(form.splitlines())} lines")
        self.psychologist.consents.accept(consent)
        reply = letter(io.BytesIO(text), "text/plain", consent, {Information.COORDINATION}, reply_to=summary)
        sent = self.psychologist.letters.send(reply)
        body = io.BytesIO()
        opened = self.physician.letters.open(sent.letter, body)
        self.say.expect(opened.statement.reply_to == summary, "accepted: her answer arrives, in the same thread")
        self.say.tell(f"| {body.getvalue().decode().strip()}")

    def delegate(self, consent: UUID) -> None:
        """A nurse sends in the physician's name, with the rights that the physician signed, and none beyond."""
        self.say.step("Dr. Whitfield lets her nurse send in her name: coordination, nothing else. She signs that.")
        nurse = self._invite(self.office, "Bo Park", "1003000126", "163W00000X")
        until = datetime.now(UTC) + timedelta(days=30)
        coordination, physician = {Information.COORDINATION}, self.physician.practitioner
        self.physician.delegations.give(nurse.practitioner, {Purpose.TREATMENT}, coordination, GENERAL, until)
        text = b"Dr. Whitfield asks to move the visit to Friday.\n"
        sent = nurse.letters.send(letter(io.BytesIO(text), "text/plain", consent, coordination, on_behalf_of=physician))
        opened = self.psychologist.letters.open(sent.letter, io.BytesIO())
        _, by_whom = self.psychologist.letters.before(opened)[0]
        self.say.tell(f"| {by_whom}")
        behalf = opened.statement.on_behalf_of == physician and opened.statement.sender == nurse.practitioner
        self.say.expect(behalf, "Dr. Haddad sees who wrote, and in whose name: the physician's own signature says so")
        more = letter(io.BytesIO(b"..."), "text/plain", consent, {Information.MEDICATIONS}, on_behalf_of=physician)
        try:
            nurse.letters.send(more)
            self.say.expect(False, "the nurse sends no medications: that was not given")
        except NotDelegatedError as refused:
            self.say.tell(f"{refused.message[:1].upper()}{refused.message[1:]}.")
            self.say.expect(True, "the nurse sends no medications: that was not given")

    def refuse_what_is_not_covered(self, consent: UUID) -> None:
        """A label that the patient did not allow."""
        self.say.step("A letter that says it carries HIV information is refused: the patient did not allow that.")
        draft = letter(io.BytesIO(b"..."), "text/plain", consent, {Information.COORDINATION}, {Sensitivity.HIV})
        self._refused(self.physician, draft, "label-not-covered", "refused")
        to, hiv = self.psychologist.practitioner, frozenset({Sensitivity.HIV})
        coordination = frozenset({Information.COORDINATION})
        explained = self.physician.restrictions.explain("blue-heron", to, Purpose.TREATMENT, coordination, hiv)
        for lack in explained.reasons[0].missing:
            self.say.tell(f"explained: {lack.dimension} {lack.value}. {lack.mend}")

    def revoke(self, consent: UUID) -> None:
        """Revoked means stopped: the next letter, and the one not yet opened."""
        self.say.step(
            "Another letter is released but not opened yet. Then the patient revokes, on a page of their own."
        )
        unopened = self._note(consent, b"A medication was changed today.\n")
        self.say.expect(unopened.answer["state"] == "released", f"letter {unopened.letter} is released")
        issued = self.physician.patient_codes.issue(self.physician.address_book.token("blue-heron"))
        browser = PatientsBrowser(issued.page)
        shown = browser.enter(issued.code)
        self.say.tell(
            f"a code on paper opens it; it shows: {next(line for line in shown.splitlines() if 'may share' in line)}"
        )
        self.say.expect(self.patient["family name"] not in shown, "no name of the patient stands there")
        receipt = browser.revoke(consent)
        browser.close()
        stopped = self.physician.consents.show(consent)
        effective = stopped.versions[0].effective_at
        assert stopped.revoked_at is not None and effective is not None  # noqa: S101 - the receipt says so
        waited = (effective - stopped.revoked_at).total_seconds()
        held = "Nothing has left under it anywhere since" in receipt
        self.say.expect(held, f"the receipt says that it is in effect everywhere, {waited * 1000:.0f} ms later")
        next_letter = letter(io.BytesIO(b"One more thing.\n"), "text/plain", consent, {Information.COORDINATION})
        self._refused(self.physician, next_letter, "consent-revoked", "the next letter is refused")
        try:
            self.psychologist.letters.open(unopened.letter, io.BytesIO())
            self.say.expect(False, "the letter that was not opened yet can no longer be opened")
        except ServiceError as refused:
            self.say.tell(f"{refused.type}: {refused.message}")
            self.say.expect(refused.type == "consent-revoked", "the letter not yet opened can no longer be opened")
        self.say.tell("What she had opened before stays with her: nobody can take that back, and nobody says so.")

    def _invite(self, office: Client, name: str, npi: str, taxonomy: str) -> Client:
        invitation = office.administration.invite(name, Checked.IN_PERSON_PHOTO_ID, npi=npi, taxonomy=taxonomy)
        person = self.stage.enrol(name.rsplit(maxsplit=1)[-1].lower(), invitation.code)
        me = person.whoami()
        self.say.expect(me.status == "active", f"{me.name}, NPI {me.npi}, {me.organization.name}")
        return person

    def _not_in_force(self, draft: UUID) -> None:
        try:
            self.physician.consents.api.activate(draft, 1)
            self.say.expect(False, "as long as it lacks anything, it cannot be put in force")
        except ServiceError as refused:
            incomplete = refused.type == "consent-incomplete"
            self.say.expect(incomplete, "as long as it lacks anything, it cannot be put in force")

    def _form(self, draft: UUID, language: str) -> str:
        practice = ("100 River Street, Springfield", None)
        return printed_form(self.physician, draft, as_pdf=False, language=language, practice=practice).decode()

    def _note(self, consent: UUID, text: bytes) -> Sent:
        return self.physician.letters.send(letter(io.BytesIO(text), "text/plain", consent, {Information.COORDINATION}))

    def _refused(self, sender: Client, draft: Draft, type_: str, text: str) -> None:
        try:
            sender.letters.send(draft)
        except ServiceError as refused:
            self.say.tell(f"{refused.type}: {refused.message}")
            self.say.expect(refused.type == type_, text)
        else:
            self.say.expect(False, text)
